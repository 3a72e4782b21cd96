//! Why a request was refused: a kind to branch on, a reason for logs and tests.

use std::{fmt, time::Duration};

use crate::{Denial, Issuer, UntrustedText};

/// Why a credential did not become an identity, or an identity was not allowed to go on.
///
/// [`kind`](AuthError::kind) is what a program branches on and what decides the HTTP status;
/// [`reason`](AuthError::reason) carries both sides (expected and found) for logs and tests;
/// [`code`](AuthError::code) is stable and has an anchor in `docs/errors.md`. Neither holds a token, and
/// everything that came from outside is escaped and cut.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthError {
    reason: AuthReason,
}

impl AuthError {
    /// Tells which answer the caller gets.
    pub fn kind(&self) -> AuthErrorKind {
        self.reason.kind()
    }

    /// Tells exactly what was expected and found.
    pub fn reason(&self) -> &AuthReason {
        &self.reason
    }

    /// Gives the stable code, for example `token_expired`.
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// Tells whether trying again later can help: only while keys are unavailable.
    pub fn is_temporary(&self) -> bool {
        self.kind() == AuthErrorKind::KeysUnavailable
    }

    /// Gives one sentence on what to do about it, for the operator's log.
    pub fn fix(&self) -> &'static str {
        self.reason.fix()
    }
}

impl From<AuthReason> for AuthError {
    fn from(reason: AuthReason) -> Self {
        Self { reason }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} [{}]", self.reason, self.code())
    }
}

impl std::error::Error for AuthError {}

/// What the caller is told. Complete by nature: each kind is one row of the answer table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthErrorKind {
    /// No credential was sent: 401, a challenge without an error code.
    CredentialMissing,
    /// The `Authorization` header is not well formed: 400 `invalid_request`.
    InvalidRequest,
    /// The token is not good here: 401 `invalid_token`.
    InvalidToken,
    /// The identity may not do this: 403 `insufficient_scope`.
    InsufficientScope,
    /// The keys to judge the token by cannot be had now: 503 with `Retry-After`.
    KeysUnavailable,
    /// The service is wired wrongly: 500, explained in the log.
    Misconfigured,
}

/// The kind of a token, told by its claims: all four are signed by the same keys with the same header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// An access token of a person.
    User,
    /// An access token of a machine-to-machine application.
    Machine,
    /// An ID token.
    Id,
    /// The body of a webhook.
    Webhook,
    /// A logout token or another security event token.
    SecurityEvent,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::User => "user access token",
            Self::Machine => "machine access token",
            Self::Id => "ID token",
            Self::Webhook => "webhook",
            Self::SecurityEvent => "security event token",
        })
    }
}

