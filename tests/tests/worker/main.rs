//! Store and forward: `example-webhook-worker` as processes of their own, on a real PostgreSQL.

mod crash;
mod one_statement;
mod outage;
mod programs;
mod refused;
#[path = "../story/scale.rs"]
mod scale;
mod shop;
mod wire;
