//! From a presented token to a proven identity.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    AccessToken, AuthError, AuthReason, Clock, ConfigError, ConfigProblem, IdToken, Identity, Jwks,
    MachineToken, Secret, SystemClock, TokenClaims, TokenKind,
    checks::{self, AccessRules, Audience, ExpectedNonce, IdTokenRules},
    claims::ParsedClaims,
    config_error::Problems,
    jwks::Holding,
    memory::{Memory, Remembered},
    signature_gate::{Proven, SignatureGate},
    strict_json,
};

/// Verifies access tokens of one or several Kinde environments; cheap to clone.
///
/// Every verifier is bound: by audience, or, where the environment has no registered API, by application
/// (`azp`). Without either, any application of the environment could present its tokens here.
///
/// ```
/// use kinde_core::{Issuer, Jwks, Verifier};
///
/// # #[cfg(feature = "reqwest")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let jwks = Jwks::builder(Issuer::new("https://acme.kinde.com")?).build()?;
/// let verifier = Verifier::builder(jwks).with_audience("https://api.acme.example").build()?;
/// assert!(verifier.verify_at_hand("not.a.token").is_some_and(|judged| judged.is_err()));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "reqwest"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    gate: SignatureGate,
    rules: Box<[AccessRules]>,
    memory: Option<Memory>,
    memory_limit_bytes: u64,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Starts a verifier of the tokens that the keys of `jwks` sign.
    pub fn builder(jwks: Jwks) -> VerifierBuilder {
        VerifierBuilder {
            jwks,
            audience: None,
            applications: Vec::new(),
            fallback: Fallback::default(),
            is_unbound: false,
            leeway: DEFAULT_LEEWAY,
            max_age: None,
            org_code: None,
            scopes: Vec::new(),
            token_limit_bytes: DEFAULT_TOKEN_LIMIT_BYTES,
            memory_limit_bytes: DEFAULT_MEMORY_LIMIT_BYTES,
            clock: Arc::new(SystemClock),
        }
    }

    /// Joins verifiers of several issuers into one: a token is good if its own issuer's verifier accepts it.
    ///
    /// For a move to a custom domain (both hosts sign for a while) or several environments behind one
    /// service. Each issuer keeps its keys, binding and policies; clock, token limit and memory limit are
    /// those of the first.
    ///
    /// # Errors
    ///
    /// `verifiers_empty` without a verifier, `issuer_repeated` when an issuer occurs twice.
    pub fn any_of(verifiers: impl IntoIterator<Item = Verifier>) -> Result<Self, ConfigError> {
        let verifiers: Vec<_> = verifiers.into_iter().collect();
        let Some(first) = verifiers.first() else {
            return Err(ConfigProblem::new(
                "verifiers_empty",
                "Verifier::any_of",
                "give at least one verifier",
            )
            .into());
        };
        let mut problems = Problems::default();
        let mut rules: Vec<AccessRules> = Vec::new();
        let mut key_sets = Vec::new();
        for (owner, one) in verifiers.iter().flat_map(|verifier| {
            verifier.inner.rules.iter().enumerate().map(move |(index, rules)| ((verifier, index), rules))
        }) {
            if rules.iter().any(|held| held.issuer == one.issuer) {
                let fix = "join verifiers of different issuers; one verifier can accept several audiences";
                problems.add(
                    ConfigProblem::new("issuer_repeated", "Verifier::any_of", fix)
                        .with_found(one.issuer.as_str()),
                );
            }
            rules.push(one.clone());
            key_sets.extend(owner.0.inner.gate.key_set(owner.1).cloned());
        }
        let limit = first.inner.memory_limit_bytes;
        let inner = Inner {
            gate: SignatureGate::new(key_sets, first.inner.gate.token_limit_bytes()),
            rules: rules.into(),
            memory: (limit > 0).then(|| Memory::bounded(limit)),
            memory_limit_bytes: limit,
            clock: Arc::clone(&first.inner.clock),
        };
        problems.into_result(Some(Self { inner: Arc::new(inner) }))
    }

    /// Verifies an access token, fetching keys if it must, and tells whose it is.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::InvalidToken`](crate::AuthErrorKind) for anything wrong inside the token,
    /// `InsufficientScope` when a demanded organization or scope is absent, `KeysUnavailable` when the keys
    /// to judge it by cannot be had now.
    pub async fn verify(&self, token: &str) -> Result<Identity, AuthError> {
        if let Some(judged) = self.verify_at_hand(token) {
            return judged;
        }
        let mut proven = self.inner.gate.prove_waiting(token).await?;
        let claims = ParsedClaims::parse(&proven.payload)?;
        if let Some(named) = self.other_issuer(&claims, &proven)
            && let Some(key) = self.inner.gate.same_key_waiting(named, &proven.key).await?
        {
            (proven.owner, proven.key) = (named, key);
        }
        self.judge(token, claims, proven)
    }

    /// Verifies the access token of a person; a machine's is refused as the wrong kind.
    ///
    /// # Errors
    ///
    /// As [`verify`](Verifier::verify), and `wrong_token_kind` for a machine.
    pub async fn verify_user(&self, token: &str) -> Result<Arc<AccessToken>, AuthError> {
        self.verify(token).await?.into_user()
    }

    /// Verifies an access token without waiting; `None` when keys must be fetched first.
    ///
    /// With keys at hand this is a synchronous function of the token, the keys and the time.
    pub fn verify_at_hand(&self, token: &str) -> Option<Result<Identity, AuthError>> {
        if let Some(judged) = self.recall(token) {
            return Some(judged);
        }
        let mut proven = match self.inner.gate.prove_at_hand(token)? {
            Ok(proven) => proven,
            Err(reason) => return Some(Err(reason.into())),
        };
        let claims = match ParsedClaims::parse(&proven.payload) {
            Ok(claims) => claims,
            Err(reason) => return Some(Err(reason.into())),
        };
        if let Some(named) = self.other_issuer(&claims, &proven) {
            match self.inner.gate.same_key_at_hand(named, &proven.key)? {
                Ok(Some(key)) => (proven.owner, proven.key) = (named, key),
                Ok(None) => {}
                Err(reason) => return Some(Err(reason.into())),
            }
        }
        Some(self.judge(token, claims, proven))
    }

    /// Tells whether every issuer is bound by an audience, without which no machine token is accepted.
    pub fn has_audience(&self) -> bool {
        self.inner.rules.iter().all(|rules| rules.audience.is_some())
    }

    /// Gives the key sets, one for each issuer: for `warm_up()` before serving and `health()` in a readiness
    /// route.
    pub fn key_sets(&self) -> impl Iterator<Item = &Jwks> {
        self.inner.gate.key_sets()
    }

    /// Gives the issuers whose tokens are accepted.
    pub fn issuers(&self) -> impl Iterator<Item = &crate::Issuer> {
        self.inner.rules.iter().map(|rules| &rules.issuer)
    }

    /// Finds the issuer that `iss` names, where it is another than the one whose key verified the signature.
    fn other_issuer(&self, claims: &ParsedClaims, proven: &Proven) -> Option<usize> {
        let named = claims.iss.as_deref()?;
        let named = self.inner.rules.iter().position(|rules| rules.issuer.as_str() == named)?;
        (named != proven.owner).then_some(named)
    }

    /// Decides from memory: a remembered token is good until it expires or its key is withdrawn.
    fn recall(&self, token: &str) -> Option<Result<Identity, AuthError>> {
        // Junk and foreign tokens are told apart by their header before they cost a look-up.
        let memory = self.inner.memory.as_ref().filter(|_| self.inner.gate.has_seen_header_of(token))?;
        let Remembered { identity, key, owner } = memory.find(token)?;
        match self.inner.gate.key_set(owner)?.still_holds(&key) {
            Holding::Yes => {}
            Holding::No => {
                memory.forget(token);
                return None;
            }
            // The key set is too old to be believed: the way that waits decides.
            Holding::Unusable => return None,
        }
        let rules = self.inner.rules.get(owner)?;
        let now = self.inner.clock.wall();
        let claims = identity.claims();
        if let Err(reason) = checks::check_expiry(claims.expires_at(), rules.leeway, now) {
            return Some(Err(reason.into()));
        }
        if let Err(reason) = rules.check_age(claims.issued_at(), now) {
            return Some(Err(reason.into()));
        }
        Some(Ok(identity))
    }

    /// Judges the claims of a token whose signature is verified, and remembers it if it is good.
    fn judge(&self, token: &str, mut claims: ParsedClaims, proven: Proven) -> Result<Identity, AuthError> {
        let Proven { key, owner, is_named, .. } = proven;
        let Some(rules) = self.inner.rules.get(owner) else {
            return Err(AuthReason::SignatureInvalid.into());
        };
        let kind = rules.judge(&claims, self.inner.clock.wall())?;
        let subject = claims.sub.take().unwrap_or_default();
        let client_id = claims.azp.clone().unwrap_or_default();
        let views = TokenClaims::from_checked(claims, Arc::new(Secret::new(token)), rules.issuer.clone());
        let identity = match kind {
            TokenKind::Machine => Identity::Machine(Arc::new(MachineToken::new(client_id, views))),
            _ => Identity::User(Arc::new(AccessToken::new(subject, views))),
        };
        // A token without a key ID is good only while the set has one key: that is asked anew each time.
        if let (Some(memory), true) = (&self.inner.memory, is_named) {
            memory.remember(Remembered { identity: identity.clone(), key, owner });
        }
        Ok(identity)
    }
}

