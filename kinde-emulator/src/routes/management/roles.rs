//! Roles, and the permissions and scopes that come with them.

use serde_json::{Value, json};

use crate::{
    api::ApiScope,
    directory::Directory,
    identifiers,
    role::{RoleDetails, RoleRecord},
};

use super::{
    answer::{Answer, done, or_null, said, success},
    call::{Call, text_of},
    failure::Failure,
    organizations::order,
    page, permissions,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let order = order(call, &["name_asc", "name_desc", "key_asc", "key_desc"])?;
    let directory = call.provider.directory.lock();
    let mut roles: Vec<_> = directory.roles.values().collect();
    if order.starts_with("name") {
        roles.sort_by(|a, b| (&a.details.name, &a.key).cmp(&(&b.details.name, &b.key)));
    }
    if order.ends_with("_desc") {
        roles.reverse();
    }
    let page = page::by_token(call, roles, order)?;
    let items: Vec<_> = page.items.into_iter().map(described).collect();
    success(json!({ "roles": items, "next_token": page.next_token }))
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    success(json!({ "role": described(of_path(call, &directory)?) }))
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    let (name, key) = (call.required("name")?, call.required("key")?);
    let description = call.text("description")?.unwrap_or_default();
    let is_default_role = call.boolean("is_default_role")?.unwrap_or_default();
    let id = call.change(|directory| {
        check_free(directory, key)?;
        let role = RoleRecord {
            id: fresh_id(directory, key),
            details: RoleDetails {
                name: name.to_owned(),
                description: description.to_owned(),
                is_default_role,
            },
            ..RoleRecord::invent(key)
        };
        let id = role.id.clone();
        directory.create_role(role);
        Ok::<_, Failure>(id)
    })?;
    said("ROLE_CREATED", "Role created", json!({ "role": { "id": id } }))
}

pub(super) fn update(call: &Call<'_>) -> Answer {
    // The specification has both required.
    let (name, new_key) = (call.required("name")?, call.required("key")?);
    let description = call.text("description")?;
    let is_default_role = call.boolean("is_default_role")?;
    call.change(|directory| {
        let key = of_path(call, directory)?.key.clone();
        if key != new_key {
            check_free(directory, new_key)?;
        }
        directory.rename_role(&key, new_key);
        directory.update_role(new_key, |role| {
            name.clone_into(&mut role.details.name);
            if let Some(description) = description {
                description.clone_into(&mut role.details.description);
            }
            let is_default = &mut role.details.is_default_role;
            *is_default = is_default_role.unwrap_or(*is_default);
        });
        Ok(())
    })?;
    done()
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    call.change(|directory| {
        let key = of_path(call, directory)?.key.clone();
        directory.delete_role(&key);
        Ok(())
    })?;
    done()
}

pub(super) fn permissions_of(call: &Call<'_>) -> Answer {
    let order = order(call, &["name_asc", "name_desc", "id_asc", "id_desc"])?;
    let directory = call.provider.directory.lock();
    let role = of_path(call, &directory)?;
    let held = role.permissions.iter().filter_map(|key| directory.permissions.get(key)).collect();
    permissions::page(call, held, order)
}

/// Adds permissions by id; `operation` is `delete` for those to take away.
pub(super) fn update_permissions(call: &Call<'_>) -> Answer {
    let items = call.objects("permissions")?;
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    call.change(|directory| {
        let key = of_path(call, directory)?.key.clone();
        let mut held = of_path(call, directory)?.permissions.clone();
        for item in items {
            let id = text_of(item, "id")?.unwrap_or_default();
            let permission = permissions::known(call, directory, id)?;
            let is_held = held.contains(&permission.key);
            match (text_of(item, "operation")?, is_held) {
                (Some("delete"), true) => {
                    held.retain(|key| *key != permission.key);
                    removed.push(id.to_owned());
                }
                (None | Some("add"), false) => {
                    held.push(permission.key.clone());
                    added.push(id.to_owned());
                }
                (None | Some("add" | "delete"), _) => {}
                (Some(other), _) => {
                    let message = format!("There is no operation {other}, only delete");
                    return Err(Failure::invalid("OPERATION_INVALID", message));
                }
            }
        }
        directory.update_role(&key, |role| role.permissions = held);
        Ok(())
    })?;
    success(json!({ "permissions_added": added, "permissions_removed": removed }))
}

