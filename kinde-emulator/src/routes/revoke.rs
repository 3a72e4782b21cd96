//! `POST /oauth2/revoke` (RFC 7009).

use std::sync::Arc;

use axum::{
    extract::{Form, State, rejection::FormRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::{
    client_authentication::authenticate, fields::Fields, provider::Provider, routes::answer::OAuthError,
};

/// Ends a refresh token, or makes this environment's own endpoints refuse an access token.
///
/// Whoever verifies an access token by its signature sees nothing of it until it expires, as at Kinde.
pub(crate) async fn revoke(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return OAuthError::new("invalid_request", "The request must be a form.").into_response();
    };
    let form = Fields(form);
    let authenticated = authenticate(&provider.directory.lock(), &headers, &form);
    let application = match authenticated {
        Ok(application) => application,
        Err(error) => return error.into_response(),
    };
    let Some(token) = form.get("token") else {
        return OAuthError::new("invalid_request", "The request is missing token.").into_response();
    };
    let claims = provider.verified_claims(token);
    let mut sessions = provider.sessions.lock();
    let own_refresh_token =
        sessions.refresh_tokens.find(token).filter(|known| known.grant.client_id == application.client_id);
    // The one before it, which an overlap keeps, would bring another: a guess, as Ory Hydra ends all of a sign-in too.
    if let Some(family) = own_refresh_token.map(|known| known.grant.family.clone()) {
        sessions.refresh_tokens.end_family(&family);
    }
    let own_token_id = claims
        .as_ref()
        .filter(|claims| claims.get("azp").and_then(Value::as_str) == Some(&application.client_id))
        .and_then(|claims| claims.get("jti")?.as_str());
    if let Some(token_id) = own_token_id {
        sessions.revoke_token_id(token_id);
    }
    // RFC 7009 §2.2: an unknown token is answered as a revoked one.
    StatusCode::OK.into_response()
}
