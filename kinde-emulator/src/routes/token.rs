//! `POST /oauth2/token`: the token endpoint.

use std::sync::Arc;

use axum::{
    extract::{Form, State, rejection::FormRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::{
    application::Application,
    client_authentication::authenticate,
    draft::Draft,
    fields::Fields,
    grants,
    provider::Provider,
    routes::{
        answer::{self, OAuthError},
        refresh_cookie,
    },
    user_tokens::{self, Occasion},
};

/// Exchanges a code, a refresh token, a device code or an application's own credentials for tokens.
pub(crate) async fn token(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let answered = form
        .map_err(|_| OAuthError::new("invalid_request", "The request must be a form."))
        .and_then(|Form(form)| exchange(&provider, &headers, &Fields(form)));
    match answered {
        Ok(Exchanged { body, cookies }) => {
            let response = answer::oauth_json(StatusCode::OK, body);
            cookies.iter().fold(response, |response, cookie| answer::with_cookie(response, cookie))
        }
        Err(error) => error.into_response(),
    }
}

/// A good answer.
struct Exchanged {
    body: Value,
    cookies: Vec<String>,
}

fn exchange(provider: &Provider, headers: &HeaderMap, form: &Fields) -> Result<Exchanged, OAuthError> {
    if let Some(error) = provider.on_demand.take_token_error() {
        return Err(error);
    }
    if let Some(name) = form.first_repeated(&SINGLE_PARAMETERS) {
        return Err(OAuthError::new(
            "invalid_request",
            format!("The parameter {name} is there more than once."),
        ));
    }
    let missing = |name: &str| OAuthError::new("invalid_request", format!("The request is missing {name}."));
    let grant_type = form.get("grant_type").ok_or_else(|| missing("grant_type"))?;
    let application = authenticate(&provider.directory.lock(), headers, form)?;
    let body = match grant_type {
        "authorization_code" => {
            let grant = grants::code(provider, &application, form)?;
            user_tokens::issue(provider, &grant, &grant.scopes, Occasion::SignIn)?
        }
        "refresh_token" => {
            let held = refresh_cookie::read(&application, headers);
            let value = form.get("refresh_token").map(str::to_owned).or(held);
            let value = value.ok_or_else(|| missing("refresh_token"))?;
            let (token, scopes) = grants::refresh(provider, &application, &value, form)?;
            let kept =
                provider.lifetimes.keeps_access_token && provider.live_claims(&token.access_token).is_some();
            let kept_access_token = kept.then_some(token.access_token);
            user_tokens::issue(provider, &token.grant, &scopes, Occasion::Refresh { kept_access_token })?
        }
        "urn:ietf:params:oauth:grant-type:device_code" => {
            let grant = grants::device(provider, &application, form)?;
            user_tokens::issue(provider, &grant, &grant.scopes, Occasion::Device)?
        }
        "client_credentials" => machine_tokens(provider, &application, form)?,
        _ => return Err(OAuthError::new("unsupported_grant_type", "The grant type is not supported.")),
    };
    let lifetime_seconds = provider.lifetimes_of(&application.client_id).refresh_token.as_secs();
    let refresh_token = body.get("refresh_token").and_then(Value::as_str);
    let cookies = refresh_token.map(|token| refresh_cookie::set(&application, token, lifetime_seconds));
    Ok(Exchanged { cookies: cookies.unwrap_or_default(), body })
}

fn machine_tokens(
    provider: &Provider,
    application: &Application,
    form: &Fields,
) -> Result<Value, OAuthError> {
    let (audiences, scopes) = grants::machine(&provider.directory.lock(), application, form)?;
    let mut draft = Draft::with_scopes(&[]);
    draft.audiences = audiences;
    draft.scopes = scopes;
    let claims = provider.machine_claims(&application.client_id, &draft);
    let access_token = provider.sign(&claims, &draft);
    Ok(json!({
        "expires_in": provider.seconds_left(&access_token).saturating_sub(1),
        "access_token": access_token,
        "scope": draft.scopes.join(" "),
        "token_type": "Bearer",
    }))
}

const SINGLE_PARAMETERS: [&str; 8] = [
    "grant_type",
    "client_id",
    "client_secret",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "device_code",
];
