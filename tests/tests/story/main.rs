//! Journeys across the crates, one file each.

mod any_service;
mod bearer;
mod canary;
mod capture;
mod claims;
mod extractors;
mod monotone;
mod rotation;
mod samples;
#[path = "../judge/signer.rs"]
mod signer;
mod single_flight;
