//! `POST /oauth2/token`: the token endpoint.

use std::sync::Arc;

use axum::{
    extract::{Form, State, rejection::FormRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::{
    client_authentication::authenticate,
    draft::{Draft, Org},
    fields::Fields,
    grants,
    provider::Provider,
    routes::answer::{self, OAuthError},
    sessions::{Grant, RefreshToken},
};

/// Exchanges a code, a refresh token or an application's own credentials for tokens.
pub(crate) async fn token(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let answered = form
        .map_err(|_| OAuthError::new("invalid_request", "The request must be a form."))
        .and_then(|Form(form)| exchange(&provider, &headers, &Fields(form)));
    match answered {
        Ok(body) => answer::oauth_json(StatusCode::OK, body),
        Err(error) => error.into_response(),
    }
}

fn exchange(provider: &Provider, headers: &HeaderMap, form: &Fields) -> Result<Value, OAuthError> {
    if let Some(name) = form.first_repeated(&SINGLE_PARAMETERS) {
        return Err(OAuthError::new(
            "invalid_request",
            format!("The parameter {name} is there more than once."),
        ));
    }
    let grant_type = form
        .get("grant_type")
        .ok_or_else(|| OAuthError::new("invalid_request", "The request is missing grant_type."))?;
    let application = authenticate(&provider.directory.lock(), headers, form)?;
    match grant_type {
        "authorization_code" => {
            let grant = grants::code(provider, &application, form)?;
            tokens(provider, &grant, &grant.scopes, grant.nonce.clone(), None)
        }
        "refresh_token" => {
            let (token, scopes) = grants::refresh(provider, &application, form)?;
            let kept =
                provider.lifetimes.keeps_access_token && provider.live_claims(&token.access_token).is_some();
            let access_token = kept.then_some(token.access_token);
            // OpenID Connect Core §12.2: an ID token from a refresh should have no nonce.
            tokens(provider, &token.grant, &scopes, None, access_token)
        }
        "client_credentials" => {
            let (audiences, scopes) = grants::machine(&provider.directory.lock(), &application, form)?;
            let mut draft = Draft::with_scopes(&[]);
            draft.audiences = audiences;
            draft.scopes = scopes;
            let claims = provider.machine_claims(&application.client_id, &draft);
            let access_token = provider.sign(&claims, &draft);
            Ok(json!({
                "expires_in": expires_in(provider, &access_token),
                "access_token": access_token,
                "scope": draft.scopes.join(" "),
                "token_type": "Bearer",
            }))
        }
        _ => Err(OAuthError::new("unsupported_grant_type", "The grant type is not supported.")),
    }
}

/// Writes the token response for a grant; what the person may do is read anew each time.
fn tokens(
    provider: &Provider,
    grant: &Grant,
    scopes: &[String],
    nonce: Option<String>,
    kept_access_token: Option<String>,
) -> Result<Value, OAuthError> {
    let (person, hasura) = {
        let directory = provider.directory.lock();
        let application = directory.applications.get(&grant.client_id);
        (directory.people.get(&grant.person_id).cloned(), application.is_some_and(|known| known.hasura))
    };
    // Deleting somebody ends their grants, so this is for the moment between the two.
    let person = person.ok_or_else(|| OAuthError::new("invalid_grant", "The user does not exist."))?;
    let mut draft = Draft::with_scopes(&[]);
    draft.scopes = scopes.to_vec();
    // Who left the organization meanwhile gets tokens without one: a guess.
    let org_code = grant.org_code.clone().filter(|code| person.membership(code).is_some());
    draft.org = org_code.map_or(Org::Without, Org::Code);
    draft.audiences.clone_from(&grant.audiences);
    draft.client_id = Some(grant.client_id.clone());
    draft.nonce = nonce;
    draft.auth_time = Some(grant.authenticated_at);
    draft.requested_at = Some(grant.requested_at);
    draft.hasura = hasura;

    let access_token =
        kept_access_token.unwrap_or_else(|| provider.sign(&provider.access_claims(&person, &draft), &draft));
    let mut body = json!({
        "expires_in": expires_in(provider, &access_token),
        "scope": scopes.join(" "),
        "token_type": "Bearer",
    });
    let granted = |scope: &str| scopes.iter().any(|granted| granted == scope);
    if granted("openid") {
        let claims = provider.id_claims(&person, &draft, &access_token);
        insert(&mut body, "id_token", provider.sign(&claims, &draft));
    }
    if granted("offline") {
        let lifetime_seconds = provider.lifetimes_of(&grant.client_id).refresh_token.as_secs();
        let token = RefreshToken::new(grant.clone(), &access_token, provider.clock.now(), lifetime_seconds);
        let value = provider.sessions.lock().issue_refresh_token(token);
        insert(&mut body, "refresh_token", value);
    }
    insert(&mut body, "access_token", access_token);
    Ok(body)
}

fn insert(body: &mut Value, name: &str, value: String) {
    if let Value::Object(members) = body {
        members.insert(name.to_owned(), Value::String(value));
    }
}

/// Kinde answers one second less than the token has left.
fn expires_in(provider: &Provider, access_token: &str) -> u64 {
    let claims = provider.verified_claims(access_token);
    let expires_at = claims.and_then(|claims| claims.get("exp")?.as_u64()).unwrap_or_default();
    expires_at.saturating_sub(provider.clock.now()).saturating_sub(1)
}

const SINGLE_PARAMETERS: [&str; 7] =
    ["grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token"];
