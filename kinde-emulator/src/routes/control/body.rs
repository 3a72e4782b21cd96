//! The JSON body of a control request, refused in JSON.

use axum::{
    Json,
    extract::{FromRequest, Request},
    response::Response,
};
use serde::de::DeserializeOwned;

use super::refusal;

/// The details of an operation; an unknown key is an error that names it.
pub(super) struct Details<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Details<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(details)) => Ok(Self(details)),
            Err(rejection) => Err(refusal(rejection.status(), &rejection.body_text())),
        }
    }
}
