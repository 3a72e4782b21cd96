//! Store and forward: `example-webhook-worker` as processes of their own, on a real PostgreSQL.

mod crash;
mod one_statement;
mod outage;
mod programs;
mod refused;
mod shop;