/// Prints the rules; the remembered tokens are nobody's to print.
impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Verifier").field("rules", &self.inner.rules).finish_non_exhaustive()
    }
}

/// Builds a [`Verifier`].
#[derive(Clone, Debug)]
#[must_use = "call `build`"]
pub struct VerifierBuilder {
    jwks: Jwks,
    audience: Option<Audience>,
    applications: Vec<Box<str>>,
    fallback: Fallback,
    is_unbound: bool,
    leeway: Duration,
    max_age: Option<Duration>,
    org_code: Option<Box<str>>,
    scopes: Vec<Box<str>>,
    token_limit_bytes: usize,
    memory_limit_bytes: u64,
    clock: Arc<dyn Clock>,
}

impl VerifierBuilder {
    /// Binds by audience: the token's `aud` must hold `audience`, the API's identifier in Kinde.
    pub fn with_audience(self, audience: impl Into<String>) -> Self {
        self.with_any_audience([audience.into()])
    }

    /// Binds by audience: the token's `aud` must hold at least one of `audiences`. The last call counts.
    pub fn with_any_audience(mut self, audiences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.audience = Some(Audience::AnyOf(boxed(audiences)));
        self
    }

    /// Binds by audience: the token's `aud` must hold all of `audiences`. The last call counts.
    pub fn with_all_audiences(mut self, audiences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.audience = Some(Audience::AllOf(boxed(audiences)));
        self
    }

