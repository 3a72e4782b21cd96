//! Webhooks, seen by a receiver on a port of its own.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "../browser/mod.rs"]
mod browser;
mod delivery;
mod events;
mod receiver;
