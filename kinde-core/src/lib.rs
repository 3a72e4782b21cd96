//! kinde-core.
