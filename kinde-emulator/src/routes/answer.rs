//! The shapes answers come in: redirects, pages and OAuth errors.

use std::borrow::Cow;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::html::Html;

/// Sends the browser elsewhere.
pub(crate) fn redirect(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        // A registered URL that cannot stand in a header is the registration's mistake.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Sets a cookie on an answer.
pub(crate) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Shows a page that nothing may frame, store or add script to.
pub(crate) fn html(status: StatusCode, page: &Html) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("content-security-policy"), HeaderValue::from_static(PAGE_POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (status, headers, page.to_string()).into_response()
}

/// Answers an OAuth request with JSON that nothing may store (RFC 6749 §5.1).
pub(crate) fn oauth_json(status: StatusCode, body: serde_json::Value) -> Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, Json(body)).into_response()
}

/// An error of the token endpoint (RFC 6749 §5.2); the kind decides the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OAuthError {
    pub(crate) error: Cow<'static, str>,
    pub(crate) description: String,
}

impl OAuthError {
    pub(crate) fn new(error: impl Into<Cow<'static, str>>, description: impl Into<String>) -> Self {
        Self { error: error.into(), description: description.into() }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let status = match self.error.as_ref() {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = oauth_json(status, body);
        if status == StatusCode::UNAUTHORIZED {
            // RFC 7617 §2: a Basic challenge has a realm.
            let challenge = HeaderValue::from_static("Basic realm=\"kinde-emulator\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

// No form-action: browsers would apply it to the redirect that follows a form, too.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