/// Exactly what was wrong. New reasons may be added.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthReason {
    /// No credential in the request.
    #[error("no credential was sent")]
    CredentialMissing,
    /// More than one `Authorization` header.
    #[error("the request has {count} Authorization headers")]
    AuthorizationRepeated {
        /// How many there are.
        count: usize,
    },
    /// The `Authorization` header names the Bearer scheme but is not `Bearer <token68>`.
    #[error("the Authorization header is malformed: {problem}")]
    AuthorizationMalformed {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token is longer than the limit.
    #[error("the token has {bytes} bytes, the limit is {limit}")]
    TokenTooLong {
        /// Its length.
        bytes: usize,
        /// The configured limit.
        limit: usize,
    },
    /// The token is not three non-empty base64url segments.
    #[error("the token is not a compact JWS: {problem}")]
    TokenMalformed {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token is encrypted or nested.
    #[error("the token is encrypted or nested, which Kinde's tokens never are")]
    TokenEncrypted,
    /// The JOSE header is not what a Kinde token has.
    #[error("the JOSE header is malformed: {problem}")]
    HeaderMalformed {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `alg` is not RS256.
    #[error("alg is {found:?}, expected \"RS256\"")]
    AlgorithmNotAllowed {
        /// The algorithm of the header.
        found: UntrustedText,
    },
    /// `typ` is neither absent, `JWT` nor `at+jwt`.
    #[error("typ is {found:?}, expected \"JWT\" or \"at+jwt\"")]
    TypeNotAllowed {
        /// The type of the header.
        found: UntrustedText,
    },
    /// The key set has no such key.
    #[error("the key set has no key {kid:?}")]
    KeyUnknown {
        /// The key ID of the header.
        kid: UntrustedText,
    },
    /// The token has no `kid` and the key set does not hold exactly one key.
    #[error("the token has no kid, and the key set does not hold exactly one key")]
    KeyIdMissing,
    /// The signature does not verify with the key that the header names.
    #[error("the signature is not valid")]
    SignatureInvalid,
    /// The claims are not one JSON object without repeated names.
    #[error("the claims are malformed: {problem}")]
    ClaimsMalformed {
        /// What is wrong with them.
        problem: &'static str,
    },
    /// A required claim is absent.
    #[error("the claim {claim} is missing")]
    ClaimMissing {
        /// Its name.
        claim: &'static str,
    },
    /// A claim of the protocol has the wrong type.
    #[error("the claim {claim} is not {expected}")]
    ClaimType {
        /// Its name.
        claim: &'static str,
        /// The type it must have.
        expected: &'static str,
    },
    /// `exp` is past.
    #[error("the token expired at {expires_at:?}, now is {now:?}, the leeway is {leeway:?}")]
    Expired {
        /// `exp`, since 1970.
        expires_at: Duration,
        /// The time of the check, since 1970.
        now: Duration,
        /// The configured leeway.
        leeway: Duration,
    },
    /// `nbf` or `iat` lies ahead.
    #[error("{claim} is {at:?}, now is {now:?}, the leeway is {leeway:?}")]
    NotYetValid {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// The claim, since 1970.
        at: Duration,
        /// The time of the check, since 1970.
        now: Duration,
        /// The configured leeway.
        leeway: Duration,
    },
    /// The token was issued longer ago than the verifier allows.
    #[error("the token was issued at {issued_at:?}, now is {now:?}, the maximum age is {max_age:?}")]
    TooOld {
        /// `iat`, since 1970.
        issued_at: Duration,
        /// The time of the check, since 1970.
        now: Duration,
        /// The configured maximum age.
        max_age: Duration,
    },
    /// `iss` is not the issuer whose key signed the token.
    #[error("iss is {found:?}, expected {expected}")]
    IssuerMismatch {
        /// The issuer whose key signed it.
        expected: Issuer,
        /// The claim.
        found: UntrustedText,
    },
    /// An audience is configured and the token has none: `aud` is absent or `[]`.
    #[error(
        "the token has no audience, expected {expected:?}: register the API in Kinde (Settings, APIs), authorize it \
         for the application, and request it at login (KINDE_AUDIENCE, or the audience parameter of the \
         authorization request)"
    )]
    AudienceAbsent {
        /// The configured audiences.
        expected: UntrustedText,
    },
    /// `aud` does not hold what is configured.
    #[error("aud is {found:?}, expected {expected:?}")]
    AudienceMismatch {
        /// The configured audiences.
        expected: UntrustedText,
        /// The claim.
        found: UntrustedText,
    },
    /// `azp` is not an accepted application.
    #[error("azp is {found:?}, expected {expected:?}")]
    ApplicationMismatch {
        /// The accepted applications.
        expected: UntrustedText,
        /// The claim.
        found: UntrustedText,
    },
    /// The token is genuine but of another kind.
    #[error("this is a {found}, expected a {expected}")]
    WrongKind {
        /// The kind that is accepted here.
        expected: TokenKind,
        /// The kind that its claims tell.
        found: TokenKind,
    },
    /// A machine token at a verifier that is bound by application: its `azp` is its own ID, so only an
    /// audience can bind it.
    #[error("a machine token was presented, and the verifier has no audience to bind it by")]
    MachineUnbound,
    /// The claims do not tell one kind of token from another.
    #[error("the kind of token is uncertain: {problem}")]
    KindUncertain {
        /// What is missing or contradictory.
        problem: &'static str,
    },
    /// The verifier demands another organization.
    #[error("org_code is {found:?}, expected {expected:?}")]
    OrganizationMismatch {
        /// The demanded organization.
        expected: UntrustedText,
        /// The claim; empty when absent.
        found: UntrustedText,
    },
    /// The verifier demands a scope that was not granted.
    #[error("the scope {expected:?} was not granted")]
    ScopeMissing {
        /// The demanded scope.
        expected: UntrustedText,
    },
    /// The ID token's `nonce` is not the one of the authorization request.
    #[error("the nonce is not the one of the authorization request")]
    NonceMismatch,
    /// The ID token's `at_hash` does not belong to the access token.
    #[error("at_hash does not belong to the access token")]
    AccessTokenHashMismatch,
    /// A claim that the code asked for is malformed.
    #[error("{0}")]
    MalformedClaim(#[from] crate::MalformedClaim),
    /// The token has no organization, and one is needed.
    #[error("the token has no organization")]
    OrganizationAbsent,
    /// A machine is signed in where a person is expected, or the other way round.
    #[error("a {expected} is needed here, the caller presented a {found}")]
    CallerKind {
        /// The kind of caller that is needed.
        expected: TokenKind,
        /// The kind that called.
        found: TokenKind,
    },
    /// A requirement is not met.
    #[error("{0}")]
    Denied(Box<Denial>),
    /// The key set could not be fetched.
    #[error("the key set of the issuer cannot be had now; try again in {retry_after:?}")]
    KeysUnavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// Something asked for an identity where no layer had looked for one.
    #[error(
        "no KindeLayer has seen this request: add `.layer(KindeLayer::from_env()?)` around this route, outside \
         of whatever asks for the identity; if one is there, `cargo tree -d` shows whether two versions of \
         kinde-core are in the build"
    )]
    LayerMissing,
}

