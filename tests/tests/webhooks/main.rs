//! Webhooks from the emulator to a handler, over loopback HTTP.

mod crossing;
mod delivery;
mod failing;
mod receiver;
mod refused;
#[path = "../story/scale.rs"]
mod scale;
mod schedule;
