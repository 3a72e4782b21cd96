//! Applications and APIs. New ones come by `import`, as in a seed.

use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    application::{Application, ApplicationKind},
    provider::Provider,
};

use super::{Details, Operation, Shared, done, done_or_unknown};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::ask("applications", applications),
        Operation::act("delete_application", delete_application),
        Operation::act("allow_callback", allow_callback),
        Operation::act("allow_logout_url", allow_logout_url),
        Operation::ask("apis", apis),
        Operation::act("register_api", register_api),
        Operation::act("delete_api", delete_api),
        Operation::act("revoke_api_key", revoke_api_key),
    ]
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    client_id: String,
}

async fn delete_application(State(provider): Shared, Details(asked): Details<Named>) -> Response {
    let is_known = provider.directory.lock().applications.remove(&asked.client_id).is_some();
    done_or_unknown(is_known, "application", &asked.client_id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    url: String,
    /// Without it, the main application.
    client_id: Option<String>,
}

async fn allow_callback(State(provider): Shared, Details(allowed): Details<Allowed>) -> Response {
    allow(&provider, &allowed, |application| &mut application.callbacks)
}

async fn allow_logout_url(State(provider): Shared, Details(allowed): Details<Allowed>) -> Response {
    allow(&provider, &allowed, |application| &mut application.logout_urls)
}

fn allow(
    provider: &Provider,
    allowed: &Allowed,
    list: impl FnOnce(&mut Application) -> &mut Vec<String>,
) -> Response {
    let client_id = allowed.client_id.as_ref().unwrap_or(&provider.client_id);
    let mut directory = provider.directory.lock();
    let known = directory.applications.get_mut(client_id);
    let is_known = known.map(|application| list(application).push(allowed.url.clone())).is_some();
    done_or_unknown(is_known, "application", client_id)
}

async fn apis(State(provider): Shared) -> Json<Value> {
    let directory = provider.directory.lock();
    Json(json!({ "apis": directory.apis.keys().collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Api {
    audience: String,
    /// None listed means any.
    #[serde(default)]
    scopes: Vec<String>,
}

async fn register_api(State(provider): Shared, Details(api): Details<Api>) -> Json<Value> {
    provider.directory.lock().open_api(&api.audience, &api.scopes);
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedApi {
    audience: String,
}

async fn delete_api(State(provider): Shared, Details(asked): Details<NamedApi>) -> Response {
    let is_known = provider.directory.lock().apis.remove(&asked.audience).is_some();
    done_or_unknown(is_known, "API", &asked.audience)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedApiKey {
    id: String,
}

async fn revoke_api_key(State(provider): Shared, Details(asked): Details<NamedApiKey>) -> Response {
    done_or_unknown(provider.directory.lock().api_keys.revoke(&asked.id), "API key", &asked.id)
}
