//! The time as tokens, codes, sessions and webhooks see it: the system's, unless a test moves it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::guarded::Guarded;

/// A clock that follows the system until a test sets it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    reading: Guarded<Reading>,
    token_offset_seconds: Guarded<i64>,
}

/// What a snapshot keeps of a clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockState {
    reading: Reading,
    token_offset_seconds: i64,
}

impl Clock {
    /// Returns the current time in whole seconds since the Unix epoch.
    pub(crate) fn now(&self) -> u64 {
        self.since_epoch().as_secs()
    }

    /// Returns the current time, counted from the Unix epoch.
    pub(crate) fn since_epoch(&self) -> Duration {
        match *self.reading.lock() {
            Reading::System { ahead } => system_time().saturating_add(ahead),
            Reading::Still { at } => at,
        }
    }

    /// Tells whether time passes by itself.
    pub(crate) fn is_running(&self) -> bool {
        matches!(*self.reading.lock(), Reading::System { .. })
    }

    /// Stops the clock at `unix_seconds`.
    pub(crate) fn set(&self, unix_seconds: u64) {
        *self.reading.lock() = Reading::Still { at: Duration::from_secs(unix_seconds) };
    }

    /// Moves the clock forward, whether it stands or runs.
    pub(crate) fn advance(&self, by: Duration) {
        match &mut *self.reading.lock() {
            Reading::System { ahead: time } | Reading::Still { at: time } => *time = time.saturating_add(by),
        }
    }

    /// Returns the time that tokens are stamped with: another one where a test made their clock wrong.
    pub(crate) fn now_of_tokens(&self) -> u64 {
        self.now().saturating_add_signed(*self.token_offset_seconds.lock())
    }

    /// Makes the clock of tokens wrong, ahead or (below zero) behind.
    pub(crate) fn set_token_offset(&self, seconds: i64) {
        *self.token_offset_seconds.lock() = seconds;
    }

    pub(crate) fn state(&self) -> ClockState {
        let token_offset_seconds = *self.token_offset_seconds.lock();
        ClockState { reading: *self.reading.lock(), token_offset_seconds }
    }

    pub(crate) fn restore(&self, earlier: ClockState) {
        *self.reading.lock() = earlier.reading;
        *self.token_offset_seconds.lock() = earlier.token_offset_seconds;
    }

    /// Goes back to the system's time.
    pub(crate) fn follow_system(&self) {
        *self.reading.lock() = Reading::default();
    }
}

/// What the clock goes by.
#[derive(Clone, Copy, Debug)]
enum Reading {
    System { ahead: Duration },
    Still { at: Duration },
}

impl Default for Reading {
    fn default() -> Self {
        Self::System { ahead: Duration::ZERO }
    }
}

#[expect(clippy::disallowed_methods, reason = "this file owns the emulator's time")]
fn system_time() -> Duration {
    // A system clock before 1970 reads as the epoch itself.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_clock_moves_only_when_advanced() {
        let clock = Clock::default();
        clock.set(1_790_000_000);
        assert!(!clock.is_running());
        assert_eq!(clock.now(), 1_790_000_000);
        clock.advance(Duration::from_secs(60));
        assert_eq!(clock.now(), 1_790_000_060);
    }

    #[test]
    fn parts_of_a_second_add_up() {
        let clock = Clock::default();
        clock.set(10);
        clock.advance(Duration::from_millis(600));
        assert_eq!((clock.now(), clock.since_epoch()), (10, Duration::from_millis(10_600)));
        clock.advance(Duration::from_millis(600));
        assert_eq!(clock.now(), 11);
    }

    #[test]
    fn advanced_clock_returns_to_the_system_time() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(Duration::from_secs(86_400));
        assert!(clock.is_running());
        assert!(clock.now() >= before + 86_400);
        clock.follow_system();
        assert!(clock.now() < before + 86_400);
    }
}
