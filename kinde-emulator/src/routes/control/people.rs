//! People, what they may do, and signing them in.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{consent, directory::PersonRecord, person::Person};

use super::{Details, Operation, Shared, body::nullable, done, done_or_unknown, refusal, unknown};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::ask("people", people),
        Operation::act("update_person", update_person),
        Operation::act("delete_person", delete_person),
        Operation::act("add_to_org", add_to_org),
        Operation::act("remove_from_org", remove_from_org),
        Operation::act("add_role", add_role),
        Operation::act("remove_role", remove_role),
        Operation::act("add_permission", add_permission),
        Operation::act("remove_permission", remove_permission),
        Operation::act("sign_in", sign_in),
    ]
}

async fn people(State(provider): Shared) -> Json<Value> {
    let directory = provider.directory.lock();
    Json(json!({ "people": directory.people.values().map(described).collect::<Vec<_>>() }))
}

fn described(person: &PersonRecord) -> Value {
    let memberships = person.memberships.iter().map(|membership| {
        json!({
            "org_code": membership.org_code, "permissions": membership.permissions, "roles": membership.roles,
        })
    });
    json!({
        "id": person.id, "name": person.handle, "email": person.email, "given_name": person.given_name,
        "family_name": person.family_name, "username": person.username, "phone": person.phone,
        "is_suspended": person.is_suspended, "memberships": memberships.collect::<Vec<_>>(),
    })
}

/// What to change; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    person: String,
    email: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    picture: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    username: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    phone: Option<Option<String>>,
    is_suspended: Option<bool>,
    is_password_reset_requested: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    password: Option<Option<String>>,
    one_click: Option<bool>,
}

async fn update_person(State(provider): Shared, Details(changes): Details<Changes>) -> Json<Value> {
    let person = Person::find_or_create(&provider, &changes.person);
    person.update(|details| {
        take(&mut details.email, changes.email);
        take(&mut details.given_name, changes.given_name);
        take(&mut details.family_name, changes.family_name);
        take(&mut details.picture, changes.picture);
        take(&mut details.username, changes.username);
        take(&mut details.phone, changes.phone);
        take(&mut details.is_suspended, changes.is_suspended);
        take(&mut details.is_password_reset_requested, changes.is_password_reset_requested);
    });
    if let Some(password) = changes.password {
        person.set_password(password.as_deref());
    }
    if let Some(is_one_click) = changes.one_click {
        person.set_one_click(is_one_click);
    }
    Json(described(&person.record()))
}

pub(super) fn take<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Somebody {
    person: String,
}

async fn delete_person(State(provider): Shared, Details(asked): Details<Somebody>) -> Response {
    let is_known = provider.directory.lock().person_named(&asked.person).is_some();
    done_or_unknown(
        is_known && Person::find_or_create(&provider, &asked.person).delete(),
        "person",
        &asked.person,
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Membership {
    person: String,
    org: String,
}

async fn add_to_org(State(provider): Shared, Details(asked): Details<Membership>) -> Json<Value> {
    Person::find_or_create(&provider, &asked.person).add_to_org(&asked.org);
    done()
}

async fn remove_from_org(State(provider): Shared, Details(asked): Details<Membership>) -> Json<Value> {
    Person::find_or_create(&provider, &asked.person).remove_from_org(&asked.org);
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleThere {
    person: String,
    org: String,
    role: String,
}

async fn add_role(State(provider): Shared, Details(asked): Details<RoleThere>) -> Json<Value> {
    Person::find_or_create(&provider, &asked.person).add_role(&asked.org, &asked.role);
    done()
}

async fn remove_role(State(provider): Shared, Details(asked): Details<RoleThere>) -> Json<Value> {
    Person::find_or_create(&provider, &asked.person).remove_role(&asked.org, &asked.role);
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionThere {
    person: String,
    org: String,
    permission: String,
}

async fn add_permission(State(provider): Shared, Details(asked): Details<PermissionThere>) -> Json<Value> {
    Person::find_or_create(&provider, &asked.person).add_permission(&asked.org, &asked.permission);
    done()
}

async fn remove_permission(State(provider): Shared, Details(asked): Details<PermissionThere>) -> Json<Value> {
    Person::find_or_create(&provider, &asked.person).remove_permission(&asked.org, &asked.permission);
    done()
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
    let Some(person_id) = person_id else { return unknown("person", &asked.person) };
    match consent::sign_in(&provider, &asked.authorization_url, &person_id) {
        Ok(location) => Json(json!({ "location": location })).into_response(),
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}
