//! The time as tokens, codes and sessions see it: the system's, unless a test moves it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::guarded::Guarded;

/// A clock that follows the system until a test sets it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    reading: Guarded<Reading>,
}

impl Clock {
    /// Returns the current time in whole seconds since the Unix epoch.
    pub(crate) fn now(&self) -> u64 {
        match *self.reading.lock() {
            Reading::System { ahead_seconds } => system_seconds().saturating_add(ahead_seconds),
            Reading::Still { at } => at,
        }
    }

    /// Stops the clock at `unix_seconds`.
    pub(crate) fn set(&self, unix_seconds: u64) {
        *self.reading.lock() = Reading::Still { at: unix_seconds };
    }

    /// Moves the clock forward, whether it stands or runs.
    pub(crate) fn advance(&self, by: Duration) {
        match &mut *self.reading.lock() {
            Reading::System { ahead_seconds: seconds } | Reading::Still { at: seconds } => {
                *seconds = seconds.saturating_add(by.as_secs());
            }
        }
    }

    /// Goes back to the system's time.
    pub(crate) fn follow_system(&self) {
        *self.reading.lock() = Reading::default();
    }
}

#[derive(Debug)]
enum Reading {
    System { ahead_seconds: u64 },
    Still { at: u64 },
}

impl Default for Reading {
    fn default() -> Self {
        Self::System { ahead_seconds: 0 }
    }
}

#[expect(clippy::disallowed_methods, reason = "this file owns the emulator's time")]
fn system_seconds() -> u64 {
    // A system clock before 1970 reads as the epoch itself.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_clock_moves_only_when_advanced() {
        let clock = Clock::default();
        clock.set(1_790_000_000);
        assert_eq!(clock.now(), 1_790_000_000);
        clock.advance(Duration::from_secs(60));
        assert_eq!(clock.now(), 1_790_000_060);
    }

    #[test]
    fn advanced_clock_returns_to_the_system_time() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(Duration::from_secs(86_400));
        assert!(clock.now() >= before + 86_400);
        clock.follow_system();
        assert!(clock.now() < before + 86_400);
    }
}
