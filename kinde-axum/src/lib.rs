//! kinde-axum.
