//! Decides whether a request presents a live access token of a person.

use http::{HeaderMap, header};
use serde_json::Value;

use crate::provider::Provider;

/// Returns the token of a request's only `Authorization: Bearer` header (RFC 6750 §2.1), unproven.
pub(crate) fn untrusted_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the claims of the person's access token that a request presents: signed here, for this issuer, neither
/// expired nor revoked. ID tokens, machine tokens and webhooks are signed by the same keys and are none.
pub(crate) fn person_claims(provider: &Provider, headers: &HeaderMap) -> Option<Value> {
    let claims = provider.live_claims(untrusted_token(headers)?)?;
    is_persons_access_token(&claims).then_some(claims)
}

/// Tells the kinds of tokens apart: only a person's access token has both `sub` and `scp` and none of the others'.
fn is_persons_access_token(claims: &Value) -> bool {
    let has = |name: &str| claims.get(name).is_some();
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    !subject.is_empty() && has("scp") && !["gty", "at_hash", "auth_time", "rat"].iter().any(|name| has(name))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn token_is_read_from_one_bearer_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(untrusted_token(&headers), None);
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("bearer  a.b.c "));
        assert_eq!(untrusted_token(&headers), Some("a.b.c"));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer d.e.f"));
        assert_eq!(untrusted_token(&headers), None);
        let basic = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Basic YTpi"))]);
        assert_eq!(untrusted_token(&basic), None);
    }

    #[test]
    fn only_a_persons_access_token_is_one() {
        let rows = [
            ("access token", json!({ "sub": "kp_1", "scp": [] }), true),
            ("ID token", json!({ "sub": "kp_1", "at_hash": "x", "rat": 1, "auth_time": 1 }), false),
            ("machine token", json!({ "gty": ["client_credentials"], "scp": [] }), false),
            ("machine token with a subject", json!({ "gty": [], "scp": [], "sub": "kp_1" }), false),
            ("webhook", json!({ "type": "user.created", "data": {} }), false),
            ("nobody's token", json!({ "sub": "", "scp": [] }), false),
        ];
        for (name, claims, expected) in rows {
            assert_eq!(is_persons_access_token(&claims), expected, "{name}");
        }
    }
}
