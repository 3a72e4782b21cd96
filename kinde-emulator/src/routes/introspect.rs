//! `POST /oauth2/introspect`: tells whether a token is good (RFC 7662).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Form, State, rejection::FormRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    fields::Fields,
    provider::Provider,
    routes::{answer::OAuthError, bearer},
};

/// Answers with the five members Kinde promises; `sub` and `scope` are not among them.
pub(crate) async fn introspect(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    if caller(&provider, &headers).is_none() {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        let body =
            json!({ "error": "invalid_token", "error_description": "The request has no good bearer token" });
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], Json(body))
            .into_response();
    }
    let Ok(Form(form)) = form else {
        return OAuthError::new("invalid_request", "The request must be a form.").into_response();
    };
    let form = Fields(form);
    let Some(token) = form.get("token") else {
        return OAuthError::new("invalid_request", "The request is missing token.").into_response();
    };
    let answer = access_token(&provider, token).or_else(|| refresh_token(&provider, token));
    // RFC 7662 §2.2: nothing is said about a token that is not good.
    Json(answer.unwrap_or_else(|| json!({ "active": false }))).into_response()
}

fn caller(provider: &Provider, headers: &HeaderMap) -> Option<Value> {
    provider.live_claims(bearer::untrusted_token(headers)?)
}

fn access_token(provider: &Provider, token: &str) -> Option<Value> {
    let claims = provider.live_claims(token)?;
    Some(json!({
        "active": true,
        "aud": claims.get("aud"),
        "client_id": claims.get("azp"),
        "exp": claims.get("exp"),
        "iat": claims.get("iat"),
    }))
}

fn refresh_token(provider: &Provider, token: &str) -> Option<Value> {
    let sessions = provider.sessions.lock();
    let overlap_seconds = provider.lifetimes.refresh_overlap.as_secs();
    let known = sessions
        .refresh_tokens
        .find(token)
        .filter(|known| known.is_good(provider.clock.now(), overlap_seconds))?;
    Some(json!({
        "active": true,
        "aud": known.grant.audiences,
        "client_id": known.grant.client_id,
        "exp": known.expires_at,
        "iat": known.issued_at,
    }))
}
