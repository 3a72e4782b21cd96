//! Roles and permissions of the environment.

use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{permission::Permission, role::Role};

use super::{Details, Operation, Shared, done_or_unknown, people::take};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::ask("roles", roles),
        Operation::act("update_role", update_role),
        Operation::act("delete_role", delete_role),
        Operation::ask("permissions", permissions),
        Operation::act("update_permission", update_permission),
        Operation::act("delete_permission", delete_permission),
    ]
}

async fn roles(State(provider): Shared) -> Json<Value> {
    let directory = provider.directory.lock();
    let described = directory.roles.values().map(|role| {
        json!({ "id": role.id, "key": role.key, "name": role.details.name, "permissions": role.permissions })
    });
    Json(json!({ "roles": described.collect::<Vec<_>>() }))
}

/// What to change; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleChanges {
    role: String,
    name: Option<String>,
    description: Option<String>,
    is_default_role: Option<bool>,
    /// All of them.
    permissions: Option<Vec<String>>,
}

async fn update_role(State(provider): Shared, Details(changes): Details<RoleChanges>) -> Json<Value> {
    let role = Role::find_or_create(&provider, &changes.role);
    role.update(|details| {
        take(&mut details.name, changes.name);
        take(&mut details.description, changes.description);
        take(&mut details.is_default_role, changes.is_default_role);
    });
    if let Some(wanted) = changes.permissions {
        let directory = provider.directory.lock();
        let held = directory.roles.get(role.key()).map(|known| known.permissions.clone()).unwrap_or_default();
        drop(directory);
        held.iter().filter(|key| !wanted.contains(key)).for_each(|key| role.remove_permission(key));
        wanted.iter().filter(|key| !held.contains(key)).for_each(|key| role.add_permission(key));
    }
    Json(json!({ "id": role.id() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedRole {
    role: String,
}

async fn delete_role(State(provider): Shared, Details(asked): Details<NamedRole>) -> Response {
    let is_known = provider.directory.lock().roles.contains_key(&asked.role);
    let is_deleted = is_known && Role::find_or_create(&provider, &asked.role).delete();
    done_or_unknown(is_deleted, "role", &asked.role)
}

async fn permissions(State(provider): Shared) -> Json<Value> {
    let directory = provider.directory.lock();
    let described = directory.permissions.values().map(
        |permission| json!({ "id": permission.id, "key": permission.key, "name": permission.details.name }),
    );
    Json(json!({ "permissions": described.collect::<Vec<_>>() }))
}

/// What to change; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionChanges {
    permission: String,
    name: Option<String>,
    description: Option<String>,
}

async fn update_permission(
    State(provider): Shared,
    Details(changes): Details<PermissionChanges>,
) -> Json<Value> {
    let permission = Permission::find_or_create(&provider, &changes.permission);
    permission.update(|details| {
        take(&mut details.name, changes.name);
        take(&mut details.description, changes.description);
    });
    Json(json!({ "id": permission.id() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedPermission {
    permission: String,
}

async fn delete_permission(State(provider): Shared, Details(asked): Details<NamedPermission>) -> Response {
    let is_known = provider.directory.lock().permissions.contains_key(&asked.permission);
    let is_deleted = is_known && Permission::find_or_create(&provider, &asked.permission).delete();
    done_or_unknown(is_deleted, "permission", &asked.permission)
}
