//! Which known name a mistyped one was meant to be.

use super::table::{Role, TABLE, Variable};

/// Finds the known name nearest to `name`: one slip away, or two in a long name.
///
/// A slip is a letter too many, missing, wrong or changed with its neighbour. Case does not count.
pub(super) fn nearest(name: &str) -> Option<&'static Variable> {
    let name = name.to_ascii_uppercase();
    let candidates = || TABLE.iter().filter(|known| !matches!(known.role, Role::NotRead));
    (0..=2).find_map(|slips| {
        candidates().find(|known| {
            slips <= tolerated(known) && is_within(slips, name.as_bytes(), known.name.as_bytes())
        })
    })
}

/// Two slips in `KINDE_HOST` would make `KINDE_PORT` a mistake.
fn tolerated(known: &Variable) -> u8 {
    let own = known.name.rsplit("KINDE_").next().unwrap_or_default();
    if own.len() > SHORT_NAME { 2 } else { 1 }
}

/// Tells whether `written` becomes `known` by at most `slips` slips. Recursion ends with the letters of `known`.
fn is_within(slips: u8, written: &[u8], known: &[u8]) -> bool {
    match (written, known) {
        ([], []) => true,
        ([first, written @ ..], [same, known @ ..]) if first == same => is_within(slips, written, known),
        _ => slips.checked_sub(1).is_some_and(|left| {
            let (written_rest, known_rest) = (written.get(1..), known.get(1..));
            let is_swapped = match (written, known) {
                ([a, b, written @ ..], [c, d, known @ ..]) if a == d && b == c => {
                    is_within(left, written, known)
                }
                _ => false,
            };
            is_swapped
                || written_rest.is_some_and(|rest| is_within(left, rest, known))
                || known_rest.is_some_and(|rest| is_within(left, written, rest))
                || written_rest
                    .zip(known_rest)
                    .is_some_and(|(written, known)| is_within(left, written, known))
        }),
    }
}

const SHORT_NAME: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_find_the_name_that_was_meant() {
        for (written, meant) in [
            ("KINDE_ISUER_URL", Some("KINDE_ISSUER_URL")),
            ("KINDE_ISSUER_ULR", Some("KINDE_ISSUER_URL")),
            ("KINDE_ISSUER", None),
            ("kinde_issuer_url", Some("KINDE_ISSUER_URL")),
            ("KINDE_AUDIENCES", Some("KINDE_AUDIENCE")),
            ("KINDE_AUDEINCE", Some("KINDE_AUDIENCE")),
            ("KINDE_CLIENTID", Some("KINDE_CLIENT_ID")),
            ("KINDE_CLIENT_SCRET", Some("KINDE_CLIENT_SECRET")),
            ("KINDE_SCPOE", Some("KINDE_SCOPE")),
            ("KINDE_CODE", None),
            ("KINDE_HOTS", Some("KINDE_HOST")),
            ("KINDE_PORT", None),
            ("KINDE_", None),
            ("KINDE_GITHUB_CONNECTION_ID", None),
            ("NEXT_PUBLIC_KINDE_CLIENTID", Some("NEXT_PUBLIC_KINDE_CLIENT_ID")),
        ] {
            assert_eq!(nearest(written).map(|known| known.name), meant, "{written}");
        }
    }

    #[test]
    fn endless_name_is_answered_at_once() {
        assert!(nearest(&"KINDE_ISSUER_".repeat(100_000)).is_none());
    }
}
