//! Other processes that refresh a session: decides how long the right that one of them took holds.

use std::time::Duration;

use moka::sync::Cache;

use super::{
    keeper::{Loaded, latest},
    record::SessionId,
};
use crate::random::{Randomness as _, SystemRandomness};

/// What this process knows of the claims on sessions in a store.
#[derive(Debug)]
pub(super) struct Rivals {
    /// Tells this process's claims from others'.
    process: u64,
    /// Records with another process's claim: their version, and when this process saw it first.
    seen: Cache<SessionId, (u64, Duration)>,
}

impl Default for Rivals {
    fn default() -> Self {
        let mut process = [0; 8];
        SystemRandomness.fill(&mut process);
        Self { process: u64::from_le_bytes(process), seen: latest(LONG_AGO) }
    }
}

impl Rivals {
    /// Makes a claim of this process.
    pub(super) fn claim(&self, wall: Duration) -> (u64, u64) {
        (wall.as_secs(), self.process)
    }

    /// Tells whether another process is asking Kinde for new tokens now. A claim of our own was left behind.
    ///
    /// No two clocks are compared: they may differ by more than a claim lasts, and then both processes would send one
    /// refresh token. A claim holds until this process has seen the record unchanged for so long, by its own clock.
    pub(super) fn hold(&self, loaded: &Loaded, wall: Duration, monotonic: Duration) -> bool {
        let Some((at, by)) = loaded.session.facts.claim else { return false };
        // Whoever comes back to a session that a process left behind long ago does not wait for it.
        if by == self.process || wall.as_secs().abs_diff(at) >= LONG_AGO.as_secs() {
            return false;
        }
        let id = loaded.session.id;
        match self.seen.get(&id).filter(|(version, _)| *version == loaded.version) {
            Some((_, since)) => monotonic.saturating_sub(since) < HOLDS_FOR,
            None => {
                self.seen.insert(id, (loaded.version, monotonic));
                true
            }
        }
    }
}

/// Longer than a call of the token endpoint may take. A process that ended in the middle keeps others waiting so long.
const HOLDS_FOR: Duration = Duration::from_secs(20);
/// Further than clocks are apart that judge Kinde's tokens.
const LONG_AGO: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::record::tests::session;

    const NOW: Duration = Duration::from_secs(1_790_000_000);

    fn loaded(version: u64, claim: Option<(u64, u64)>) -> Loaded {
        let mut session = session("");
        session.id = SessionId::from_bytes([1; 16]);
        session.facts.claim = claim;
        Loaded::of_record(Arc::new(session), version)
    }

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// covers: F16
    #[test]
    fn claim_of_another_process_holds_for_as_long_as_it_was_watched_whatever_its_clock_says() {
        for ahead_seconds in [-500, -20, 0, 20, 500] {
            let rivals = Rivals::default();
            let at = NOW.as_secs().saturating_add_signed(ahead_seconds);
            let theirs = loaded(7, Some((at, rivals.process ^ 1)));
            assert!(rivals.hold(&theirs, NOW, after(100)), "{ahead_seconds}");
            assert!(rivals.hold(&theirs, NOW + after(19), after(119)), "{ahead_seconds}");
            assert!(!rivals.hold(&theirs, NOW + after(20), after(120)), "{ahead_seconds}");
            let again = loaded(9, Some((at, rivals.process ^ 1)));
            assert!(rivals.hold(&again, NOW, after(120)), "{ahead_seconds}: a new one");
        }
    }

    #[test]
    fn claim_of_long_ago_of_our_own_or_of_nobody_holds_nobody_up() {
        let rivals = Rivals::default();
        let theirs = rivals.process ^ 1;
        for (name, claim) in [
            ("nobody's", None),
            ("our own", Some(rivals.claim(NOW))),
            ("long ago", Some((NOW.as_secs() - 600, theirs))),
            ("far ahead", Some((NOW.as_secs() + 600, theirs))),
        ] {
            assert!(!rivals.hold(&loaded(1, claim), NOW, after(0)), "{name}");
        }
    }
}
