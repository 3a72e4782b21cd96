//! Time as an argument: wall time judges claims, monotonic time ages the key set.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Tells the time, so that every decision about time can be tested with a clock set by hand.
///
/// The two readings serve two purposes and never mix: a claim such as `exp` is compared with
/// [`wall`](Clock::wall), the age of a key set with [`monotonic`](Clock::monotonic). A wall clock that
/// jumps therefore neither expires nor freezes the key set.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Tells the time since 1970-01-01T00:00:00Z, leap seconds not counted (RFC 7519 `NumericDate`).
    fn wall(&self) -> Duration;

    /// Tells the time since an arbitrary fixed moment; it never goes backwards.
    fn monotonic(&self) -> Duration;
}

/// A clock that several share.
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn wall(&self) -> Duration {
        (**self).wall()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
}

/// Reads the operating system's clocks. The default everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Duration {
        #[expect(clippy::disallowed_methods, reason = "this file owns the reading of clocks")]
        let now = SystemTime::now();
        // A machine whose clock stands before 1970 reads as 1970: every token is then not yet valid.
        now.duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        physical_now().saturating_duration_since(*ORIGIN.get_or_init(physical_now))
    }
}

/// A clock that stands still until it is moved; for tests.
///
/// Clones share one time. Both readings move together with [`advance`](ManualClock::advance);
/// [`set_wall`](ManualClock::set_wall) moves the wall clock alone, as an administrator or NTP would.
///
/// ```
/// use kinde_core::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::at_unix_seconds(1_790_000_000);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.wall().as_secs(), 1_790_000_060);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    readings: Arc<Readings>,
}

impl ManualClock {
    /// Creates a clock whose wall time is `seconds` after 1970 and whose monotonic time is zero.
    pub fn at_unix_seconds(seconds: u64) -> Self {
        let clock = Self { readings: Arc::default() };
        clock.set_wall(Duration::from_secs(seconds));
        clock
    }

    /// Moves both readings forward by `step`.
    pub fn advance(&self, step: Duration) {
        let nanos = nanos(step);
        self.readings.wall_nanos.fetch_add(nanos, Ordering::SeqCst);
        self.readings.monotonic_nanos.fetch_add(nanos, Ordering::SeqCst);
    }

    /// Sets the wall time, forwards or backwards; the monotonic time stays.
    pub fn set_wall(&self, since_epoch: Duration) {
        self.readings.wall_nanos.store(nanos(since_epoch), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Duration {
        Duration::from_nanos(self.readings.wall_nanos.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.readings.monotonic_nanos.load(Ordering::SeqCst))
    }
}

/// Reads the machine's monotonic clock, for the deadline of an exchange with a real network.
///
/// A deadline is physical: it must pass even while a [`ManualClock`] stands still.
pub(crate) fn physical_now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "this file owns the reading of clocks")]
    Instant::now()
}

#[derive(Debug, Default)]
struct Readings {
    wall_nanos: AtomicU64,
    monotonic_nanos: AtomicU64,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

static ORIGIN: OnceLock<Instant> = OnceLock::new();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_clock_set_back_leaves_monotonic_time_alone() {
        let clock = ManualClock::at_unix_seconds(1_000);
        clock.advance(Duration::from_secs(5));
        clock.set_wall(Duration::from_secs(10));
        assert_eq!((clock.wall().as_secs(), clock.monotonic().as_secs()), (10, 5));
    }
}
