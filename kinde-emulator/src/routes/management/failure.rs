//! What a call of the Management API is refused with.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use super::operations::Operation;

/// A refusal: a status, and one error with a code and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) code: String,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    /// The request says something it must not say, or leaves out what it must. That what is there already is a 400
    /// too follows from the specification, which lists 409 for SCIM directories only.
    pub(super) fn invalid(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The credentials do not do; Kinde's documentation has 403 for every such case.
    pub(super) fn credentials(missing: &str) -> Self {
        let message = format!("Invalid credentials used to access API: {missing}");
        Self::new(StatusCode::FORBIDDEN, "INVALID_CREDENTIALS", message)
    }

    /// Something the request names is not there.
    pub(super) fn unknown(operation: &Operation, code: &str, message: impl Into<String>) -> Self {
        let status =
            if operation.is_unknown_not_found { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
        Self::new(status, code, message)
    }

    /// No operation is at this path. The specification's `errors` is an object here and an array everywhere else; the
    /// array is what its own clients read.
    pub(super) fn no_route(path: &str) -> Self {
        let message = format!("The requested API route does not exist: {path}");
        Self::new(StatusCode::NOT_FOUND, "ROUTE_NOT_FOUND", message)
    }

    /// The operation exists at Kinde and not here.
    pub(super) fn not_emulated(operation: &Operation) -> Self {
        let (id, method, template) = (operation.id, operation.method(), operation.template());
        let message = format!("kinde-emulator does not emulate {id} ({method} /api/v1/{template})");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NOT_EMULATED", message)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({ "errors": [{ "code": self.code, "message": self.message }] });
        (self.status, Json(body)).into_response()
    }
}
