//! Keys: rotated, added, published and withdrawn.

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::provider::Provider;

use super::{Details, Operation, Shared, done, done_or_unknown};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::act("rotate_keys", rotate_keys),
        Operation::act("replace_keys", replace_keys),
        Operation::act("add_unpublished_key", add_unpublished_key),
        Operation::act("withdraw_key", withdraw_key),
        Operation::act("publish_key", publish_key),
        Operation::act("set_jwks_cache_control", set_jwks_cache_control),
        Operation::act("set_jwks_etag", set_jwks_etag),
    ]
}

async fn rotate_keys(State(provider): Shared) -> Json<Value> {
    kid(&provider.keys.lock().rotate())
}

async fn replace_keys(State(provider): Shared) -> Json<Value> {
    kid(&provider.keys.lock().replace())
}

async fn add_unpublished_key(State(provider): Shared) -> Json<Value> {
    kid(&provider.keys.lock().add_unpublished())
}

fn kid(kid: &str) -> Json<Value> {
    Json(json!({ "kid": kid }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    kid: String,
}

async fn withdraw_key(State(provider): Shared, Details(key): Details<Key>) -> Response {
    set_published(&provider, &key, false)
}

async fn publish_key(State(provider): Shared, Details(key): Details<Key>) -> Response {
    set_published(&provider, &key, true)
}

fn set_published(provider: &Arc<Provider>, key: &Key, published: bool) -> Response {
    let is_known = provider.keys.lock().set_published(&key.kid, published);
    done_or_unknown(is_known, "key with the ID", &key.kid)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheControl {
    /// Null for none.
    value: Option<String>,
}

async fn set_jwks_cache_control(
    State(provider): Shared,
    Details(wanted): Details<CacheControl>,
) -> Json<Value> {
    provider.jwks_headers.lock().cache_control = wanted.value;
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Etag {
    is_on: bool,
}

async fn set_jwks_etag(State(provider): Shared, Details(wanted): Details<Etag>) -> Json<Value> {
    provider.jwks_headers.lock().has_etag = wanted.is_on;
    done()
}
