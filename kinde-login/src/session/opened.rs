//! Sealed sessions that were opened before: opening one costs several times what the rest of a request does.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;

use super::record::Session;

/// Opened sessions, each in the one place that the end of its sealed text gives it.
///
/// The whole text is compared, so that a hit proves what opening proves; whether the session is over is judged by the
/// one who asks. Two sessions of one place push each other out, which costs opening them again. A stranger can choose
/// the place of a text, but only what was opened gets there.
pub(super) struct OpenedSessions {
    places: Box<[ArcSwapOption<Opened>]>,
}

/// A session that was opened.
pub(super) struct Opened {
    sealed: Box<[u8]>,
    pub(super) session: Arc<Session>,
    /// What the keeper's count of changes was when the session was last found to be neither ended nor replaced.
    current_at: AtomicU64,
}

impl Opened {
    pub(super) fn is_current_at(&self, changes: u64) -> bool {
        self.current_at.load(Ordering::SeqCst) == changes
    }

    pub(super) fn set_current_at(&self, changes: u64) {
        self.current_at.store(changes, Ordering::SeqCst);
    }
}

impl OpenedSessions {
    /// Gives what a sealed text was opened to; asks `open` when it is not known.
    pub(super) fn find_or<E>(
        &self,
        sealed: &[u8],
        open: impl FnOnce() -> Result<Session, E>,
    ) -> Result<Arc<Opened>, E> {
        let place = self.place_of(sealed);
        let held =
            place.and_then(|place| place.load().as_ref().filter(|held| *held.sealed == *sealed).cloned());
        if let Some(opened) = held {
            return Ok(opened);
        }
        let session = Arc::new(open()?);
        let opened = Arc::new(Opened { sealed: sealed.into(), session, current_at: AtomicU64::new(0) });
        if let Some(place) = place {
            place.store(Some(Arc::clone(&opened)));
        }
        Ok(opened)
    }

    /// Chooses the place by the end of the tag, which differs wherever the rest does and need not be hashed.
    fn place_of(&self, sealed: &[u8]) -> Option<&ArcSwapOption<Opened>> {
        let end = u64::from_le_bytes(*sealed.last_chunk()?);
        let [.., low, high] = end.wrapping_mul(SPREAD).to_le_bytes();
        self.places.get(usize::from(u16::from_le_bytes([low, high])) % PLACES)
    }
}

impl Default for OpenedSessions {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_| ArcSwapOption::empty()).collect() }
    }
}

/// With all places taken, about 32 MiB of sessions as they usually are.
const PLACES: usize = 4_096;
/// An odd number without a pattern (2^64 divided by the golden ratio): its product's highest bytes depend on every
/// character.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::record::tests::session;

    #[test]
    fn text_is_opened_once_and_never_taken_for_another_with_the_same_end() {
        let opened = OpenedSessions::default();
        let first = opened.find_or(b"first-text-one-end", || Ok::<_, ()>(session("a"))).unwrap();
        let again = opened.find_or(b"first-text-one-end", || Err(())).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(
            opened.find_or(b"other-text-one-end", || Err(())).is_err(),
            "nothing that does not open gets in"
        );
        let other = opened.find_or(b"other-text-one-end", || Ok::<_, ()>(session("b"))).unwrap();
        assert_eq!(other.session.access_token.expose(), "b");
        assert!(opened.find_or(b"short", || Err(())).is_err());
    }
}
