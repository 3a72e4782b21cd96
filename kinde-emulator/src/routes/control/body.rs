//! The JSON body of a control request, refused in JSON.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::Response,
};
use http::{StatusCode, header};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::refusal;

/// The details of an operation; an unknown key is an error that names it. Nothing at all is the same as `{}`.
pub(super) struct Details<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Details<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = media_type.is_some_and(|media_type| media_type.starts_with("application/json"));
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|rejection| refusal(rejection.status(), &rejection.body_text()))?;
        if body.is_empty() {
            return Ok(Self(serde_json::from_slice(b"{}").map_err(told)?));
        }
        if !is_json {
            let reason = "the details have to be JSON: content-type: application/json";
            return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
        }
        Ok(Self(serde_json::from_slice(&body).map_err(told)?))
    }
}

fn told(error: serde_json::Error) -> Response {
    let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
    refusal(status, &error.to_string())
}

/// Tells null, which takes something away, from absence, which leaves it.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
