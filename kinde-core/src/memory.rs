//! Verified tokens remembered, so that a repeated token costs no second signature check.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    sync::Arc,
};

use moka::{policy::EvictionPolicy, sync::Cache};

use crate::{Identity, Secret, jwks::VerifyingKey};

/// Remembered tokens, bounded by bytes.
///
/// The key is the whole token: equality decides, no digest. An entry is made only after full verification,
/// so nobody without a signature can fill it; the one who asks it still compares expiry with the clock and the
/// key with the key set, so an entry never outlives either (requirement J6).
pub(crate) struct Memory {
    tokens: Cache<WholeToken, Remembered, foldhash::quality::RandomState>,
}

/// What is remembered of a token.
#[derive(Clone)]
pub(crate) struct Remembered {
    pub(crate) identity: Identity,
    /// The key that verified the signature; the entry is worth nothing once the key set drops it.
    pub(crate) key: Arc<VerifyingKey>,
    /// Which of the verifier's issuers it belongs to.
    pub(crate) owner: usize,
}

impl Memory {
    pub(crate) fn bounded(limit_bytes: u64) -> Self {
        let tokens = Cache::builder()
            .max_capacity(limit_bytes)
            // A token that is new is about to be used again; one that was used often may have expired.
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_, remembered: &Remembered| {
                u32::try_from(remembered.identity.claims().weight()).unwrap_or(u32::MAX)
            })
            .build_with_hasher(foldhash::quality::RandomState::default());
        Self { tokens }
    }

    pub(crate) fn find(&self, token: &str) -> Option<Remembered> {
        self.tokens.get(token)
    }

    pub(crate) fn remember(&self, remembered: Remembered) {
        let token = Arc::clone(remembered.identity.claims().shared_token());
        self.tokens.insert(WholeToken(token), remembered);
    }

    pub(crate) fn forget(&self, token: &str) {
        self.tokens.invalidate(token);
    }
}

/// A token as a map key.
struct WholeToken(Arc<Secret>);

impl Borrow<str> for WholeToken {
    fn borrow(&self) -> &str {
        self.0.expose()
    }
}

impl PartialEq for WholeToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for WholeToken {}

impl Hash for WholeToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.expose().hash(state);
    }
}
