//! Journeys across the crates, one file each.

mod any_service;
mod bearer;
mod claims;
mod extractors;
