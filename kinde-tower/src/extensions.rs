//! Access to the proven caller from a request's extensions, for code without axum.
//!
//! These functions only answer. [`RefusalStyle::respond`](crate::RefusalStyle::respond) turns an error into a
//! response, [`grpc_status`](crate::grpc_status) into a tonic service's status; both report it to the log.

use std::sync::Arc;

use http::Extensions;
use kinde_core::{AccessToken, AuthError, AuthState, Identity, Policy};

/// Gives the proven caller of a request, a person or a machine.
///
/// # Errors
///
/// `layer_missing` (500) where no [`KindeLayer`](crate::KindeLayer) is outside, `credential_missing` (401) for
/// an anonymous request.
pub fn identity(extensions: &Extensions) -> Result<&Identity, AuthError> {
    AuthState::of(extensions)?.identity()
}

/// Gives the person who calls.
///
/// # Errors
///
/// As [`identity`], and `caller_kind` (403) for a machine.
pub fn user(extensions: &Extensions) -> Result<&Arc<AccessToken>, AuthError> {
    AuthState::of(extensions)?.user()
}

/// Checks a policy against the caller of a request.
///
/// # Errors
///
/// As [`identity`], and `requirement_denied` (403).
pub fn check<P: Policy>(extensions: &Extensions) -> Result<(), AuthError> {
    P::requirement().check(identity(extensions)?)
}
