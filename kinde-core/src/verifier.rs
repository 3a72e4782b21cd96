//! From a presented token to a proven identity.

mod builder;

use std::{fmt, sync::Arc};

pub use builder::VerifierBuilder;

use crate::{
    AccessToken, AuthError, AuthReason, Clock, ConfigError, ConfigProblem, Identity, Jwks, MachineToken,
    Secret, TokenClaims, TokenKind,
    checks::{self, AccessRules},
    claims::ParsedClaims,
    config_error::Problems,
    jwks::Holding,
    memory::{Memory, Remembered},
    signature_gate::{DEFAULT_TOKEN_LIMIT_BYTES, Proven, SignatureGate},
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

/// What memory says of a token.
enum Recalled {
    Judged(Result<Identity, AuthError>),
    /// Its key was withdrawn.
    Worthless,
    /// The key set is too old to be believed: the way that waits decides.
    Undecided,
}

impl Recalled {
    /// Gives the judgement, if there is one; what is worthless is forgotten.
    fn settle(self, memory: &Memory, token: &str) -> Option<Result<Identity, AuthError>> {
        match self {
            Self::Judged(judged) => Some(judged),
            Self::Worthless => {
                memory.forget(token);
                None
            }
            Self::Undecided => None,
        }
    }
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
        VerifierBuilder::new(jwks)
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
        for verifier in &verifiers {
            for (one, key_set) in verifier.inner.rules.iter().zip(verifier.inner.gate.key_sets()) {
                if rules.iter().any(|held| held.issuer == one.issuer) {
                    let fix =
                        "join verifiers of different issuers; one verifier can accept several audiences";
                    let problem = ConfigProblem::new("issuer_repeated", "Verifier::any_of", fix);
                    problems.add(problem.with_found(one.issuer.as_str()));
                }
                rules.push(one.clone());
                key_sets.push(key_set.clone());
            }
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
        let opened = self.inner.gate.open(token)?;
        let mut proven = self.inner.gate.prove_waiting(&opened).await?;
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
        if let Some(memory) = &self.inner.memory
            && let Some(recalled) = memory.find_in_front(token, |remembered| self.judge_again(remembered))
            && let Some(judged) = recalled.settle(memory, token)
        {
            return Some(judged);
        }
        let opened = match self.inner.gate.open(token) {
            Ok(opened) => opened,
            Err(reason) => return Some(Err(reason.into())),
        };
        // Foreign tokens are told apart by their header before they cost a look-up.
        if let (Some(memory), true) = (&self.inner.memory, opened.may_be_known)
            && let Some(recalled) = memory.find(token, |remembered| self.judge_again(remembered))
            && let Some(judged) = recalled.settle(memory, token)
        {
            return Some(judged);
        }
        let mut proven = match self.inner.gate.prove_at_hand(&opened)? {
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

    /// Asks anew what can have changed since a token was verified, its key and the time: a remembered token
    /// is good until it expires or its key is withdrawn.
    fn judge_again(&self, remembered: &Remembered) -> Recalled {
        let Remembered { identity, key, owner } = remembered;
        let (Some(key_set), Some(rules)) = (self.inner.gate.key_set(*owner), self.inner.rules.get(*owner))
        else {
            return Recalled::Worthless;
        };
        match key_set.still_holds(key) {
            Holding::Yes => {}
            Holding::No => return Recalled::Worthless,
            Holding::Unusable => return Recalled::Undecided,
        }
        let now = self.inner.clock.wall();
        let claims = identity.claims();
        let in_time = checks::check_expiry(claims.expires_at(), rules.leeway, now)
            .and_then(|()| rules.check_age(claims.issued_at(), now));
        Recalled::Judged(in_time.map(|()| identity.clone()).map_err(AuthError::from))
    }

    /// Judges the claims of a token whose signature is verified, and remembers it if it is good.
    fn judge(&self, token: &str, mut claims: ParsedClaims, proven: Proven) -> Result<Identity, AuthError> {
        let Proven { key, owner, is_named, .. } = proven;
        let Some(rules) = self.inner.rules.get(owner) else {
            return Err(AuthReason::SignatureInvalid.into());
        };
        let kind = rules.judge(&claims, self.inner.clock.wall())?;
        let subject = claims.sub.take().unwrap_or_default();
        let views = TokenClaims::from_checked(claims, Arc::new(Secret::new(token)), rules.issuer.clone());
        let identity = match kind {
            TokenKind::Machine => {
                let client_id = views.application().unwrap_or_default().into();
                Identity::Machine(Arc::new(MachineToken::new(client_id, views)))
            }
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
    Ok(gate.prove(token).await?.payload)
}
