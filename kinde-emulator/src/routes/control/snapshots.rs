//! Snapshots by name, and the way back to the start.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;

use super::{Details, Operation, Shared, done, unknown};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::act("snapshot", snapshot),
        Operation::act("restore", restore),
        Operation::act("reset", reset),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

async fn snapshot(State(provider): Shared, Details(wanted): Details<Named>) -> Json<Value> {
    let snapshot = Arc::new(provider.snapshot());
    provider.snapshots.lock().insert(wanted.name, snapshot);
    done()
}

async fn restore(State(provider): Shared, Details(wanted): Details<Named>) -> Response {
    let snapshot = provider.snapshots.lock().get(&wanted.name).cloned();
    match snapshot {
        Some(snapshot) => {
            provider.restore(&snapshot);
            done().into_response()
        }
        None => unknown("snapshot", &wanted.name),
    }
}

async fn reset(State(provider): Shared) -> Json<Value> {
    provider.reset();
    done()
}
