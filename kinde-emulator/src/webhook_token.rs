//! The claims of a webhook: an event signed with the same keys, and nothing that a token has.

use serde_json::Value;

use crate::claims::Claims;

/// Writes an event's claims set; no `iss`, `aud`, `sub`, `exp`, `iat` or `jti`, as at Kinde.
pub(crate) fn claims(event_type: &str, data: Value, event_id: &str, unix_seconds: u64) -> Claims {
    let mut claims = Claims::default();
    claims.set("data", data);
    claims.set("event_id", event_id);
    claims.set("source", "user");
    claims.set("timestamp", rfc3339(unix_seconds));
    claims.set("type", event_type);
    claims
}

/// Writes a time as RFC 3339 in UTC with milliseconds, the form of Kinde's own example.
fn rfc3339(unix_seconds: u64) -> String {
    let (days, seconds) = (unix_seconds / 86_400, unix_seconds % 86_400);
    // Days to a date in the proleptic Gregorian calendar, with years that begin in March so that the leap day
    // comes last. An era is 400 years, 146,097 days.
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn event_has_an_envelope_and_no_registered_claim() {
        let claims = claims("user.created", json!({}), "event_1", 1_790_000_000);
        let expected = ["data", "event_id", "source", "timestamp", "type"];
        assert_eq!(claims.names(), BTreeSet::from(expected));
    }

    #[test]
    fn time_is_written_as_rfc_3339() {
        let rows = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_790_000_000, "2026-09-21T14:13:20.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ];
        for (unix_seconds, written) in rows {
            assert_eq!(rfc3339(unix_seconds), written);
        }
    }
}
