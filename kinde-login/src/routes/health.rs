//! Whether sign-in is ready: yes or no, and nothing of the configuration.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

use super::Question;
use crate::response;

impl Question<'_> {
    /// Settings were judged when the application started, so that what can be missing later are Kinde's keys.
    ///
    /// They are fetched if need be: a probe may be the first that asks, and nobody else does while it answers 503.
    /// However many probes there are, one fetch runs, and none within the cooldown after one that failed.
    pub(super) async fn health(&self) -> Response<Bytes> {
        let Err(unavailable) = self.login.jwks.warm_up().await else {
            return response::json(StatusCode::OK, &json!({ "ready": true }));
        };
        let not_ready = json!({ "ready": false, "missing": ["jwks"] });
        let mut response = response::json(StatusCode::SERVICE_UNAVAILABLE, &not_ready);
        // Rounded up: RFC 9110 §10.2.3 has whole seconds, and an earlier question would be answered the same.
        let seconds = unavailable.retry_after().as_secs().saturating_add(1);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        response
    }
}