    /// Binds by application: the token's `azp` must be `client_id`, or another one so named.
    ///
    /// Beside an audience it narrows further, for machines as well.
    pub fn with_application(mut self, client_id: impl Into<String>) -> Self {
        self.applications.push(client_id.into().into());
        self
    }

    /// Accepts tokens of every application of the environment, for whatever audience.
    ///
    /// # Security
    ///
    /// Whoever signs in to any application of the environment can call this service. Something else must
    /// tell callers apart, for example a gateway that has checked the audience already.
    pub fn insecure_unbound(mut self) -> Self {
        self.is_unbound = true;
        self
    }

    /// Sets how far clocks may differ: added to `exp`, granted to `nbf` and `iat`.
    ///
    /// Default 60 s, which covers machines that keep time; zero compares exactly; more than 300 s is
    /// refused, because it lets expired tokens live.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Refuses tokens that were issued longer ago, whatever their `exp`. Default none; needs `iat`.
    ///
    /// Kinde's access tokens live one day unless the application says otherwise. Zero refuses every
    /// token older than the leeway.
    pub fn with_max_token_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Accepts tokens of one organization only. Default any, and none.
    pub fn with_org_code(mut self, org_code: impl Into<String>) -> Self {
        self.org_code = Some(org_code.into().into());
        self
    }