impl AuthReason {
    /// Tells which answer the caller gets.
    pub fn kind(&self) -> AuthErrorKind {
        use AuthErrorKind as Kind;
        match self {
            Self::CredentialMissing => Kind::CredentialMissing,
            Self::AuthorizationRepeated { .. } | Self::AuthorizationMalformed { .. } => Kind::InvalidRequest,
            Self::TokenTooLong { .. }
            | Self::TokenMalformed { .. }
            | Self::TokenEncrypted
            | Self::HeaderMalformed { .. }
            | Self::AlgorithmNotAllowed { .. }
            | Self::TypeNotAllowed { .. }
            | Self::KeyUnknown { .. }
            | Self::KeyIdMissing
            | Self::SignatureInvalid
            | Self::ClaimsMalformed { .. }
            | Self::ClaimMissing { .. }
            | Self::ClaimType { .. }
            | Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::TooOld { .. }
            | Self::IssuerMismatch { .. }
            | Self::AudienceAbsent { .. }
            | Self::AudienceMismatch { .. }
            | Self::ApplicationMismatch { .. }
            | Self::WrongKind { .. }
            | Self::MachineUnbound
            | Self::KindUncertain { .. }
            | Self::NonceMismatch
            | Self::AccessTokenHashMismatch => Kind::InvalidToken,
            Self::OrganizationMismatch { .. }
            | Self::ScopeMissing { .. }
            | Self::MalformedClaim(_)
            | Self::OrganizationAbsent
            | Self::CallerKind { .. }
            | Self::Denied(_) => Kind::InsufficientScope,
            Self::KeysUnavailable { .. } => Kind::KeysUnavailable,
            Self::LayerMissing => Kind::Misconfigured,
        }
    }

