//! The keys of one issuer: fetched when needed, refreshed in the background, never waited for in vain.
//!
//! | File | Decides |
//! |---|---|
//! | `key.rs` | which JSON Web Keys may verify a signature |
//! | `key_set.rs` | which key answers to which key ID |
//! | `policy.rs` | when to use, refresh, wait or refuse: a plain function of times |
//! | `missing_kids.rs` | which unknown key IDs are refused without another look |
//! | `fetch.rs` | which answers of the endpoint count |
//! | `cache.rs`, `cache/fetching.rs` | nothing: they hold the set and carry the decisions out |
#![deny(clippy::arithmetic_side_effects)]

mod builder;
mod cache;
mod events;
mod fetch;
mod health;
mod key;
mod key_set;
mod missing_kids;
mod policy;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use crate::{ConfigError, ConfigProblem, Issuer, SystemClock, SystemRandom, UntrustedText};
use cache::{Cache, Settings, Sought};
use key::KeyRules;
use key_set::{KeySet, Reading};

pub use builder::JwksBuilder;
pub use health::{JwksErrorKind, JwksHealth, KeysUnavailable};
pub(crate) use key::VerifyingKey;

/// The keys with which one issuer signs; a clone shares them.
///
/// Nothing is fetched before the first token needs a key, and a token whose key is held never waits for
/// the network. Fetching needs a tokio runtime; where there is none the answer is *keys unavailable*. Dropping
/// the last clone ends its fetch and its timer.
///
/// # Panics
///
/// tokio panics when a fetch is due on a runtime that was built without time or I/O; `enable_all` has both.
///
/// ```
/// use kinde_core::{Issuer, Jwks, JwksErrorKind};
/// # #[cfg(feature = "reqwest")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let jwks = Jwks::builder(Issuer::new("http://localhost:1")?).build()?;
/// let unavailable = jwks.warm_up().await.unwrap_err();
/// assert_eq!(unavailable.last_error(), Some(JwksErrorKind::Connection));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "reqwest"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Jwks {
    cache: Arc<Cache>,
}

impl Jwks {
    /// Starts to build the key set of `issuer`.
    pub fn builder(issuer: Issuer) -> JwksBuilder {
        JwksBuilder::new(issuer)
    }

    /// Takes the keys from a JWKS document at hand; nothing is ever fetched.
    ///
    /// For tests and for places without a network. A rotation needs a new document.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with `jwks_not_a_key_set` when the text is no JSON object with an array `keys`, or
    /// `jwks_no_usable_key` when none of its keys may verify a token.
    pub fn from_static_json(issuer: Issuer, json: &str) -> Result<Self, ConfigError> {
        let setting = "Jwks::from_static_json";
        let rules = KeyRules { accepts_development_keys: issuer.is_loopback(), accepts_kidless_tokens: true };
        let Reading { keys, skipped } = KeySet::read(json.as_bytes(), rules, None).map_err(|_| {
            ConfigProblem::new("jwks_not_a_key_set", setting, "pass a JSON object with an array `keys`")
        })?;
        if keys.is_empty() {
            let reasons: Vec<_> = skipped.iter().map(|skipped| skipped.reason.to_string()).collect();
            let fix = "pass a public RSA key of 2048 to 8192 bits for RS256 signatures";
            let problem = ConfigProblem::new("jwks_no_usable_key", setting, fix);
            return Err(problem.with_found(&reasons.join(", ")).into());
        }
        let zero = Duration::ZERO;
        let settings = Settings { rules, soft_age: None, max_stale: zero, cooldown: zero };
        let cache = Cache::new(issuer, settings, None, Arc::new(SystemClock), Arc::new(SystemRandom));
        cache.hold_for_ever(keys);
        Ok(Self { cache })
    }

    /// Gives the issuer whose keys these are.
    pub fn issuer(&self) -> &Issuer {
        &self.cache.issuer
    }

    /// Fetches the keys unless a usable set is held, so that the first request need not.
    ///
    /// Optional: a service that starts while the provider is down answers 503 until it is back.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] when the fetch failed, or failed less than one cooldown ago.
    pub async fn warm_up(&self) -> Result<(), KeysUnavailable> {
        let refusal = match self.cache.wait_for(Sought::AnySet).await {
            Ok(_) => return Ok(()),
            Err(refusal) => refusal,
        };
        let retry_after = match refusal {
            KeyRefusal::Unavailable { retry_after } => retry_after,
            // No key was sought that could be unknown.
            KeyRefusal::UnknownKid { .. } | KeyRefusal::KidMissing => Duration::ZERO,
        };
        Err(KeysUnavailable { retry_after, last_error: self.health().last_error })
    }

    /// Reads the state of the key set, for a health endpoint and for metrics.
    pub fn health(&self) -> JwksHealth {
        self.cache.health()
    }

    /// Looks a key up in the held set, if that is usable, for the tests of this module.
    #[cfg(test)]
    pub(crate) fn held_key(&self, kid: Option<&str>) -> Option<Arc<VerifyingKey>> {
        match self.key_at_hand(kid) {
            KeyAnswer::Key(key) => Some(key),
            KeyAnswer::Wait | KeyAnswer::Refused(_) => None,
        }
    }

    /// Tells whether a set is held that may be used now.
    pub(crate) fn holds_usable_set(&self) -> bool {
        self.cache.holds_usable_set()
    }

    /// Answers as far as possible without waiting; [`KeyAnswer::Wait`] only if waiting can help.
    ///
    /// It starts the background refresh when that is due, and no other fetch.
    pub(crate) fn key_at_hand(&self, kid: Option<&str>) -> KeyAnswer {
        self.cache.key_at_hand(kid)
    }

    /// Finds the key for a token's `kid`, fetching the set if that can help. Safe to drop at any await.
    pub(crate) async fn key(&self, kid: Option<&str>) -> Result<Arc<VerifyingKey>, KeyRefusal> {
        self.cache.wait_for(Sought::Key(kid)).await?.ok_or(KeyRefusal::KidMissing)
    }

    /// Tells whether a key that was found before is in the set that is held now.
    ///
    /// It starts the background refresh when that is due, and no other fetch.
    pub(crate) fn still_holds(&self, key: &Arc<VerifyingKey>) -> Holding {
        self.cache.still_holds(key)
    }
}

/// Prints the issuer and the number of keys; a URL may hold what nobody should print.
impl fmt::Debug for Jwks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Jwks")
            .field("issuer", self.issuer())
            .field("key_count", &self.cache.key_count())
            .finish_non_exhaustive()
    }
}

/// What can be said about a key without waiting.
#[derive(Debug)]
pub(crate) enum KeyAnswer {
    Key(Arc<VerifyingKey>),
    Refused(KeyRefusal),
    /// Ask again with [`Jwks::key`].
    Wait,
}

/// Why there is no key for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyRefusal {
    /// The issuer does not list this key ID.
    UnknownKid { kid: UntrustedText },
    /// The token has no key ID, and the set has not exactly one usable key.
    KidMissing,
    /// The keys cannot be had now; nothing is said about the token.
    Unavailable { retry_after: Duration },
}

/// Whether a remembered key is still trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// It is in the held set.
    Yes,
    /// The held set lacks it.
    No,
    /// No set is held, or it is too old.
    Unusable,
}
