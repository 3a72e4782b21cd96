//! The clock.

use std::time::Duration;

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::provider::Provider;

use super::{Details, Operation, Shared, done};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::act("set_time", set_time),
        Operation::act("freeze_time", freeze_time),
        Operation::act("advance", advance),
        Operation::act("follow_system_time", follow_system_time),
        Operation::act("set_token_clock_offset", set_token_clock_offset),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moment {
    unix_seconds: u64,
}

async fn set_time(State(provider): Shared, Details(moment): Details<Moment>) -> Json<Value> {
    provider.clock.set(moment.unix_seconds);
    now(&provider)
}

async fn freeze_time(State(provider): Shared) -> Json<Value> {
    provider.clock.set(provider.clock.now());
    now(&provider)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    seconds: u64,
}

async fn advance(State(provider): Shared, Details(span): Details<Span>) -> Json<Value> {
    provider.clock.advance(Duration::from_secs(span.seconds));
    now(&provider)
}

async fn follow_system_time(State(provider): Shared) -> Json<Value> {
    provider.clock.follow_system();
    now(&provider)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offset {
    seconds: i64,
}

async fn set_token_clock_offset(State(provider): Shared, Details(offset): Details<Offset>) -> Json<Value> {
    provider.clock.set_token_offset(offset.seconds);
    done()
}

fn now(provider: &Provider) -> Json<Value> {
    provider.webhooks.look_again();
    Json(json!({ "now": provider.clock.now() }))
}
