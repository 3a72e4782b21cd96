//! Verified tokens remembered, so that a repeated token costs no second signature check.

use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash, Hasher},
    sync::Arc,
};

use arc_swap::ArcSwapOption;
use moka::sync::Cache;

use crate::{Identity, Secret, jwks::VerifyingKey};

/// Remembered tokens, bounded by bytes.
///
/// The key is the whole token: equality decides, no digest. An entry is made only after full verification,
/// so nobody without a signature can fill it; the one who asks it still compares expiry with the clock and the
/// key with the key set, so an entry never outlives either (requirement J6).
///
/// Tokens that were used again stand in front of the cache, each in the one place that its hash gives it: a
/// cache that keeps count of its reads costs several times what such a look does.
pub(crate) struct Memory {
    front: Box<[ArcSwapOption<Remembered>]>,
    tokens: Cache<WholeToken, Arc<Remembered>, foldhash::quality::RandomState>,
    hasher: foldhash::quality::RandomState,
}

/// What is remembered of a token.
pub(crate) struct Remembered {
    pub(crate) identity: Identity,
    /// The key that verified the signature; the entry is worth nothing once the key set drops it.
    pub(crate) key: Arc<VerifyingKey>,
    /// Which of the verifier's issuers it belongs to.
    pub(crate) owner: usize,
}

impl Memory {
    /// Bounds the memory; what stands in front is not counted, and is at most a few hundred kilobytes more.
    pub(crate) fn bounded(limit_bytes: u64) -> Self {
        let hasher = foldhash::quality::RandomState::default();
        let tokens = Cache::builder()
            .max_capacity(limit_bytes)
            .weigher(|_, remembered: &Arc<Remembered>| {
                u32::try_from(remembered.identity.claims().weight()).unwrap_or(u32::MAX)
            })
            .build_with_hasher(hasher.clone());
        Self { front: (0..FRONT_PLACES).map(|_| ArcSwapOption::empty()).collect(), tokens, hasher }
    }

    /// Lets `judge` look at what is remembered of a token.
    pub(crate) fn find<T>(&self, token: &str, judge: impl FnOnce(&Remembered) -> T) -> Option<T> {
        let place = self.place_of(token)?;
        if let Some(held) = place.load().as_ref().filter(|held| held.is_of(token)) {
            return Some(judge(held));
        }
        let remembered = self.tokens.get(token)?;
        place.store(Some(Arc::clone(&remembered)));
        Some(judge(&remembered))
    }

    pub(crate) fn remember(&self, remembered: Remembered) {
        let token = Arc::clone(remembered.identity.claims().shared_token());
        self.tokens.insert(WholeToken(token), Arc::new(remembered));
    }

    pub(crate) fn forget(&self, token: &str) {
        if let Some(place) = self.place_of(token) {
            place.store(None);
        }
        self.tokens.invalidate(token);
    }

    fn place_of(&self, token: &str) -> Option<&ArcSwapOption<Remembered>> {
        let [place, ..] = self.hasher.hash_one(token).to_le_bytes();
        self.front.get(usize::from(place))
    }
}

impl Remembered {
    fn is_of(&self, token: &str) -> bool {
        self.identity.claims().token().expose() == token
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

/// One byte of the hash chooses the place. They hold the busiest tokens, at most some 700 KB.
const FRONT_PLACES: usize = 256;
