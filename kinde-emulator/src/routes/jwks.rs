//! The key set: `/.well-known/jwks` and `/.well-known/jwks.json`.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{base64url, provider::Provider};

/// Answers with the published keys, or 304 when the client has them and entity tags are on.
pub(crate) async fn key_set(State(provider): State<Arc<Provider>>, request: HeaderMap) -> Response {
    let body = provider.keys.lock().jwks();
    let wanted = provider.jwks_headers.lock().clone();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(value) = wanted.cache_control.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    if wanted.has_etag {
        let tag = format!("\"{}\"", base64url::encode(digest::digest(&digest::SHA256, body.as_bytes())));
        if is_known(&request, &tag) {
            headers.remove(header::CONTENT_TYPE);
            insert_etag(&mut headers, tag);
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        insert_etag(&mut headers, tag);
    }
    (headers, body).into_response()
}

fn insert_etag(headers: &mut HeaderMap, tag: String) {
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
}

/// RFC 9110 §13.1.2: a list of tags or `*`, compared weakly.
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_is_known_when_any_of_the_listed_ones_matches() {
        let request =
            |value| HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(value))]);
        assert!(is_known(&request("\"a\""), "\"a\""));
        assert!(is_known(&request("\"b\", W/\"a\""), "\"a\""));
        assert!(is_known(&request("*"), "\"a\""));
        assert!(!is_known(&request("\"b\""), "\"a\""));
        assert!(!is_known(&HeaderMap::new(), "\"a\""));
    }
}
