//! Why the Account API does not answer, in its own shape.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

/// Why a request of the Account API is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no live access token of a person.
    InvalidCredentials,
    PageSize,
    StartingAfter,
    MissingKey,
    NoSuchEntitlement,
    Subnav,
    ReturnUrl,
    MethodNotAllowed,
    NotFound,
}

impl Refusal {
    /// Only the first is documented; the others' codes are made up in its manner.
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            // 403 and not 401, as the specification has it.
            Self::InvalidCredentials => {
                (StatusCode::FORBIDDEN, "INVALID_CREDENTIALS", "Invalid credentials used to access API")
            }
            Self::PageSize => {
                (StatusCode::BAD_REQUEST, "PAGE_SIZE_INVALID", "page_size is not a number from 1 to 500")
            }
            Self::StartingAfter => {
                (StatusCode::BAD_REQUEST, "STARTING_AFTER_INVALID", "starting_after is the id of no item")
            }
            Self::MissingKey => (StatusCode::BAD_REQUEST, "KEY_MISSING", "The request names no key"),
            Self::NoSuchEntitlement => {
                (StatusCode::NOT_FOUND, "ENTITLEMENT_NOT_FOUND", "No plan entitles to the feature")
            }
            Self::Subnav => (StatusCode::BAD_REQUEST, "SUBNAV_INVALID", "subnav names no page of the portal"),
            Self::ReturnUrl => (
                StatusCode::BAD_REQUEST,
                "RETURN_URL_INVALID",
                "return_url is on the origin of no callback or logout URL of an application",
            ),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "The Account API is read with GET")
            }
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "ROUTE_NOT_FOUND", "The Account API has nothing at this path")
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        (status, Json(json!({ "errors": [{ "code": code, "message": message }] }))).into_response()
    }
}
