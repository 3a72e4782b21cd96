//! Organizations.

use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::organization::Organization;

use super::{Details, Operation, Shared, body::nullable, done_or_unknown, people::take};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::ask("organizations", organizations),
        Operation::act("update_organization", update_organization),
        Operation::act("delete_organization", delete_organization),
    ]
}

async fn organizations(State(provider): Shared) -> Json<Value> {
    let directory = provider.directory.lock();
    let described = directory.organizations.values().map(|organization| {
        json!({
            "code": organization.code, "handle": organization.handle, "name": organization.name,
            "external_id": organization.external_id,
        })
    });
    Json(json!({ "organizations": described.collect::<Vec<_>>() }))
}

/// What to change; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    org: String,
    name: Option<String>,
    handle: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    external_id: Option<Option<String>>,
    is_allow_registrations: Option<bool>,
}

async fn update_organization(State(provider): Shared, Details(changes): Details<Changes>) -> Json<Value> {
    let organization = Organization::find_or_create(&provider, &changes.org);
    organization.update(|details| {
        take(&mut details.name, changes.name);
        take(&mut details.handle, changes.handle);
        take(&mut details.external_id, changes.external_id);
        take(&mut details.is_allow_registrations, changes.is_allow_registrations);
    });
    Json(json!({ "code": organization.code() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    org: String,
}

async fn delete_organization(State(provider): Shared, Details(asked): Details<Named>) -> Response {
    let is_known = provider.directory.lock().organization_named(&asked.org).is_some();
    let is_deleted = is_known && Organization::find_or_create(&provider, &asked.org).delete();
    done_or_unknown(is_deleted, "organization", &asked.org)
}
