//! The Account API and the portal, against the samples of what Kinde answers.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a test ends at the first surprise")]

mod asking;
mod paging;
mod portal;
mod refusals;
mod samples;
