//! Members of organizations, and what they may do there.

use serde_json::{Map, Value, json};

use crate::directory::{Directory, Membership, PersonRecord};

use super::{
    answer::{Answer, done, or_null, said, success},
    call::{Call, text_of, texts_of},
    failure::Failure,
    moment, organizations, page, permissions, roles, users,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let code = call.path("org_code");
    let directory = call.provider.directory.lock();
    organizations::known(call, &directory, code)?;
    let order = organizations::order(call, &["name_asc", "name_desc", "email_asc", "email_desc"])?;
    let (roles, permissions) = (call.query_list("roles"), call.query_list("permissions"));
    let mut members: Vec<_> = directory
        .people
        .values()
        .filter_map(|person| Some((person, person.membership(code)?)))
        .filter(|(_, membership)| {
            let may = directory.permissions_of(membership);
            roles.iter().all(|key| membership.roles.iter().any(|held| held == key))
                && permissions.iter().all(|key| may.iter().any(|held| held == key))
        })
        .collect();
    members.sort_by_key(|(person, _)| {
        let name = if order.starts_with("name") { person.full_name() } else { person.email.clone() };
        (name, person.id.clone())
    });
    if order.ends_with("_desc") {
        members.reverse();
    }
    let page = page::by_token(call, members, order)?;
    let items = page.items.into_iter().map(|(person, held)| described(&directory, person, held));
    success(json!({ "organization_users": items.collect::<Vec<_>>(), "next_token": page.next_token }))
}

/// Adds users, with roles and permissions by key.
pub(super) fn add(call: &Call<'_>) -> Answer {
    let added = change_many(call, |_| Ok(Change::Store))?;
    said("USERS_ADDED", "Users successfully added", json!({ "users_added": added.added }))
}

/// Adds, changes and removes users; `operation` is `delete` for those to remove.
pub(super) fn update(call: &Call<'_>) -> Answer {
    let changed = change_many(call, |user| match text_of(user, "operation")? {
        Some("delete") => Ok(Change::Remove),
        None | Some("add" | "update") => Ok(Change::Store),
        Some(other) => {
            Err(Failure::invalid("OPERATION_INVALID", format!("There is no operation {other}, only delete")))
        }
    })?;
    success(json!({
        "users_added": changed.added,
        "users_updated": changed.updated,
        "users_removed": changed.removed,
    }))
}

pub(super) fn remove(call: &Call<'_>) -> Answer {
    let (code, id, now) = (call.path("org_code"), call.path("user_id"), call.now());
    call.change(|directory| {
        member(call, directory)?;
        leave(directory, id, code, now);
        Ok(())
    })?;
    done()
}

pub(super) fn roles_of(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let (_, membership) = member(call, &directory)?;
    let held = membership.roles.iter().map(|key| {
        let name = directory.roles.get(key).map_or(key, |role| &role.details.name);
        json!({ "id": directory.role_id(key), "key": key, "name": name })
    });
    success(json!({ "roles": held.collect::<Vec<_>>(), "next_token": null }))
}

pub(super) fn add_role(call: &Call<'_>) -> Answer {
    let id = call.required("role_id")?;
    change_one(call, |directory| {
        let key = roles::known(call, directory, id)?.key.clone();
        Ok(move |membership: &mut Membership| add_missing(&mut membership.roles, key))
    })
}

pub(super) fn remove_role(call: &Call<'_>) -> Answer {
    let id = call.path("role_id");
    change_one(call, |directory| {
        let key = roles::known(call, directory, id)?.key.clone();
        Ok(move |membership: &mut Membership| membership.roles.retain(|held| *held != key))
    })
}

pub(super) fn permissions_of(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let (_, membership) = member(call, &directory)?;
    let with_roles = call.query_list("expand").contains(&"roles");
    let held = directory.permissions_of(membership);
    let items = held.iter().map(|key| {
        let mut permission = match directory.permissions.get(key) {
            Some(known) => permissions::described(known),
            None => json!({ "id": directory.permission_id(key), "key": key }),
        };
        if with_roles && let Some(members) = permission.as_object_mut() {
            let giving = membership.roles.iter().filter_map(|role| directory.roles.get(role));
            let giving = giving.filter(|role| role.permissions.contains(key));
            let roles: Vec<_> = giving.map(|role| json!({ "id": role.id, "key": role.key })).collect();
            members.insert("roles".to_owned(), roles.into());
        }
        permission
    });
    success(json!({ "permissions": items.collect::<Vec<_>>() }))
}

pub(super) fn add_permission(call: &Call<'_>) -> Answer {
    let id = call.required("permission_id")?;
    change_one(call, |directory| {
        let key = permissions::known(call, directory, id)?.key.clone();
        Ok(move |membership: &mut Membership| add_missing(&mut membership.permissions, key))
    })
}

pub(super) fn remove_permission(call: &Call<'_>) -> Answer {
    let id = call.path("permission_id");
    change_one(call, |directory| {
        let key = permissions::known(call, directory, id)?.key.clone();
        Ok(move |membership: &mut Membership| membership.permissions.retain(|held| *held != key))
    })
}

/// Lists who has a role in an organization.
pub(super) fn with_role(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let page = page::by_token(call, holders(call, &directory)?, "id_asc")?;
    let users: Vec<_> = page.items.into_iter().map(|id| json!({ "id": id })).collect();
    success(json!({ "users": users, "next_token": page.next_token }))
}

