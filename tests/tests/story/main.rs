//! Journeys across the crates, one file each.

mod bearer;
