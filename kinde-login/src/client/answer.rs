//! What all answers of Kinde have in common.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use kinde_core::Secret;
use serde::de::DeserializeOwned;

use crate::error::{LoginError, LoginReason};

/// Sets where a request goes. The URL comes from the endpoints of the configured issuer.
pub(super) fn address(request: &mut Request<Bytes>, url: &str) {
    // An endpoint is a URL already; what could not be one would reach no host at all.
    *request.uri_mut() = url.parse().unwrap_or_default();
}

/// Writes a question that carries the person's access token.
pub(super) fn with_bearer(url: &str, access_token: &Secret) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    address(&mut request, url);
    let headers = request.headers_mut();
    if let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {}", access_token.expose())) {
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// Reads a JSON answer of status 200.
pub(super) fn json<T: DeserializeOwned>(
    what: &'static str,
    answer: &Response<Bytes>,
) -> Result<T, LoginError> {
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(LoginReason::Status { what, status }.into());
    }
    parse(what, answer.body())
}

pub(super) fn parse<T: DeserializeOwned>(what: &'static str, body: &[u8]) -> Result<T, LoginError> {
    // The parser's own words can repeat the value they stumbled over, which may be a token.
    serde_json::from_slice(body)
        .map_err(|_| LoginReason::AnswerMalformed { what, problem: "not the JSON of the protocol" }.into())
}
