//! `GET /oauth2/v2/user_profile` and its older form.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{directory::PersonRecord, provider::Provider, routes::bearer};

/// Answers with the current shape.
pub(crate) async fn current(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    answer(&provider, &headers, |person| {
        json!({
            "sub": person.id, "id": person.id, "provided_id": person.provided_id,
            "name": known(&person.full_name()), "given_name": known(&person.given_name),
            "family_name": known(&person.family_name), "updated_at": person.updated_at,
            "email": known(&person.email), "email_verified": !person.email.is_empty(),
            "picture": known(&person.picture), "preferred_username": person.username,
        })
    })
}

/// Answers with the shape that old SDKs read.
pub(crate) async fn legacy(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    answer(&provider, &headers, |person| {
        json!({
            "id": person.id, "first_name": known(&person.given_name), "last_name": known(&person.family_name),
            "preferred_email": known(&person.email), "provided_id": person.provided_id,
            "picture": known(&person.picture),
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
    let claims = bearer::person_claims(provider, headers)?;
    let subject = claims.get("sub")?.as_str()?;
    provider.directory.lock().people.get(subject).cloned()
}

/// What is not known is null.
fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
