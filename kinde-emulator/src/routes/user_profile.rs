//! `GET /oauth2/v2/user_profile` and its older form.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{directory::PersonRecord, provider::Provider};

/// Answers with the current shape.
pub(crate) async fn current(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    answer(&provider, &headers, |person| {
        json!({
            "sub": person.id, "id": person.id, "provided_id": person.provided_id, "name": person.full_name(),
            "given_name": person.given_name, "family_name": person.family_name, "updated_at": person.updated_at,
            "email": person.email, "email_verified": true, "picture": person.picture,
            "preferred_username": person.username,
        })
    })
}

/// Answers with the shape that old SDKs read.
pub(crate) async fn legacy(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    answer(&provider, &headers, |person| {
        json!({
            "id": person.id, "first_name": person.given_name, "last_name": person.family_name,
            "preferred_email": person.email, "provided_id": person.provided_id, "picture": person.picture,
        })
    })
}

fn answer(provider: &Provider, headers: &HeaderMap, shape: fn(&PersonRecord) -> Value) -> Response {
    match person(provider, headers) {
        Some(person) => Json(shape(&person)).into_response(),
        None => {
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            let body = json!({
                "error": "invalid_token",
                "error_description": "The access token is missing, malformed, expired or revoked",
            });
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], Json(body)).into_response()
        }
    }
}

/// Returns the person an access token was issued to; an ID token, a machine's token or a webhook has none.
fn person(provider: &Provider, headers: &HeaderMap) -> Option<PersonRecord> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let claims = provider.live_claims(token.trim())?;
    claims.get("scp")?;
    let subject = claims.get("sub")?.as_str()?;
    provider.directory.lock().people.get(subject).cloned()
}
