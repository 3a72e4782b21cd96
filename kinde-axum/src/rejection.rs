//! What an extractor answers instead of calling the handler.

use std::fmt;

use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::request::Parts;
use kinde_core::AuthError;
use kinde_tower::RefusalStyle;

/// A refusal by an extractor, told in the style of the layer: same status, challenge and body.
///
/// Take `Result<AuthUser, AuthRejection>` in a handler to look at it before it is told.
pub struct AuthRejection {
    error: AuthError,
    response: Box<http::Response<bytes::Bytes>>,
}

impl AuthRejection {
    /// Refuses a request.
    pub(crate) fn new(error: AuthError, parts: &Parts) -> Self {
        Self::in_style(error, &RefusalStyle::of(&parts.extensions), &parts.headers)
    }

    /// Refuses in a style that was kept from the request.
    pub(crate) fn in_style(error: AuthError, style: &RefusalStyle, headers: &http::HeaderMap) -> Self {
        Self { response: Box::new(style.respond(error.clone(), headers)), error }
    }

    /// Gives the error: kind, reason and stable code.
    pub fn error(&self) -> &AuthError {
        &self.error
    }
}

impl IntoResponse for AuthRejection {
    fn into_response(self) -> Response {
        self.response.map(Body::from)
    }
}

impl fmt::Debug for AuthRejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("AuthRejection").field(&self.error).finish()
    }
}

impl fmt::Display for AuthRejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, formatter)
    }
}

impl std::error::Error for AuthRejection {}
