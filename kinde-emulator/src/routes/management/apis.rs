//! APIs, their scopes, and the machines that may use them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    api::{ApiRecord, ApiScope},
    application::ApplicationKind,
    directory::Directory,
};

use super::{
    answer::{Answer, done, said, success},
    call::{Call, text_of},
    failure::Failure,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let with_scopes = call.query_list("expand").contains(&"scopes");
    let items = directory.apis.values().map(|api| {
        let mut listed = described(api);
        if with_scopes && let Some(members) = listed.as_object_mut() {
            members.insert("scopes".to_owned(), brief_scopes(api));
        }
        listed
    });
    success(json!({ "apis": items.collect::<Vec<_>>(), "next_token": null }))
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let api = known(call, &directory)?;
    let applications = directory.applications.values().map(|application| {
        let kind = match application.kind {
            ApplicationKind::Machine => "Machine to machine (M2M)",
            ApplicationKind::Web => "Back-end web",
            ApplicationKind::Public => "Front-end and mobile",
        };
        let is_active = api.admits(&application.client_id);
        json!({ "id": application.client_id, "name": application.name, "type": kind, "is_active": is_active })
    });
    let applications: Vec<_> = applications.collect();
    let mut body = described(api);
    if let Some(members) = body.as_object_mut() {
        members.insert("scopes".to_owned(), brief_scopes(api));
        members.insert("applications".to_owned(), applications.into());
    }
    success(json!({ "api": body }))
}

/// Registers an API that no machine may use before it is authorized.
pub(super) fn create(call: &Call<'_>) -> Answer {
    let (name, audience) = (call.required("name")?, call.required("audience")?);
    let id = call.change(|directory| {
        if directory.api(audience).is_some() {
            let message = format!("The audience {audience} is already in use");
            return Err(Failure::invalid("API_ALREADY_EXISTS", message));
        }
        let api = ApiRecord::closed(audience, name);
        let id = api.id.clone();
        directory.apis.insert(audience.to_owned(), api);
        Ok(id)
    })?;
    success(json!({ "api": { "id": id } }))
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    call.change(|directory| {
        let api = known(call, directory)?;
        if api.is_management_api {
            let message = "Kinde's own Management API cannot be deleted";
            return Err(Failure::invalid("API_NOT_DELETABLE", message));
        }
        let audience = api.audience.clone();
        directory.apis.remove(&audience);
        Ok(())
    })?;
    said("API_DELETED", "API successfully deleted", json!({}))
}

pub(super) fn scopes(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let scopes: Vec<_> = known(call, &directory)?.scopes.iter().map(scope_described).collect();
    success(json!({ "scopes": scopes }))
}

pub(super) fn scope(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    success(json!({ "scope": scope_described(known_scope(call, known(call, &directory)?)?) }))
}

pub(super) fn add_scope(call: &Call<'_>) -> Answer {
    let key = call.required("key")?;
    let description = call.text("description")?.unwrap_or_default();
    let id = change(call, |api| {
        if api.scopes.iter().any(|known| known.key == key) {
            let message = format!("The API has the scope {key} already");
            return Err(Failure::invalid("SCOPE_ALREADY_EXISTS", message));
        }
        let mut scope = ApiScope::invent(&api.audience, key);
        description.clone_into(&mut scope.description);
        let id = scope.id.clone();
        api.scopes.push(scope);
        Ok(id)
    })?;
    success(json!({ "scope": { "id": id } }))
}

pub(super) fn update_scope(call: &Call<'_>) -> Answer {
    let description = call.text("description")?.unwrap_or_default();
    change(call, |api| {
        let id = known_scope(call, api)?.id.clone();
        if let Some(scope) = api.scopes.iter_mut().find(|scope| scope.id == id) {
            description.clone_into(&mut scope.description);
        }
        Ok(())
    })?;
    done()
}

pub(super) fn delete_scope(call: &Call<'_>) -> Answer {
    change(call, |api| {
        let key = known_scope(call, api)?.key.clone();
        api.scopes.retain(|scope| scope.key != key);
        if let Some(machines) = &mut api.authorizations {
            machines.values_mut().for_each(|keys| keys.retain(|held| *held != key));
        }
        Ok(())
    })?;
    done()
}

