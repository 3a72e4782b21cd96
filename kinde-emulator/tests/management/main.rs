//! The Management API, against the samples of what Kinde answers and against itself.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod api_keys;
mod applications;
#[path = "../browser/mod.rs"]
mod browser;
mod calling;
mod conventions;
mod flags;
mod invitations;
mod organizations;
mod paging;
mod properties;
mod roles;
mod samples;
mod sessions;
mod users;
mod webhooks;
