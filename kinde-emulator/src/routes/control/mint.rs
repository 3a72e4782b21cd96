//! Tokens that nobody signed in for: any good one, and each wrong one by its name.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{machine::Machine, person::Person, wrong::WrongToken};

use super::{Details, Operation, Shared, refusal};

pub(super) fn operations() -> Vec<Operation> {
    vec![Operation::ask("wrong_tokens", wrong_tokens), Operation::act("mint", mint)]
}

async fn wrong_tokens() -> Json<Value> {
    Json(json!({ "wrong_tokens": WrongToken::NAMES }))
}

/// The description of a token, in the words of `Person` and `Machine`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// A handle, an e-mail address or an id; created when nobody is called so.
    person: Option<String>,
    /// The name of a machine-to-machine application; created when none is called so.
    machine: Option<String>,
    #[serde(default)]
    kind: Kind,
    /// Null for none.
    #[serde(default, deserialize_with = "super::body::nullable")]
    org: Option<Option<String>>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    flags: BTreeMap<String, Value>,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
    /// In place of the usual ones.
    scopes: Option<Vec<String>>,
    #[serde(default)]
    audiences: Vec<String>,
    client_id: Option<String>,
    nonce: Option<String>,
    #[serde(default)]
    hasura: bool,
    /// Any claim.
    #[serde(default)]
    claims: BTreeMap<String, Value>,
    /// Claims to leave out.
    #[serde(default)]
    without_claims: Vec<String>,
    issued_at: Option<u64>,
    expires_in_seconds: Option<u64>,
    #[serde(default)]
    expired: bool,
    /// The ID of the key that signs.
    signed_by: Option<String>,
    /// The one thing that is wrong with it.
    wrong: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    AccessToken,
    IdToken,
}

async fn mint(State(provider): Shared, Details(wanted): Details<Wanted>) -> Response {
    let token = match (&wanted.person, &wanted.machine) {
        (Some(name), None) => of_person(&Person::find_or_create(&provider, name), &wanted),
        (None, Some(name)) => of_machine(&Machine::find_or_create(&provider, name), &wanted),
        _ => return refusal(StatusCode::BAD_REQUEST, "name a person or a machine, one of them"),
    };
    match token {
        Ok(token) => Json(json!({ "token": token })).into_response(),
        Err(reason) => refusal(StatusCode::BAD_REQUEST, &reason),
    }
}

fn of_person(person: &Person, wanted: &Wanted) -> Result<String, String> {
    let mut person = person.clone();
    match &wanted.org {
        Some(Some(org)) => person = person.in_org(org),
        Some(None) => person = person.without_org(),
        None => {}
    }
    if let Some(scopes) = &wanted.scopes {
        person = person.with_only_scopes(scopes);
    }
    person = wanted.permissions.iter().fold(person, |person, key| person.with(key));
    person = wanted.roles.iter().fold(person, |person, key| person.with_role(key));
    person = wanted.audiences.iter().fold(person, |person, audience| person.with_audience(audience));
    person = wanted.flags.iter().fold(person, |person, (key, value)| person.with_flag(key, value.clone()));
    person = wanted
        .properties
        .iter()
        .fold(person, |person, (key, value)| person.with_property(key, value.clone()));
    person =
        wanted.claims.iter().fold(person, |person, (name, value)| person.with_claim(name, value.clone()));
    person = wanted.without_claims.iter().fold(person, |person, name| person.without_claim(name));
    person = wanted.client_id.iter().fold(person, |person, client_id| person.with_client_id(client_id));
    person = wanted.nonce.iter().fold(person, |person, nonce| person.with_nonce(nonce));
    person = wanted.issued_at.iter().fold(person, |person, time| person.issued_at(*time));
    person = wanted
        .expires_in_seconds
        .iter()
        .fold(person, |person, seconds| person.expires_in(Duration::from_secs(*seconds)));
    person = wanted.signed_by.iter().fold(person, |person, kid| person.signed_by(kid));
    if wanted.hasura {
        person = person.hasura();
    }
    if wanted.expired {
        person = person.expired();
    }
    match (&wanted.wrong, wanted.kind) {
        (None, Kind::AccessToken) => Ok(person.access_token()),
        (None, Kind::IdToken) => Ok(person.id_token()),
        (Some(name), Kind::AccessToken) => wrong(&person.wrong(), name),
        (Some(name), Kind::IdToken) => wrong(&person.wrong_id_token(), name),
    }
}

fn of_machine(machine: &Machine, wanted: &Wanted) -> Result<String, String> {
    let of_people = [
        ("kind", wanted.kind == Kind::IdToken),
        ("permissions", !wanted.permissions.is_empty()),
        ("roles", !wanted.roles.is_empty()),
        ("client_id", wanted.client_id.is_some()),
        ("nonce", wanted.nonce.is_some()),
        ("hasura", wanted.hasura),
    ];
    if let Some((name, _)) = of_people.into_iter().find(|(_, is_wanted)| *is_wanted) {
        return Err(format!("a machine's token has no {name}"));
    }
    let mut machine = machine.clone();
    machine = wanted.org.iter().flatten().fold(machine, |machine, org| machine.in_org(org));
    machine = wanted.scopes.iter().flatten().fold(machine, |machine, scope| machine.with_scope(scope));
    machine = wanted.audiences.iter().fold(machine, |machine, audience| machine.with_audience(audience));
    machine =
        wanted.flags.iter().fold(machine, |machine, (key, value)| machine.with_flag(key, value.clone()));
    machine = wanted
        .properties
        .iter()
        .fold(machine, |machine, (key, value)| machine.with_property(key, value.clone()));
    machine =
        wanted.claims.iter().fold(machine, |machine, (name, value)| machine.with_claim(name, value.clone()));
    machine = wanted.without_claims.iter().fold(machine, |machine, name| machine.without_claim(name));
    machine = wanted.issued_at.iter().fold(machine, |machine, time| machine.issued_at(*time));
    machine = wanted
        .expires_in_seconds
        .iter()
        .fold(machine, |machine, seconds| machine.expires_in(Duration::from_secs(*seconds)));
    machine = wanted.signed_by.iter().fold(machine, |machine, kid| machine.signed_by(kid));
    if wanted.expired {
        machine = machine.expired();
    }
    match &wanted.wrong {
        None => Ok(machine.access_token()),
        Some(name) => wrong(&machine.wrong(), name),
    }
}

fn wrong(token: &WrongToken, name: &str) -> Result<String, String> {
    let named = token.named(name);
    named
        .ok_or_else(|| format!("no wrong token is called {name}; known are {}", WrongToken::NAMES.join(", ")))
}
