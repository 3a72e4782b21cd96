//! Times as the Management API writes and reads them.

use std::time::Duration;

use crate::webhooks::WebhookStyle;

/// Writes a time with microseconds and Sydney's offset, as Kinde's examples have most of them.
pub(super) fn written(unix_seconds: u64) -> String {
    WebhookStyle::Live2024.write(Duration::from_secs(unix_seconds))
}

/// Writes a time with an offset of two digits, as Kinde's examples have some of them; strict readers refuse it.
pub(super) fn short(unix_seconds: u64) -> String {
    let written = written(unix_seconds);
    format!("{}+10", written.get(..DATE_TIME).unwrap_or_default())
}

/// Reads RFC 3339, with the fraction dropped and an offset of two or four digits; `None` for anything else.
pub(super) fn read(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(place, byte)| text.as_bytes().get(*place) != Some(byte)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)?;
    let rest = text.get(DATE_TIME..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match rest.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign @ ("+" | "-"), offset) => {
            let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "0"));
            let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
            let offset = i64::from(hours) * 3_600 + i64::from(minutes) * 60;
            if sign == "-" { -offset } else { offset }
        }
        _ => return None,
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from a date in the proleptic Gregorian calendar, with years that begin in March.
    let year_from_march = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = 365 * year_from_march + year_from_march / 4 - year_from_march / 100
        + year_from_march / 400
        + day_of_year;
    u64::try_from((day_of_era - 719_468) * 86_400 + seconds - offset).ok()
}

/// The length of a date and a time of day without fraction or offset.
const DATE_TIME: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_read_back() {
        let rows = [
            ("2026-09-22T00:13:20.000417+10:00", Some(1_790_000_000)),
            ("2026-09-22T00:13:20+10", Some(1_790_000_000)),
            ("2026-09-21T14:13:20Z", Some(1_790_000_000)),
            ("2026-09-21T08:43:20-05:30", Some(1_790_000_000)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2026-09-21", None),
            ("2026-13-21T14:13:20Z", None),
            ("2026-09-21T14:13:20", None),
            ("yesterday", None),
            ("2026-09-21T14:13:20+9223372036854775807", None),
            ("2026-09-21T14:13:20+", None),
            ("2026-09-21T14:13:2é", None),
        ];
        for (text, expected) in rows {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read(&written(1_790_000_000)), Some(1_790_000_000));
        assert_eq!(short(1_790_000_000), "2026-09-22T00:13:20+10");
    }
}
