//! `/api/v1/…`: the Management API, through which tests arrange a world and assert on it.
//!
//! The table of operations is the published specification's; an operation without a handler answers that it is not
//! emulated, and names itself.

mod answer;
mod api_keys;
mod apis;
mod applications;
mod call;
mod environment;
mod failure;
mod flags;
mod guard;
mod handlers;
mod identities;
mod invitations;
mod members;
mod moment;
mod operations;
mod organizations;
mod page;
mod path;
mod permissions;
mod properties;
mod redirects;
mod roles;
mod sessions;
mod subscribers;
mod users;
mod webhooks;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

use crate::provider::Provider;

use answer::Answer;
use call::Call;
use failure::Failure;
use operations::Found;

pub(crate) use operations::scopes;

/// Returns the routes of the Management API.
pub(crate) fn routes() -> Router<Arc<Provider>> {
    Router::new().route("/api/v1/{*path}", any(dispatch))
}

/// Carries out one operation, without waiting for anything: all there is is in memory.
type Handler = fn(&Call<'_>) -> Answer;

async fn dispatch(
    State(provider): State<Arc<Provider>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(segments) = path::segments(uri.path()) else {
        return Failure::no_route(uri.path()).into_response();
    };
    let (operation, parameters) = match operations::find(&method, &segments) {
        Found::Operation(operation, parameters) => (operation, parameters),
        Found::OtherMethods(methods) => return other_method(&method, methods.into_iter().collect()),
        Found::Nothing => return Failure::no_route(uri.path()).into_response(),
    };
    if let Err(failure) = guard::admit(&provider, &headers, operation) {
        return failure.into_response();
    }
    let Some(handler) = handlers::of(operation.id) else {
        return Failure::not_emulated(operation).into_response();
    };
    let answered = body
        .map_err(|rejection| Failure::new(rejection.status(), "BODY_REFUSED", rejection.body_text()))
        .and_then(|body| Call::read(&provider, operation, parameters, &uri, &headers, &body))
        .and_then(|call| handler(&call));
    match answered {
        Ok(body) => {
            let status = StatusCode::from_u16(operation.success).unwrap_or(StatusCode::OK);
            (status, Json(body)).into_response()
        }
        Err(failure) => failure.into_response(),
    }
}

/// RFC 9110 §15.5.6: a 405 lists the verbs there are.
fn other_method(method: &Method, methods: Vec<&str>) -> Response {
    let message = format!("The route does not take {method}");
    let failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message);
    let mut response = failure.into_response();
    if let Ok(allowed) = HeaderValue::try_from(methods.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
