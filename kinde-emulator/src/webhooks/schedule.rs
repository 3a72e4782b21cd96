//! When a delivery is tried again, and when an endpoint has failed for too long.

use std::time::Duration;

/// Returns how long after the first attempt attempt number `number` (from 1) is due; `None` after the last.
pub(crate) fn offset(number: usize) -> Option<Duration> {
    let index = number.checked_sub(1)?;
    OFFSETS_SECONDS.get(index).copied().map(Duration::from_secs)
}

/// Tells whether an endpoint that has only failed since then is to be disabled.
pub(crate) fn has_failed_too_long(failing_since: Duration, now: Duration) -> bool {
    now.saturating_sub(failing_since) >= DISABLED_AFTER
}

/// Kinde's documentation: at once, 5 seconds, 30 seconds, 2 minutes, 10 minutes, 1 hour, 4 hours, then every 12 hours
/// until 36 hours, "roughly". That these count from the first attempt is inferred.
const OFFSETS_SECONDS: [u64; 10] = [0, 5, 30, 120, 600, 3_600, 14_400, 43_200, 86_400, 129_600];

/// Kinde's documentation: a webhook that fails for 72 hours on end is disabled.
const DISABLED_AFTER: Duration = Duration::from_secs(72 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_end_after_36_hours() {
        assert_eq!(offset(0), None);
        assert_eq!(offset(1), Some(Duration::ZERO));
        assert_eq!(offset(2), Some(Duration::from_secs(5)));
        assert_eq!(offset(10), Some(Duration::from_secs(36 * 3_600)));
        assert_eq!(offset(11), None);
    }

    #[test]
    fn endpoint_has_failed_too_long_from_the_72nd_hour_on() {
        let since = Duration::from_secs(1_000);
        assert!(!has_failed_too_long(since, since + DISABLED_AFTER - Duration::from_secs(1)));
        assert!(has_failed_too_long(since, since + DISABLED_AFTER));
        assert!(!has_failed_too_long(since, Duration::ZERO));
    }
}
