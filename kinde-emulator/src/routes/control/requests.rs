//! What arrived.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fields::Fields;

use super::{Details, Operation, Shared, done, refusal};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::ask("requests", requests),
        Operation::ask("recent_requests", recent_requests),
        Operation::act("expect_requests", expect_requests),
        Operation::act("reset_requests", reset_requests),
    ]
}

async fn requests(State(provider): Shared, uri: Uri) -> Response {
    match Fields::of_uri(&uri).get("path") {
        Some(path) => Json(json!({ "requests": provider.requests.count(path) })).into_response(),
        None => refusal(StatusCode::BAD_REQUEST, "name a path: /_emulator/requests?path=/oauth2/token"),
    }
}

async fn recent_requests(State(provider): Shared) -> Json<Value> {
    Json(json!({ "requests": provider.requests.recent() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    path: String,
    count: usize,
}

async fn expect_requests(State(provider): Shared, Details(expected): Details<Expected>) -> Response {
    match provider.requests.expect(&expected.path, expected.count) {
        Ok(()) => done().into_response(),
        Err(surprise) => refusal(StatusCode::CONFLICT, &surprise),
    }
}

async fn reset_requests(State(provider): Shared) -> Json<Value> {
    provider.requests.reset();
    done()
}