    /// Gives the stable code.
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    fn fix(&self) -> &'static str {
        self.row().1
    }

    /// The code of each reason and what to do about it; `docs/errors.md` has the long form.
    fn row(&self) -> (&'static str, &'static str) {
        match self {
            Self::CredentialMissing => ("credential_missing", "send `Authorization: Bearer <access token>`"),
            Self::AuthorizationRepeated { .. } => {
                ("authorization_repeated", "send exactly one Authorization header")
            }
            Self::AuthorizationMalformed { .. } => (
                "authorization_malformed",
                "send `Authorization: Bearer <access token>`, one space, no quotes",
            ),
            Self::TokenTooLong { .. } => {
                ("token_too_long", "put fewer claims into the token, or raise the verifier's limit")
            }
            Self::TokenMalformed { .. } => {
                ("token_malformed", "send the access token as it came from the token endpoint")
            }
            Self::TokenEncrypted => ("token_encrypted", "send the signed access token that Kinde issued"),
            Self::HeaderMalformed { .. } => {
                ("header_malformed", "send the access token as it came from the token endpoint")
            }
            Self::AlgorithmNotAllowed { .. } => ("algorithm_not_allowed", "Kinde signs with RS256 only"),
            Self::TypeNotAllowed { .. } => ("type_not_allowed", "send an access token"),
            Self::KeyUnknown { .. } => (
                "key_unknown",
                "check that the token comes from the configured environment (KINDE_ISSUER_URL)",
            ),
            Self::KeyIdMissing => ("key_id_missing", "send the access token that Kinde issued"),
            Self::SignatureInvalid => ("signature_invalid", "send the access token unchanged"),
            Self::ClaimsMalformed { .. } => ("claims_malformed", "send the access token that Kinde issued"),
            Self::ClaimMissing { .. } => ("claim_missing", "send an access token that Kinde issued"),
            Self::ClaimType { .. } => ("claim_type", "send an access token that Kinde issued"),
            Self::Expired { .. } => {
                ("token_expired", "refresh the access token; if it is fresh, compare the clocks")
            }
            Self::NotYetValid { .. } => {
                ("token_not_yet_valid", "compare the clocks of this machine and Kinde")
            }
            Self::TooOld { .. } => (
                "token_too_old",
                "refresh the access token or sign in again; if it is fresh, compare the clocks",
            ),
            Self::IssuerMismatch { .. } => (
                "issuer_mismatch",
                "set KINDE_ISSUER_URL to the host through which people sign in (custom domain or kinde.com)",
            ),
            Self::AudienceAbsent { .. } => {
                ("audience_absent", "register the API in Kinde and request it at login (KINDE_AUDIENCE)")
            }
            Self::AudienceMismatch { .. } => {
                ("audience_mismatch", "request this API's audience at login, or correct KINDE_AUDIENCE")
            }
            Self::ApplicationMismatch { .. } => (
                "application_mismatch",
                "add the application's client ID to the verifier, or set an audience",
            ),
            Self::WrongKind { .. } => ("wrong_token_kind", "send an access token of the expected kind"),
            Self::MachineUnbound => {
                ("machine_unbound", "configure an audience (KINDE_AUDIENCE) to accept machine tokens")
            }
            Self::KindUncertain { .. } => ("token_kind_uncertain", "configure an audience (KINDE_AUDIENCE)"),
            Self::OrganizationMismatch { .. } => {
                ("organization_mismatch", "sign in to the organization that the request addresses")
            }
            Self::ScopeMissing { .. } => ("scope_missing", "request the scope at login"),
            Self::NonceMismatch => ("nonce_mismatch", "start the sign-in again"),
            Self::AccessTokenHashMismatch => ("access_token_hash_mismatch", "start the sign-in again"),
            Self::MalformedClaim(_) => {
                ("claim_malformed", "correct the token customization or workflow that writes the claim")
            }
            Self::OrganizationAbsent => ("organization_absent", "sign in to an organization (org_code)"),
            Self::CallerKind { .. } => (
                "caller_kind",
                "use `Caller` or `AuthMachine` where machines may call, `AuthUser` for people",
            ),
            Self::Denied(_) => ("requirement_denied", "grant what the requirement names in Kinde"),
            Self::KeysUnavailable { .. } => {
                ("keys_unavailable", "check the way from this service to the issuer's /.well-known/jwks")
            }
            Self::LayerMissing => ("layer_missing", "add KindeLayer around this route"),
        }
    }
}