    /// Demands a scope in `scp` or `scope`; may be called again for more. Default none.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into().into());
        self
    }

    /// Sets the length beyond which a token is refused unread, in bytes. Default 16 KiB: Kinde's tokens have
    /// one or two, and servers bound a header line at 8 to 16. Zero refuses every token.
    pub fn with_token_limit_bytes(mut self, limit: usize) -> Self {
        self.token_limit_bytes = limit;
        self
    }

    /// Sets how many bytes of verified tokens are remembered. Default 32 MiB, some 8,000 tokens; zero
    /// remembers none.
    ///
    /// A remembered token is still compared with the clock and the key set at every use, so it is refused
    /// exactly when it would be refused otherwise.
    pub fn with_memory_limit_bytes(mut self, limit: u64) -> Self {
        self.memory_limit_bytes = limit;
        self
    }

    /// Sets the clock that claims are compared with. Default the system's.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the verifier. It needs no network; the first token fetches the keys.
    ///
    /// # Errors
    ///
    /// All problems together: `verifier_unbound` without audience and application, `audience_empty`,
    /// `audience_is_issuer`, `application_empty`, `org_code_empty`, `scope_empty`, `leeway_too_long`.
    pub fn build(mut self) -> Result<Verifier, ConfigError> {
        let mut problems = Problems::default();
        self.bind_by_fallback();
        self.check(&mut problems);
        let rules = AccessRules {
            issuer: self.jwks.issuer().clone(),
            audience: self.audience,
            applications: (!self.applications.is_empty()).then(|| self.applications.into()),
            leeway: self.leeway,
            max_age: self.max_age,
            org_code: self.org_code,
            scopes: self.scopes.into(),
        };
        let inner = Inner {
            gate: SignatureGate::new([self.jwks], self.token_limit_bytes),
            rules: [rules].into(),
            memory: (self.memory_limit_bytes > 0).then(|| Memory::bounded(self.memory_limit_bytes)),
            memory_limit_bytes: self.memory_limit_bytes,
            clock: self.clock,
        };
        problems.into_result(Some(Verifier { inner: Arc::new(inner) }))
    }

    /// Keeps what the settings say, for a builder that is bound by nothing else.
    pub(crate) fn with_fallback(mut self, audiences: &[String], application: Option<&str>) -> Self {
        self.fallback = Fallback {
            audiences: boxed(audiences.iter().map(String::as_str)),
            application: application.map(Box::from),
        };
        self
    }

    fn bind_by_fallback(&mut self) {
        if self.is_unbound {
            return;
        }
        let Fallback { audiences, application } = std::mem::take(&mut self.fallback);
        // An application named in code narrows the audience of the environment; it does not replace it.
        if self.audience.is_none() && !audiences.is_empty() {
            self.audience = Some(Audience::AnyOf(audiences));
        }
        if self.audience.is_none() && self.applications.is_empty() {
            self.applications.extend(application);
        }
    }

    fn check(&self, problems: &mut Problems) {
        if self.audience.is_none() && self.applications.is_empty() && !self.is_unbound {
            problems.add(ConfigProblem::new(
                "verifier_unbound",
                "KINDE_AUDIENCE or KINDE_CLIENT_ID",
                "set KINDE_AUDIENCE to the identifier of the API registered in Kinde (with_audience), or, without a \
                 registered API, KINDE_CLIENT_ID to the application whose users call this service (with_application)",
            ));
        }
        if let Some(Audience::AnyOf(list) | Audience::AllOf(list)) = &self.audience
            && (list.is_empty() || list.iter().any(|audience| audience.is_empty()))
        {
            problems.add(ConfigProblem::new(
                "audience_empty",
                "audience",
                "name an API; an empty audience binds nothing",
            ));
        }
        if let Some(Audience::AnyOf(list) | Audience::AllOf(list)) = &self.audience
            && list.iter().any(|audience| audience.as_ref() == self.jwks.issuer().as_str())
        {
            let fix = "name the API's identifier; the issuer is the audience of ID tokens";
            problems.add(ConfigProblem::new("audience_is_issuer", "audience", fix));
        }
        if self.org_code.as_deref() == Some("") {
            let fix = "name an organization, or leave the demand out";
            problems.add(ConfigProblem::new("org_code_empty", "org_code", fix));
        }
        if self.scopes.iter().any(|scope| scope.is_empty()) {
            problems.add(ConfigProblem::new("scope_empty", "scope", "name a scope, or leave the demand out"));
        }
        if self.applications.iter().any(|client_id| client_id.is_empty()) {
            problems.add(ConfigProblem::new("application_empty", "application", "name a client ID"));
        }
        check_leeway(self.leeway).into_iter().for_each(|problem| problems.add(problem));
    }
}

/// The binding that the settings give.
#[derive(Clone, Debug, Default)]
struct Fallback {
    audiences: Box<[Box<str>]>,
    application: Option<Box<str>>,
}

/// Verifies ID tokens for the application that asked for them; for a sign-in's callback, not for an API.
#[derive(Clone, Debug)]
pub struct IdTokenVerifier {
    gate: Arc<SignatureGate>,
    jwks: Jwks,
    client_id: Box<str>,
    leeway: Duration,
    clock: Arc<dyn Clock>,
}

impl IdTokenVerifier {
    /// Creates a verifier of ID tokens issued to `client_id`, with a leeway of 60 s.
    ///
    /// # Errors
    ///
    /// `application_empty` for an empty client ID.
    pub fn new(jwks: Jwks, client_id: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let client_id = client_id.into();
        if client_id.is_empty() {
            return Err(ConfigProblem::new("application_empty", "client_id", "name a client ID").into());
        }
        Ok(Self {
            gate: Arc::new(SignatureGate::new([jwks.clone()], DEFAULT_TOKEN_LIMIT_BYTES)),
            jwks,
            client_id,
            leeway: DEFAULT_LEEWAY,
            clock: Arc::new(SystemClock),
        })
    }