/// Authorizes applications by id; `operation` is `delete` for those to disconnect. From then on only those that are
/// authorized get tokens, with the scopes that each is given.
pub(super) fn update_applications(call: &Call<'_>) -> Answer {
    let items = call.objects("applications")?;
    let (mut connected, mut disconnected) = (Vec::new(), Vec::new());
    call.change(|directory| {
        let audience = known(call, directory)?.audience.clone();
        let machines: BTreeSet<_> = directory.applications.keys().cloned().collect();
        let Some(api) = directory.apis.get_mut(&audience) else { return Ok(()) };
        let mut after = api.clone();
        for item in items {
            let id = text_of(item, "id")?.unwrap_or_default();
            if !machines.contains(id) {
                return Err(call.unknown("APPLICATION_NOT_FOUND", format!("There is no application {id}")));
            }
            let access = after.close(&machines);
            match text_of(item, "operation")? {
                Some("delete") => {
                    if access.remove(id).is_some() {
                        disconnected.push(id.to_owned());
                    }
                }
                None | Some("add") => {
                    if !access.contains_key(id) {
                        access.insert(id.to_owned(), BTreeSet::new());
                        connected.push(id.to_owned());
                    }
                }
                Some(other) => {
                    let message = format!("There is no operation {other}, only delete");
                    return Err(Failure::invalid("OPERATION_INVALID", message));
                }
            }
        }
        *api = after;
        Ok(())
    })?;
    said(
        "API_APPLICATIONS_UPDATED",
        "API applications updated",
        json!({ "applications_connected": connected, "applications_disconnected": disconnected }),
    )
}

pub(super) fn add_application_scope(call: &Call<'_>) -> Answer {
    change_application_scope(call, |keys, key| keys.extend([key]))
}

pub(super) fn delete_application_scope(call: &Call<'_>) -> Answer {
    change_application_scope(call, |keys, key| keys.retain(|held| *held != key))
}

fn change_application_scope(call: &Call<'_>, change: impl FnOnce(&mut BTreeSet<String>, String)) -> Answer {
    let id = call.path("application_id");
    call.change(|directory| {
        let api = known(call, directory)?;
        let (audience, key) = (api.audience.clone(), known_scope(call, api)?.key.clone());
        let machines: BTreeSet<_> = directory.applications.keys().cloned().collect();
        let Some(api) = directory.apis.get_mut(&audience) else { return Ok(()) };
        if !api.admits(id) || !machines.contains(id) {
            let message = "The application is not authorized for the API";
            return Err(call.unknown("APPLICATION_NOT_FOUND", message));
        }
        if let Some(keys) = api.close(&machines).get_mut(id) {
            change(keys, key);
        }
        Ok(())
    })?;
    done()
}

fn change<R>(
    call: &Call<'_>,
    change: impl FnOnce(&mut ApiRecord) -> Result<R, Failure>,
) -> Result<R, Failure> {
    call.change(|directory| {
        let id = call.path("api_id");
        let api = directory.apis.values_mut().find(|api| api.id == id);
        change(api.ok_or_else(|| not_found(call))?)
    })
}

fn known<'a>(call: &Call<'_>, directory: &'a Directory) -> Result<&'a ApiRecord, Failure> {
    let id = call.path("api_id");
    directory.apis.values().find(|api| api.id == id).ok_or_else(|| not_found(call))
}

fn not_found(call: &Call<'_>) -> Failure {
    call.unknown("API_NOT_FOUND", "API not found")
}

fn known_scope<'a>(call: &Call<'_>, api: &'a ApiRecord) -> Result<&'a ApiScope, Failure> {
    let id = call.path("scope_id");
    let found = api.scopes.iter().find(|scope| scope.id == id);
    found.ok_or_else(|| call.unknown("SCOPE_NOT_FOUND", "Scope not found"))
}

fn described(api: &ApiRecord) -> Value {
    json!({
        "id": api.id,
        "name": api.name,
        "audience": api.audience,
        "is_management_api": api.is_management_api,
    })
}

fn brief_scopes(api: &ApiRecord) -> Value {
    api.scopes.iter().map(|scope| json!({ "id": scope.id, "key": scope.key })).collect::<Vec<_>>().into()
}

fn scope_described(scope: &ApiScope) -> Value {
    json!({ "id": scope.id, "key": scope.key, "description": scope.description })
}
