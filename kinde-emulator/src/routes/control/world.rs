//! The environment as a whole: what it is, and more of it from a seed.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    error::SeedError, feature_flag::FeatureFlag, organization::Organization, person::Person, seed::Seed,
};

use super::{Details, Operation, Shared, done, refusal};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::ask("environment", environment),
        Operation::act("import", import),
        Operation::ask("flags", flags),
        Operation::act("set_flag", set_flag),
        Operation::act("unset_flag", unset_flag),
        Operation::act("set_property", set_property),
    ]
}

async fn environment(State(provider): Shared) -> Json<Value> {
    let kid = provider.keys.lock().signing_kid().to_owned();
    Json(
        json!({ "issuer": provider.issuer, "url": provider.url, "now": provider.clock.now(), "signing_kid": kid }),
    )
}

/// Adds what a seed says, or puts it in the place of what has the same name, and tells webhooks nothing.
async fn import(State(provider): Shared, Details(document): Details<Value>) -> Response {
    let known = provider.directory.lock().clone();
    match Seed::from_json_in(&document.to_string(), &known) {
        Ok(seed) => {
            seed.plant(&mut provider.directory.lock(), provider.clock.now());
            done().into_response()
        }
        Err(SeedError::Wrong { problems }) => {
            // The lines are those of a text that nobody wrote.
            let told: Vec<_> =
                problems.iter().map(|problem| format!("{} (at {})", problem.reason, problem.path)).collect();
            refusal(StatusCode::UNPROCESSABLE_ENTITY, &told.join("; "))
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn flags(State(provider): Shared) -> Json<Value> {
    let directory = provider.directory.lock();
    Json(json!({ "flags": directory.flag_values(None, None) }))
}

/// A flag or a property, and whose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owned {
    key: String,
    person: Option<String>,
    org: Option<String>,
    #[serde(default)]
    value: Value,
}

async fn set_flag(State(provider): Shared, Details(flag): Details<Owned>) -> Response {
    match (&flag.person, &flag.org) {
        (Some(person), None) => Person::find_or_create(&provider, person).set_flag(&flag.key, flag.value),
        (None, Some(org)) => Organization::find_or_create(&provider, org).set_flag(&flag.key, flag.value),
        (None, None) => {
            let known = BTreeMap::from([("flags", json!({ &flag.key: flag.value }))]);
            let is_known = provider.directory.lock().flags.contains_key(&flag.key);
            if is_known {
                FeatureFlag::find_or_create(&provider, &flag.key).set(flag.value);
            } else if let Ok(seed) = Seed::from_json(&json!(known).to_string()) {
                seed.plant(&mut provider.directory.lock(), provider.clock.now());
            }
        }
        (Some(_), Some(_)) => return one_owner(),
    }
    done().into_response()
}

async fn unset_flag(State(provider): Shared, Details(flag): Details<Owned>) -> Response {
    match (&flag.person, &flag.org) {
        (Some(person), None) => Person::find_or_create(&provider, person).unset_flag(&flag.key),
        (None, Some(org)) => Organization::find_or_create(&provider, org).unset_flag(&flag.key),
        (None, None) => FeatureFlag::find_or_create(&provider, &flag.key).unset(),
        (Some(_), Some(_)) => return one_owner(),
    }
    done().into_response()
}

async fn set_property(State(provider): Shared, Details(property): Details<Owned>) -> Response {
    let (key, value) = (&property.key, property.value);
    match (&property.person, &property.org) {
        (Some(person), None) => Person::find_or_create(&provider, person).set_property(key, value),
        (None, Some(org)) => Organization::find_or_create(&provider, org).set_property(key, value),
        _ => return one_owner(),
    }
    done().into_response()
}

fn one_owner() -> Response {
    refusal(StatusCode::BAD_REQUEST, "name a person or an org, not both")
}
