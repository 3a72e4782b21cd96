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
/// Tokens that were used again stand in front of the cache, each in the one place that its signature gives it:
/// a cache that keeps count of its reads costs several times what such a look does.
pub(crate) struct Memory {
    front: Box<[ArcSwapOption<Remembered>]>,
    tokens: Cache<WholeToken, Arc<Remembered>, ByItsEnd>,
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
    /// Bounds the cache; what stands in front outlives its place there and is at most 2 MiB more.
    pub(crate) fn bounded(limit_bytes: u64) -> Self {
        let tokens = Cache::builder()
            .max_capacity(limit_bytes)
            // Room for as many as fit, so that it never grows while a request waits.
            .initial_capacity(
                usize::try_from(limit_bytes / TYPICAL_BYTES)
                    .map_or(ENTRIES_MAX, |most| most.min(ENTRIES_MAX)),
            )
            .weigher(|_, remembered: &Arc<Remembered>| {
                u32::try_from(remembered.identity.claims().weight()).unwrap_or(u32::MAX)
            })
            .build_with_hasher(ByItsEnd::default());
        Self { front: (0..FRONT_PLACES).map(|_| ArcSwapOption::empty()).collect(), tokens }
    }

    /// Lets `judge` look at a token that stands in front.
    pub(crate) fn find_in_front<T>(&self, token: &str, judge: impl FnOnce(&Remembered) -> T) -> Option<T> {
        let held = self.place_of(token)?.load();
        held.as_ref().filter(|held| held.is_of(token)).map(|held| judge(held))
    }

    /// Lets `judge` look at what is remembered of a token, which then stands in front.
    pub(crate) fn find<T>(&self, token: &str, judge: impl FnOnce(&Remembered) -> T) -> Option<T> {
        let remembered = self.tokens.get(token)?;
        // A token of unusual size stays behind: so the front has a bound in bytes too.
        if remembered.identity.claims().weight() <= FRONT_TOKEN_BYTES_MAX
            && let Some(place) = self.place_of(token)
        {
            place.store(Some(Arc::clone(&remembered)));
        }
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

    /// Chooses the place by the end of the signature, which is as good as random and need not be hashed whole.
    ///
    /// A stranger can choose that end and with it the place, but nothing gets there unverified.
    fn place_of(&self, token: &str) -> Option<&ArcSwapOption<Remembered>> {
        let end = u64::from_le_bytes(*token.as_bytes().last_chunk()?);
        let [.., place] = end.wrapping_mul(SPREAD).to_le_bytes();
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

/// Hashes the end of a token, its signature's, with a secret seed: the signature differs wherever the rest does.
///
/// A stranger can send tokens with one end, but none of them gets into the map.
#[derive(Clone, Default)]
struct ByItsEnd(foldhash::quality::RandomState);

impl BuildHasher for ByItsEnd {
    type Hasher = EndHasher;

    fn build_hasher(&self) -> EndHasher {
        EndHasher(self.0.build_hasher())
    }
}

struct EndHasher(foldhash::quality::FoldHasher<'static>);

impl Hasher for EndHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes.last_chunk::<END_BYTES>().map_or(bytes, |end| end));
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// What a token of Kinde's and its claims take.
const TYPICAL_BYTES: u64 = 3 * 1024;
/// The most entries for which room is made before they come: 128 KiB of empty places.
const ENTRIES_MAX: usize = 16 * 1024;
/// An odd number without a pattern (2^64 divided by the golden ratio): its product's highest byte depends on
/// every character.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// 192 bits of a signature.
const END_BYTES: usize = 32;
/// One byte chooses the place.
const FRONT_PLACES: usize = 256;
/// With all places taken, 2 MiB; a usual token of Kinde is estimated at half of it.
const FRONT_TOKEN_BYTES_MAX: usize = 8 * 1024;
