//! Device authorization (RFC 8628): what the device asks, and the pages where somebody answers it.

use std::sync::Arc;

use axum::{
    extract::{Form, State, rejection::FormRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use crate::{
    application::{Application, ApplicationKind},
    authorization_request::granted_scopes,
    client_authentication::authenticate,
    device_grants::{Asked, INTERVAL_SECONDS, LIFETIME_SECONDS},
    fields::{Fields, with_parameters},
    interaction::{Errand, Interaction},
    provider::Provider,
    routes::{
        answer::{self, OAuthError},
        interaction::{begin, signed_on},
        pages,
    },
};

/// `POST /oauth2/device/auth`, and the other path that Kinde's documentation names: begins to wait for a person.
pub(crate) async fn request(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let answered = form
        .map_err(|_| OAuthError::new("invalid_request", "The request must be a form."))
        .and_then(|Form(form)| wait(&provider, &headers, &Fields(form)));
    match answered {
        Ok(body) => answer::oauth_json(StatusCode::OK, body),
        Err(error) => error.into_response(),
    }
}

/// `GET /device`: asks for the code, or whether to allow the device whose code is in the URL.
pub(crate) async fn page(State(provider): State<Arc<Provider>>, uri: Uri, headers: HeaderMap) -> Response {
    match Fields::of_uri(&uri).get("user_code") {
        Some(typed) => connect(&provider, &headers, typed),
        None => answer::html(StatusCode::OK, &pages::user_code("", None)),
    }
}

/// `POST /device`: the form with the code.
pub(crate) async fn enter(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    connect(&provider, &headers, Fields(form).get("user_code").unwrap_or_default())
}

fn connect(provider: &Provider, headers: &HeaderMap, typed: &str) -> Response {
    let now = provider.clock.now();
    let waiting = provider.sessions.lock().devices.waiting(typed, now).cloned();
    let Some(device) = waiting else {
        let problem = "No device waits with this code. Codes are good for ten minutes.";
        return answer::html(StatusCode::BAD_REQUEST, &pages::user_code(typed, Some(problem)));
    };
    let errand = Errand::Device { user_code: device.user_code, client_id: device.client_id };
    let mut interaction = Interaction::new(errand, now);
    interaction.person = signed_on(provider, headers);
    begin(provider, interaction)
}

fn wait(provider: &Provider, headers: &HeaderMap, form: &Fields) -> Result<Value, OAuthError> {
    let directory = provider.directory.lock();
    let application = if form.get("client_id").is_some() || headers.contains_key(http::header::AUTHORIZATION)
    {
        authenticate(&directory, headers, form)?
    } else {
        default_application(directory.applications.values())?
    };
    if application.kind == ApplicationKind::Machine {
        let description = "An application that acts for itself signs nobody in.";
        return Err(OAuthError::new("unauthorized_client", description));
    }
    let audiences = form.words("audience");
    if let Some(unknown) = audiences.iter().find(|audience| !directory.apis.contains_key(*audience)) {
        let reason = format!("Requested audience \"{unknown}\" is not a registered API.");
        return Err(OAuthError::new("invalid_request", reason));
    }
    let scopes = granted_scopes(&form.words("scope"), &audiences, &directory).map_err(|unknown| {
        OAuthError::new("invalid_scope", format!("The scope \"{unknown}\" is not known."))
    })?;
    drop(directory);
    let asked = Asked { client_id: application.client_id, scopes, audiences };
    let (device_code, user_code) = provider.sessions.lock().devices.begin(asked, provider.clock.now());
    let page = format!("{}/device", provider.url);
    Ok(json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": with_parameters(&page, &[("user_code", &user_code)], false),
        "expires_in": LIFETIME_SECONDS,
        "interval": INTERVAL_SECONDS,
    }))
}

/// Kinde lets one application be meant when a device names none.
fn default_application<'a>(
    mut all: impl Iterator<Item = &'a Application>,
) -> Result<Application, OAuthError> {
    let default = all.find(|application| application.is_for_devices);
    default.cloned().ok_or_else(|| OAuthError::new("invalid_request", "The request is missing client_id."))
}
