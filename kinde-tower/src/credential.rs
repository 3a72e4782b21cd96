//! Which credential a request presents in its `Authorization` header. The only place that reads it.

use http::{HeaderMap, header::AUTHORIZATION};
use kinde_core::AuthReason;

/// What the `Authorization` header presents; unproven.
#[derive(Debug, PartialEq)]
pub(crate) enum Presented<'r> {
    /// No header, or another scheme than Bearer.
    Nothing,
    /// A bearer token of the right syntax.
    Bearer(&'r str),
    /// A header that is not well formed.
    Malformed(AuthReason),
}

/// Reads the header as RFC 6750 §2.1 writes it: `Bearer`, one space, a token68.
pub(crate) fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Presented::Nothing };
    let more = values.count();
    if more > 0 {
        return Presented::Malformed(AuthReason::AuthorizationRepeated { count: more.saturating_add(1) });
    }
    let malformed = |problem| Presented::Malformed(AuthReason::AuthorizationMalformed { problem });
    let Ok(text) = value.to_str() else { return malformed("it holds a character outside ASCII") };
    if text.is_empty() {
        return malformed("it is empty");
    }
    // RFC 9110 §11.1: the scheme is compared without case.
    let (scheme, rest) = match text.split_once(' ') {
        Some((scheme, rest)) => (scheme, Some(rest)),
        None => (text, None),
    };
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return if is_token(scheme) { Presented::Nothing } else { malformed("the scheme is not a token") };
    }
    match rest {
        None | Some("") => malformed("the token is missing"),
        Some(rest) if is_token68(rest) => Presented::Bearer(rest),
        Some(_) => malformed("the token is not a token68"),
    }
}

/// RFC 9110 §11.2: letters, digits and `-._~+/`, then any number of `=`.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
        })
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        match presented(&headers) {
            Presented::Nothing => "nothing".to_owned(),
            Presented::Bearer(token) => format!("bearer {token}"),
            Presented::Malformed(reason) => reason.code().to_owned(),
        }
    }

    /// covers: D1 D2
    #[test]
    fn header_is_absent_bearer_or_malformed() {
        for (value, outcome) in [
            ("Bearer a.b.c", "bearer a.b.c"),
            ("bearer a.b.c", "bearer a.b.c"),
            ("BEARER aB-._~+/9==", "bearer aB-._~+/9=="),
            ("Basic dXNlcjpwYXNz", "nothing"),
            ("DPoP a.b.c", "nothing"),
            ("Bearerx a.b.c", "nothing"),
            ("", "authorization_malformed"),
            ("Bearer", "authorization_malformed"),
            ("Bearer ", "authorization_malformed"),
            ("Bearer  a.b.c", "authorization_malformed"),
            ("Bearer a.b.c ", "authorization_malformed"),
            ("Bearer a.b.c, Bearer d.e.f", "authorization_malformed"),
            ("Bearer \"a.b.c\"", "authorization_malformed"),
            ("Bearer ===", "authorization_malformed"),
            ("Bearer a=b", "authorization_malformed"),
            ("Bearer\ta.b.c", "authorization_malformed"),
            ("a:b c", "authorization_malformed"),
            ("Bearer t\u{f8}ken", "authorization_malformed"),
        ] {
            assert_eq!(read(&[value.as_bytes()]), outcome, "{value:?}");
        }
        assert_eq!(read(&[]), "nothing");
    }

    /// covers: D2
    #[test]
    fn second_authorization_header_is_refused_whatever_it_holds() {
        assert_eq!(read(&[b"Bearer a.b.c", b"Bearer a.b.c"]), "authorization_repeated");
        assert_eq!(read(&[b"Basic x", b"Bearer a.b.c"]), "authorization_repeated");
    }
}