pub(super) fn count_with_role(call: &Call<'_>) -> Answer {
    let count = holders(call, &call.provider.directory.lock())?.len();
    success(json!({ "count": count }))
}

fn holders<'a>(call: &Call<'_>, directory: &'a Directory) -> Result<Vec<&'a str>, Failure> {
    let code = call.path("org_code");
    organizations::known(call, directory, code)?;
    let key = &roles::known(call, directory, call.path("role_id"))?.key;
    let has_role = |person: &&PersonRecord| {
        person.membership(code).is_some_and(|membership| membership.roles.contains(key))
    };
    Ok(directory.people.values().filter(has_role).map(|person| person.id.as_str()).collect())
}

fn described(directory: &Directory, person: &PersonRecord, membership: &Membership) -> Value {
    json!({
        "id": person.id,
        "email": or_null(&person.email),
        "full_name": person.full_name(),
        "last_name": or_null(&person.family_name),
        "first_name": or_null(&person.given_name),
        "picture": or_null(&person.picture),
        "joined_on": moment::written(membership.joined_at),
        "last_accessed_on": directory.sign_in_count(&person.id).last.map(moment::written),
        "is_suspended": person.is_suspended,
        "roles": membership.roles,
    })
}

/// Finds the member that the path names.
fn member<'a>(
    call: &Call<'_>,
    directory: &'a Directory,
) -> Result<(&'a PersonRecord, &'a Membership), Failure> {
    let (code, id) = (call.path("org_code"), call.path("user_id"));
    organizations::known(call, directory, code)?;
    let person = users::known(call, directory, id)?;
    let membership = person.membership(code).ok_or_else(|| {
        call.unknown("USER_NOT_IN_ORGANIZATION", format!("The user is not a member of {code}"))
    })?;
    Ok((person, membership))
}

fn change_one<C: FnOnce(&mut Membership)>(
    call: &Call<'_>,
    prepare: impl FnOnce(&Directory) -> Result<C, Failure>,
) -> Answer {
    let (code, id, now) = (call.path("org_code"), call.path("user_id"), call.now());
    call.change(|directory| {
        member(call, directory)?;
        let change = prepare(directory)?;
        directory.update_membership(id, code, now, change);
        Ok(())
    })?;
    done()
}

/// What to do with one user of a list.
enum Change {
    Store,
    Remove,
}

/// What was done with the users of a list, by id.
#[derive(Default)]
struct Changed {
    added: Vec<String>,
    updated: Vec<String>,
    removed: Vec<String>,
}

/// One user of a list, checked.
struct Wanted {
    id: String,
    change: Change,
    roles: Option<Vec<String>>,
    permissions: Option<Vec<String>>,
}

/// Changes every user of a list, or none when one of them cannot be changed.
fn change_many(
    call: &Call<'_>,
    operation: impl Fn(&Map<String, Value>) -> Result<Change, Failure>,
) -> Result<Changed, Failure> {
    let code = call.path("org_code");
    let users = call.objects("users")?;
    let now = call.now();
    call.change(|directory| {
        organizations::known(call, directory, code)?;
        let wanted = users.iter().map(|user| wanted(call, directory, user, operation(user)?));
        let wanted = wanted.collect::<Result<Vec<_>, Failure>>()?;
        let mut changed = Changed::default();
        for Wanted { id, change, roles, permissions } in wanted {
            let is_member = directory.people.get(&id).is_some_and(|known| known.membership(code).is_some());
            if matches!(change, Change::Remove) {
                if is_member {
                    leave(directory, &id, code, now);
                    changed.removed.push(id);
                }
                continue;
            }
            directory.update_membership(&id, code, now, |membership| {
                if let Some(roles) = roles {
                    membership.roles = roles;
                }
                if let Some(permissions) = permissions {
                    membership.permissions = permissions;
                }
            });
            if is_member { changed.updated.push(id) } else { changed.added.push(id) }
        }
        Ok(changed)
    })
}

fn wanted(
    call: &Call<'_>,
    directory: &Directory,
    user: &Map<String, Value>,
    change: Change,
) -> Result<Wanted, Failure> {
    let id = text_of(user, "id")?.unwrap_or_default();
    users::known(call, directory, id)?;
    let roles = texts_of(user, "roles")?;
    if let Some(key) = roles.iter().flatten().find(|key| !directory.roles.contains_key(*key)) {
        return Err(call.unknown("ROLE_NOT_FOUND", format!("There is no role with the key {key}")));
    }
    let permissions = texts_of(user, "permissions")?;
    if let Some(key) = permissions.iter().flatten().find(|key| !directory.permissions.contains_key(*key)) {
        let message = format!("There is no permission with the key {key}");
        return Err(call.unknown("PERMISSION_NOT_FOUND", message));
    }
    Ok(Wanted { id: id.to_owned(), change, roles, permissions })
}

fn leave(directory: &mut Directory, id: &str, code: &str, now: u64) {
    directory.update_person(id, now, |person| {
        person.memberships.retain(|membership| membership.org_code != code);
    });
}

fn add_missing(held: &mut Vec<String>, key: String) {
    if !held.contains(&key) {
        held.push(key);
    }
}
