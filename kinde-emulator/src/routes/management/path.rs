//! The path of a request, taken apart.

/// Returns the decoded segments below `/api/v1/`; `None` when they are no text.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    path.strip_prefix("/api/v1/")?.split('/').map(decoded).collect()
}

/// Undoes percent-encoding (RFC 3986 §2.1); a per cent sign without two digits stands for itself.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let digits = others.get(..2).filter(|_| *first == b'%').and_then(byte);
        match digits {
            Some(byte) => {
                bytes.push(byte);
                rest = others.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn byte(digits: &[u8]) -> Option<u8> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let (high, low) = (digit(digits.first()?)?, digit(digits.get(1)?)?);
    u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_after_they_are_split() {
        let rows = [
            ("/api/v1/users", Some(vec!["users"])),
            ("/api/v1/roles/a%2Fb%20%C3%A9/users", Some(vec!["roles", "a/b é", "users"])),
            ("/api/v1/roles/100%/%zz", Some(vec!["roles", "100%", "%zz"])),
            ("/api/v1/roles/%ff", None),
            ("/else/where", None),
        ];
        for (path, expected) in rows {
            let expected = expected.map(|segments| segments.into_iter().map(str::to_owned).collect());
            assert_eq!(segments(path), expected, "{path}");
        }
    }
}