    /// Sets how far clocks may differ. Default 60 s; zero compares exactly.
    ///
    /// # Errors
    ///
    /// `leeway_too_long` for more than 300 s.
    pub fn with_leeway(mut self, leeway: Duration) -> Result<Self, ConfigError> {
        self.leeway = leeway;
        check_leeway(leeway).map_or(Ok(self), |problem| Err(problem.into()))
    }

    /// Sets the clock that claims are compared with. Default the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Verifies an ID token: signature, issuer, audience, `azp`, time, and what `expected` binds it to.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`]; also `nonce_mismatch` and `access_token_hash_mismatch`.
    pub async fn verify(&self, token: &str, expected: ExpectedIdToken<'_>) -> Result<IdToken, AuthError> {
        let proven = match self.gate.prove_at_hand(token) {
            Some(proven) => proven?,
            None => self.gate.prove_waiting(token).await?,
        };
        let mut claims = ParsedClaims::parse(&proven.payload)?;
        let rules = IdTokenRules {
            issuer: self.jwks.issuer(),
            client_id: &self.client_id,
            leeway: self.leeway,
            nonce: expected.nonce,
            access_token: expected.access_token,
        };
        rules.judge(&claims, self.clock.wall())?;
        let Ok(Value::Object(all)) = strict_json::read(&proven.payload, strict_json::Keep) else {
            return Err(AuthReason::ClaimsMalformed { problem: "not one JSON object" }.into());
        };
        let subject = claims.sub.take().unwrap_or_default();
        let expires_at = claims.exp.unwrap_or_default();
        Ok(IdToken::new(subject, self.jwks.issuer().clone(), expires_at, all, Secret::new(token)))
    }
}

/// What an ID token must belong to.
#[derive(Clone, Copy)]
pub struct ExpectedIdToken<'a> {
    nonce: ExpectedNonce<'a>,
    access_token: Option<&'a str>,
}

impl<'a> ExpectedIdToken<'a> {
    /// Expects the token of a sign-in: it must hold the `nonce` of the authorization request.
    #[must_use]
    pub fn of_sign_in(nonce: &'a str) -> Self {
        Self { nonce: ExpectedNonce::Demanded(nonce), access_token: None }
    }

    /// Expects the token of a refresh: a `nonce` may be absent, and must be the one of the sign-in if present.
    ///
    /// `None` accepts any, for a session that was begun without one.
    #[must_use]
    pub fn of_refresh(nonce: Option<&'a str>) -> Self {
        Self { nonce: nonce.map_or(ExpectedNonce::Any, ExpectedNonce::EqualIfPresent), access_token: None }
    }

    /// Compares `at_hash`, when present, with the access token that came along.
    #[must_use]
    pub fn with_access_token(mut self, access_token: &'a str) -> Self {
        self.access_token = Some(access_token);
        self
    }
}

impl fmt::Debug for ExpectedIdToken<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ExpectedIdToken([redacted])")
    }
}

/// Verifies nothing but the signature and the key, and gives the payload as text.
///
/// # Security
///
/// The payload of any token that the environment ever signed passes: expired ones, ID tokens, webhooks, tokens
/// for others. Whoever calls this must judge every claim; an API uses [`Verifier`] instead.
///
/// # Errors
///
/// As [`Verifier::verify`], for what concerns header, key and signature.
pub async fn insecure_verify_signature_only(jwks: &Jwks, token: &str) -> Result<String, AuthError> {
    let gate = SignatureGate::new([jwks.clone()], DEFAULT_TOKEN_LIMIT_BYTES);
    let proven = match gate.prove_at_hand(token) {
        Some(proven) => proven?,
        None => gate.prove_waiting(token).await?,
    };
    Ok(proven.payload)
}

fn check_leeway(leeway: Duration) -> Option<ConfigProblem> {
    let fix = "use at most 300 s, and correct the clock instead";
    let problem = || ConfigProblem::new("leeway_too_long", "leeway", fix).with_found(&format!("{leeway:?}"));
    (leeway > MAX_LEEWAY).then(problem)
}

fn boxed(texts: impl IntoIterator<Item = impl Into<String>>) -> Box<[Box<str>]> {
    texts.into_iter().map(|text| text.into().into_boxed_str()).collect()
}

const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);
const MAX_LEEWAY: Duration = Duration::from_secs(300);
const DEFAULT_TOKEN_LIMIT_BYTES: usize = 16 * 1024;
const DEFAULT_MEMORY_LIMIT_BYTES: u64 = 32 * 1024 * 1024;
