//! `/_emulator/…`: what a test may do to the environment, over HTTP under the names of [`Environment`](crate::Environment).
//!
//! Not a part of Kinde, so it stands under a name that Kinde does not use, and it is there only where
//! [`with_control_api`](crate::EnvironmentBuilder::with_control_api) asked for it. Faults do not reach it, and its requests are not counted.

mod body;
mod guard;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    application::{Application, ApplicationKind},
    consent,
    fields::Fields,
    provider::Provider,
    webhooks::{EVENT_TYPES, WebhookEndpoint, WebhookEvent},
};

use body::Details;

/// Returns the routes of the control API.
pub(crate) fn routes(provider: &Arc<Provider>) -> Router {
    Router::new()
        .route("/_emulator/environment", get(environment))
        .route("/_emulator/applications", get(applications))
        .route("/_emulator/event_types", get(event_types))
        .route("/_emulator/requests", get(requests))
        .route("/_emulator/reset_requests", post(reset_requests))
        .route("/_emulator/rotate_keys", post(rotate_keys))
        .route("/_emulator/replace_keys", post(replace_keys))
        .route("/_emulator/withdraw_key", post(withdraw_key))
        .route("/_emulator/publish_key", post(publish_key))
        .route("/_emulator/set_time", post(set_time))
        .route("/_emulator/advance", post(advance))
        .route("/_emulator/follow_system_time", post(follow_system_time))
        .route("/_emulator/add_webhook", post(add_webhook))
        .route("/_emulator/trigger", post(trigger))
        .route("/_emulator/sign_in", post(sign_in))
        .layer(middleware::from_fn(guard::let_in_programs_of_this_computer))
        .with_state(Arc::clone(provider))
}

type Shared = State<Arc<Provider>>;

async fn environment(State(provider): Shared) -> Json<Value> {
    let kid = provider.keys.lock().signing_kid().to_owned();
    Json(
        json!({ "issuer": provider.issuer, "url": provider.url, "now": provider.clock.now(), "signing_kid": kid }),
    )
}

/// Answers with the client ids and secrets that follow from the names of a seed, machines' too.
async fn applications(State(provider): Shared) -> Json<Value> {
    let directory = provider.directory.lock();
    let described: Vec<_> = directory.applications.values().map(described).collect();
    Json(json!({ "applications": described }))
}

fn described(application: &Application) -> Value {
    let kind = match application.kind {
        ApplicationKind::Web => "web",
        ApplicationKind::Public => "public",
        ApplicationKind::Machine => "machine",
    };
    json!({
        "name": application.name, "kind": kind, "client_id": application.client_id,
        "client_secret": application.client_secret, "callbacks": application.callbacks,
        "logout_urls": application.logout_urls,
    })
}

async fn event_types() -> Json<Value> {
    Json(json!({ "event_types": EVENT_TYPES }))
}

async fn requests(State(provider): Shared, uri: Uri) -> Response {
    match Fields::of_uri(&uri).get("path") {
        Some(path) => Json(json!({ "requests": provider.requests.count(path) })).into_response(),
        None => refusal(StatusCode::BAD_REQUEST, "name a path: /_emulator/requests?path=/oauth2/token"),
    }
}

async fn reset_requests(State(provider): Shared) -> Json<Value> {
    provider.requests.reset();
    done()
}

async fn rotate_keys(State(provider): Shared) -> Json<Value> {
    Json(json!({ "kid": provider.keys.lock().rotate() }))
}

async fn replace_keys(State(provider): Shared) -> Json<Value> {
    Json(json!({ "kid": provider.keys.lock().replace() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    kid: String,
}

async fn withdraw_key(State(provider): Shared, Details(key): Details<Key>) -> Response {
    set_published(&provider, &key, false)
}

async fn publish_key(State(provider): Shared, Details(key): Details<Key>) -> Response {
    set_published(&provider, &key, true)
}

fn set_published(provider: &Provider, key: &Key, published: bool) -> Response {
    if provider.keys.lock().set_published(&key.kid, published) {
        done().into_response()
    } else {
        refusal(StatusCode::NOT_FOUND, &format!("there is no key with the ID {}", key.kid))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moment {
    unix_seconds: u64,
}

async fn set_time(State(provider): Shared, Details(moment): Details<Moment>) -> Json<Value> {
    provider.clock.set(moment.unix_seconds);
    provider.webhooks.look_again();
    time(&provider)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    seconds: u64,
}

async fn advance(State(provider): Shared, Details(span): Details<Span>) -> Json<Value> {
    provider.clock.advance(Duration::from_secs(span.seconds));
    provider.webhooks.look_again();
    time(&provider)
}

async fn follow_system_time(State(provider): Shared) -> Json<Value> {
    provider.clock.follow_system();
    provider.webhooks.look_again();
    time(&provider)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    endpoint: String,
    #[serde(default)]
    event_types: Vec<String>,
}

async fn add_webhook(State(provider): Shared, Details(wanted): Details<Endpoint>) -> Response {
    let endpoint = WebhookEndpoint::new(wanted.endpoint).with_event_types(wanted.event_types);
    match provider.webhooks.add(endpoint, provider.clock.now()) {
        Ok(id) => Json(json!({ "id": id })).into_response(),
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trigger {
    event_type: String,
    /// What to change in the event, by path, as `WebhookEvent::set` does.
    #[serde(default)]
    set: BTreeMap<String, Value>,
}

async fn trigger(State(provider): Shared, Details(asked): Details<Trigger>) -> Json<Value> {
    let event = WebhookEvent::new(&provider, &asked.event_type);
    let event = asked.set.into_iter().fold(event, |event, (path, value)| event.set(&path, value));
    Json(json!({ "event_id": event.send() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    authorization_url: String,
    /// A handle, an e-mail address or an id of somebody who is there.
    person: String,
}

async fn sign_in(State(provider): Shared, Details(asked): Details<SignIn>) -> Response {
    let person_id = provider.directory.lock().person_named(&asked.person).map(|person| person.id.clone());
    let Some(person_id) = person_id else {
        return refusal(StatusCode::NOT_FOUND, &format!("nobody here is called {}", asked.person));
    };
    match consent::sign_in(&provider, &asked.authorization_url, &person_id) {
        Ok(location) => Json(json!({ "location": location })).into_response(),
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn done() -> Json<Value> {
    Json(json!({}))
}

fn time(provider: &Provider) -> Json<Value> {
    Json(json!({ "now": provider.clock.now() }))
}

/// Says why nothing was done.
fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
