//! What the sender is told, and so what Kinde does next: one table.
//!
//! | Status | When | What Kinde does |
//! |---|---|---|
//! | 200 | handled, a duplicate of a handled event, parked, or stored for a worker | counts it as delivered |
//! | 400 | not an event, of another kind of token, too old | tries for 36 hours, in vain |
//! | 401 | signed by nobody that is known | as above: check `KINDE_ISSUER_URL` |
//! | 405, 413, 415 | not what Kinde sends | – |
//! | 503 | keys, inbox or handler failed, or the event is in flight | tries again: after 5 s, 30 s, 2 min, 10 min … |
//!
//! An endpoint that fails for 72 hours on end is disabled by Kinde.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::Full;
use kinde_core::AuthReason;
use serde_json::json;

use crate::{Disposition, Event, WebhookError, WebhookErrorKind, WebhookReason};

/// Acknowledges an event: exactly 200, for Kinde takes every other status for a failure.
pub(crate) fn acknowledged(event: &Event, disposition: Disposition) -> Response<Full<Bytes>> {
    let body = json!({"type": event.event_type(), "event_id": event.id(), "outcome": disposition.as_str()});
    respond(StatusCode::OK, "application/json", body.to_string())
}

/// Answers what was not accepted. The reason is for the log; the sender learns the status.
pub(crate) fn refused(error: &WebhookError) -> Response<Full<Bytes>> {
    let (status, title) = match error.kind() {
        WebhookErrorKind::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
        WebhookErrorKind::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type"),
        WebhookErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Content Too Large"),
        WebhookErrorKind::Malformed => (StatusCode::BAD_REQUEST, "Bad Request"),
        WebhookErrorKind::NotTrusted => (StatusCode::UNAUTHORIZED, "Unauthorized"),
        WebhookErrorKind::TryAgain => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    };
    let body = json!({"type": "about:blank", "title": title, "status": status.as_u16()});
    let mut response = respond(status, "application/problem+json", body.to_string());
    let headers = response.headers_mut();
    match error.kind() {
        WebhookErrorKind::MethodNotAllowed => {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        WebhookErrorKind::TryAgain => {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds_until_retry(error)));
        }
        WebhookErrorKind::MediaType
        | WebhookErrorKind::TooLarge
        | WebhookErrorKind::Malformed
        | WebhookErrorKind::NotTrusted => {}
    }
    response
}

fn respond(status: StatusCode, media_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Rounds up: who comes back a fraction early is refused again.
fn seconds_until_retry(error: &WebhookError) -> u64 {
    let retry_after = match error.reason() {
        WebhookReason::Refused(error) => match error.reason() {
            AuthReason::KeysUnavailable { retry_after } => *retry_after,
            _ => DEFAULT_RETRY_AFTER,
        },
        _ => DEFAULT_RETRY_AFTER,
    };
    let part = u64::from(retry_after.subsec_nanos() > 0);
    retry_after.as_secs().saturating_add(part).max(1)
}

/// Kinde's own first pause.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);
