//! What an extractor answers instead of calling the handler.

use std::fmt;

use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::request::Parts;
use kinde_core::{AuthError, AuthReason, MalformedClaim};
use kinde_tower::{Protocol, RefusalStyle};

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
        Self::in_style(error, &RefusalStyle::of(&parts.extensions), Protocol::of_parts(parts))
    }

    /// Refuses in a style that was kept from the request.
    pub(crate) fn in_style(error: AuthError, style: &RefusalStyle, protocol: Protocol) -> Self {
        Self { response: Box::new(style.respond(error.clone(), protocol)), error }
    }

    /// Gives the error: kind, reason and stable code.
    pub fn error(&self) -> &AuthError {
        &self.error
    }
}

/// For `?` in a handler: `requirement.check(..)?`. It is told in the default style.
impl From<AuthError> for AuthRejection {
    fn from(error: AuthError) -> Self {
        Self::in_style(error, &RefusalStyle::default(), Protocol::Http)
    }
}

/// For `?` in a handler: `user.permissions()?`. It is told in the default style, as 403.
impl From<MalformedClaim> for AuthRejection {
    fn from(malformed: MalformedClaim) -> Self {
        AuthError::from(AuthReason::from(malformed)).into()
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
