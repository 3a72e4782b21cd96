//! Webhooks from the emulator to a handler, over loopback HTTP.

mod crossing;
mod delivery;
mod exactly_once;
mod extractor;
mod failing;
mod fire;
mod receiver;
mod refused;
mod schedule;
