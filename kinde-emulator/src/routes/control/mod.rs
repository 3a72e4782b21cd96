//! `/_emulator/…`: what a test may do to the environment, over HTTP under the names of [`Environment`](crate::Environment).
//!
//! Not a part of Kinde, so it stands under a name that Kinde does not use, and it is there only where
//! [`with_control_api`](crate::EnvironmentBuilder::with_control_api) asked for it. Faults do not reach it, and its requests are not counted.

mod applications;
mod body;
mod faults;
mod guard;
mod keys;
mod mint;
mod on_demand;
mod organizations;
mod people;
mod requests;
mod roles;
mod snapshots;
mod time;
mod webhooks;
mod world;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    handler::Handler,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::provider::Provider;

use body::Details;

pub(crate) use faults::of_one_request;

/// Returns the routes of the control API.
pub(crate) fn routes(provider: &Arc<Provider>) -> Router {
    let routes = operations().into_iter().fold(Router::new(), |routes, operation| {
        routes.route(&format!("/_emulator/{}", operation.name), operation.route)
    });
    routes
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(provider), with_its_random_values))
        .layer(middleware::from_fn(guard::let_in_programs_of_this_computer))
        .with_state(Arc::clone(provider))
}

async fn with_its_random_values(State(provider): Shared, request: Request, next: Next) -> Response {
    provider.random.during_all_of(next.run(request)).await
}

fn operations() -> Vec<Operation> {
    let all = [
        vec![Operation::ask("operations", list)],
        world::operations(),
        people::operations(),
        organizations::operations(),
        roles::operations(),
        applications::operations(),
        mint::operations(),
        keys::operations(),
        time::operations(),
        webhooks::operations(),
        faults::operations(),
        on_demand::operations(),
        requests::operations(),
        snapshots::operations(),
    ];
    all.into_iter().flatten().collect()
}

/// One thing that can be asked or done.
struct Operation {
    method: &'static str,
    name: &'static str,
    route: MethodRouter<Arc<Provider>>,
}

impl Operation {
    /// A question, which changes nothing.
    fn ask<T: 'static>(name: &'static str, handler: impl Handler<T, Arc<Provider>>) -> Self {
        Self { method: "GET", name, route: get(handler) }
    }

    /// Something to do.
    fn act<T: 'static>(name: &'static str, handler: impl Handler<T, Arc<Provider>>) -> Self {
        Self { method: "POST", name, route: post(handler) }
    }
}

type Shared = State<Arc<Provider>>;

async fn list() -> Json<Value> {
    let all: Vec<_> =
        operations().iter().map(|known| format!("{} /_emulator/{}", known.method, known.name)).collect();
    Json(json!({ "operations": all }))
}

fn done() -> Json<Value> {
    Json(json!({}))
}

/// Answers that it was done, or that there is no such thing.
fn done_or_unknown(is_done: bool, what: &str, name: &str) -> Response {
    if is_done { done().into_response() } else { unknown(what, name) }
}

fn unknown(what: &str, name: &str) -> Response {
    refusal(StatusCode::NOT_FOUND, &format!("there is no {what} {name}"))
}

/// Says why nothing was done.
fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

/// A seed of tens of thousands of people.
const BODY_LIMIT_BYTES: usize = 64 * 1_024 * 1_024;