pub(super) fn remove_permission(call: &Call<'_>) -> Answer {
    call.change(|directory| {
        let key = of_path(call, directory)?.key.clone();
        let permission = permissions::known(call, directory, call.path("permission_id"))?.key.clone();
        directory.update_role(&key, |role| role.permissions.retain(|held| *held != permission));
        Ok(())
    })?;
    done()
}

/// Lists who has a role, and in which organizations.
pub(super) fn users(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let key = &of_path(call, &directory)?.key;
    let holders: Vec<_> = directory
        .people
        .values()
        .filter_map(|person| {
            let held = person.memberships.iter().filter(|membership| membership.roles.contains(key));
            let codes: Vec<_> = held.map(|membership| membership.org_code.as_str()).collect();
            (!codes.is_empty()).then_some((person, codes))
        })
        .collect();
    let page = page::by_token(call, holders, "id_asc")?;
    let users = page.items.into_iter();
    let users = users.map(|(person, codes)| json!({ "id": person.id, "org_codes": codes }));
    success(json!({ "users": users.collect::<Vec<_>>(), "next_token": page.next_token }))
}

pub(super) fn scopes(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let held = &of_path(call, &directory)?.scopes;
    let scopes: Vec<_> = held.iter().filter_map(|id| scope_named(&directory, id)).collect();
    let scopes = scopes.iter().map(|(api_id, scope)| {
        json!({ "id": scope.id, "key": scope.key, "description": scope.description, "api_id": api_id })
    });
    success(json!({ "scopes": scopes.collect::<Vec<_>>() }))
}

pub(super) fn add_scope(call: &Call<'_>) -> Answer {
    let id = call.required("scope_id")?;
    call.change(|directory| {
        let key = of_path(call, directory)?.key.clone();
        if scope_named(directory, id).is_none() {
            return Err(call.unknown("SCOPE_NOT_FOUND", "Scope not found"));
        }
        directory.update_role(&key, |role| {
            if !role.scopes.iter().any(|held| held == id) {
                role.scopes.push(id.to_owned());
            }
        });
        Ok(())
    })?;
    said("ROLE_SCOPE_ADDED", "Scope added to role", json!({}))
}

pub(super) fn remove_scope(call: &Call<'_>) -> Answer {
    let id = call.path("scope_id");
    call.change(|directory| {
        let role = of_path(call, directory)?;
        if !role.scopes.iter().any(|held| held == id) {
            return Err(call.unknown("SCOPE_NOT_FOUND", "The role does not have the scope"));
        }
        let key = role.key.clone();
        directory.update_role(&key, |role| role.scopes.retain(|held| held != id));
        Ok(())
    })?;
    said("SCOPE_DELETED", "Scope deleted from role", json!({}))
}

/// Finds a role by id.
pub(super) fn known<'a>(
    call: &Call<'_>,
    directory: &'a Directory,
    id: &str,
) -> Result<&'a RoleRecord, Failure> {
    let found = directory.roles.values().find(|role| role.id == id);
    found.ok_or_else(|| call.unknown("ROLE_NOT_FOUND", "Role not found"))
}

fn of_path<'a>(call: &Call<'_>, directory: &'a Directory) -> Result<&'a RoleRecord, Failure> {
    known(call, directory, call.path("role_id"))
}

fn scope_named<'a>(directory: &'a Directory, id: &str) -> Option<(&'a str, &'a ApiScope)> {
    directory.apis.values().find_map(|api| {
        let scope = api.scopes.iter().find(|scope| scope.id == id)?;
        Some((api.id.as_str(), scope))
    })
}

fn described(role: &RoleRecord) -> Value {
    json!({
        "id": role.id,
        "key": role.key,
        "name": role.details.name,
        "description": or_null(&role.details.description),
        "is_default_role": role.details.is_default_role,
    })
}

fn check_free(directory: &Directory, key: &str) -> Result<(), Failure> {
    if directory.roles.contains_key(key) {
        return Err(Failure::invalid("ROLE_ALREADY_EXISTS", format!("The role key {key} is already in use")));
    }
    Ok(())
}

/// A role that was renamed keeps the id that follows from its first key.
fn fresh_id(directory: &Directory, key: &str) -> String {
    let id = identifiers::role_id(key);
    let is_taken = directory.roles.values().any(|role| role.id == id);
    if is_taken { identifiers::token_id() } else { id }
}
