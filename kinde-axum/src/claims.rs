//! The claims set read into a type of the application's own.

use axum_core::extract::FromRequestParts;
use http::request::Parts;
use kinde_core::AuthReason;
use serde::de::DeserializeOwned;

use crate::{AuthRejection, caller::caller};

/// The verified claims, read into `T`: for claims that a token workflow or customization adds.
///
/// Claims that do not fit `T` are answered 403 (`claim_malformed`). Make a claim that may be absent an
/// `Option`.
#[derive(Clone, Copy, Debug)]
pub struct Claims<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Claims<T> {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        caller(parts)
            .and_then(|identity| {
                identity.claims().custom().map_err(|malformed| AuthReason::from(malformed).into())
            })
            .map(Self)
            .map_err(|error| AuthRejection::new(error, parts))
    }
}
