//! What the browser is told: one table from error kind to status, and every answer's headers.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::json;

use crate::{
    error::{LoginError, LoginErrorKind, LoginReason},
    return_to::ReturnTo,
};

/// Gives the status of a kind of error.
fn status(kind: LoginErrorKind) -> StatusCode {
    match kind {
        LoginErrorKind::InvalidRequest | LoginErrorKind::StaleFlow => StatusCode::BAD_REQUEST,
        LoginErrorKind::SignedOut => StatusCode::UNAUTHORIZED,
        LoginErrorKind::Denied => StatusCode::FORBIDDEN,
        LoginErrorKind::ContentTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        LoginErrorKind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        LoginErrorKind::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
        LoginErrorKind::BadGateway => StatusCode::BAD_GATEWAY,
        LoginErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The head of an answer to an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    status: StatusCode,
    /// Whether the same request may be answered better in a moment.
    is_passing: bool,
}

impl Verdict {
    pub(crate) fn of(error: &LoginError) -> Self {
        let kind = error.kind();
        Self { status: status(kind), is_passing: kind == LoginErrorKind::Unavailable }
    }

    /// Of a callback whose flow is used up: asked again, it knows none. So nobody is told to, and a fault of Kinde's is
    /// 502 (requirement F11).
    pub(crate) fn of_callback(error: &LoginError) -> Self {
        let status = match error.reason() {
            LoginReason::Unreachable(_) | LoginReason::KeysUnavailable(_) => StatusCode::BAD_GATEWAY,
            _ => status(error.kind()),
        };
        Self { status, is_passing: false }
    }
}

/// Answers a program (RFC 9457). The code is stable; the reason is for the log alone.
pub(crate) fn problem(error: &LoginError) -> Response<Bytes> {
    problem_of(error, Verdict::of(error))
}

/// As [`problem`], with a head that was decided before.
pub(crate) fn problem_of(error: &LoginError, verdict: Verdict) -> Response<Bytes> {
    note(error);
    let status = verdict.status;
    let mut body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": error.code(),
    });
    if let LoginReason::Provider { error, .. } = error.reason()
        && let Some(members) = body.as_object_mut()
    {
        members.insert("error".to_owned(), error.as_str().into());
    }
    let mut response = text(status, "application/problem+json", format!("{body}\n"));
    wait(verdict, response.headers_mut());
    response
}

/// Answers somebody who looks at the page.
pub(crate) fn page(error: &LoginError, verdict: Verdict, page: String) -> Response<Bytes> {
    note(error);
    let mut response = text(verdict.status, "text/html; charset=utf-8", page);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        ),
    );
    wait(verdict, headers);
    response
}

/// Answers with JSON.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Bytes> {
    // Of maps with text keys, so that writing cannot fail.
    text(status, "application/json", serde_json::to_string(value).unwrap_or_default())
}

/// Sends the browser to Kinde, or to a target that was judged. 303: the next request is a GET, whatever this was
/// (RFC 9110 §15.4.4).
pub(crate) fn see_other(location: &str) -> Response<Bytes> {
    let mut response = empty(StatusCode::SEE_OTHER);
    match HeaderValue::try_from(location) {
        Ok(location) => drop(response.headers_mut().insert(header::LOCATION, location)),
        // Every part was judged or encoded; what cannot stand in a header is followed by nobody.
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// Sends the browser to a page of the application.
pub(crate) fn return_to(target: &ReturnTo) -> Response<Bytes> {
    see_other(target.as_str())
}

/// Answers without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    protect(response.headers_mut());
    response
}

/// Keeps caches from storing what belongs to one browser (requirement G4).
pub(crate) fn forbid_storing(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
}

fn text(status: StatusCode, media_type: &'static str, body: String) -> Response<Bytes> {
    let mut response = empty(status).map(|_| Bytes::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Every answer of ours depends on the browser, and no address of ours is anybody else's business (requirement F15).
fn protect(headers: &mut HeaderMap) {
    forbid_storing(headers);
    headers.insert(header::VARY, HeaderValue::from_static("Cookie"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY"));
}

fn wait(verdict: Verdict, headers: &mut HeaderMap) {
    if verdict.is_passing {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
}

/// The log is told the reason, once, where the answer is written.
fn note(error: &LoginError) {
    let (code, reason, fix) = (error.code(), error.reason(), error.fix());
    match error.kind() {
        LoginErrorKind::SignedOut => tracing::debug!(target: "kinde_login", code, %reason, "refused"),
        LoginErrorKind::InvalidRequest
        | LoginErrorKind::StaleFlow
        | LoginErrorKind::Denied
        | LoginErrorKind::ContentTooLarge
        | LoginErrorKind::UnsupportedMediaType => {
            tracing::info!(target: "kinde_login", code, %reason, fix, "refused");
        }
        LoginErrorKind::BadGateway | LoginErrorKind::Unavailable => {
            tracing::warn!(target: "kinde_login", code, %reason, fix, cause = cause(error), "failed");
        }
        LoginErrorKind::Misconfigured => tracing::error!(target: "kinde_login", code, %reason, fix, "failed"),
    }
}

fn cause(error: &LoginError) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}
