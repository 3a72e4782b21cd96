//! Whether sign-in is ready: yes or no, and nothing of the configuration.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::Question;
use crate::response;

impl Question<'_> {
    /// Settings were judged when the application started, so that what can be missing later are Kinde's keys.
    pub(super) fn health(&self) -> Response<Bytes> {
        if self.login.jwks.health().is_usable {
            response::json(StatusCode::OK, &json!({ "ready": true }))
        } else {
            response::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "ready": false, "missing": ["jwks"] }))
        }
    }
}
