//! Permissions.

use serde_json::{Value, json};

use crate::{
    directory::Directory,
    identifiers,
    permission::{PermissionDetails, PermissionRecord},
};

use super::{
    answer::{Answer, done, success},
    call::Call,
    failure::Failure,
    organizations::order,
    page,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let order = order(call, &["name_asc", "name_desc", "id_asc", "id_desc"])?;
    let directory = call.provider.directory.lock();
    page(call, directory.permissions.values().collect(), order)
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    let (name, key) = (call.required("name")?, call.required("key")?);
    let description = call.text("description")?.unwrap_or_default();
    call.change(|directory| {
        check_free(directory, key)?;
        let is_taken =
            directory.permissions.values().any(|known| known.id == identifiers::permission_id(key));
        let id = if is_taken { identifiers::token_id() } else { identifiers::permission_id(key) };
        let details = PermissionDetails { name: name.to_owned(), description: description.to_owned() };
        directory.create_permission(PermissionRecord { id, key: key.to_owned(), details });
        Ok::<_, Failure>(())
    })?;
    // The specification's answer does not tell the id.
    done()
}

pub(super) fn update(call: &Call<'_>) -> Answer {
    let (name, description, new_key) = (call.text("name")?, call.text("description")?, call.text("key")?);
    if [name, new_key].into_iter().flatten().any(|text| text.trim().is_empty()) {
        return Err(Failure::invalid("NAME_REQUIRED", "A permission has a name and a key"));
    }
    call.change(|directory| {
        let key = of_path(call, directory)?.key.clone();
        let new_key = new_key.unwrap_or(&key);
        if key != new_key {
            check_free(directory, new_key)?;
        }
        directory.rename_permission(&key, new_key);
        directory.update_permission(new_key, |permission| {
            let details = &mut permission.details;
            for (place, text) in [(&mut details.name, name), (&mut details.description, description)] {
                if let Some(text) = text {
                    text.clone_into(place);
                }
            }
        });
        Ok(())
    })?;
    done()
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    call.change(|directory| {
        let key = of_path(call, directory)?.key.clone();
        directory.delete_permission(&key);
        Ok(())
    })?;
    done()
}

/// Finds a permission by id.
pub(super) fn known<'a>(
    call: &Call<'_>,
    directory: &'a Directory,
    id: &str,
) -> Result<&'a PermissionRecord, Failure> {
    let found = directory.permissions.values().find(|permission| permission.id == id);
    found.ok_or_else(|| call.unknown("PERMISSION_NOT_FOUND", "Permission not found"))
}

/// Answers with a page of permissions.
pub(super) fn page(call: &Call<'_>, mut held: Vec<&PermissionRecord>, order: &str) -> Answer {
    if order.starts_with("name") {
        held.sort_by(|a, b| (&a.details.name, &a.key).cmp(&(&b.details.name, &b.key)));
    } else {
        held.sort_by(|a, b| a.id.cmp(&b.id));
    }
    if order.ends_with("_desc") {
        held.reverse();
    }
    let page = page::by_token(call, held, order)?;
    let items: Vec<_> = page.items.into_iter().map(described).collect();
    success(json!({ "permissions": items, "next_token": page.next_token }))
}

pub(super) fn described(permission: &PermissionRecord) -> Value {
    json!({
        "id": permission.id,
        "key": permission.key,
        "name": permission.details.name,
        "description": permission.details.description,
    })
}

fn of_path<'a>(call: &Call<'_>, directory: &'a Directory) -> Result<&'a PermissionRecord, Failure> {
    known(call, directory, call.path("permission_id"))
}

fn check_free(directory: &Directory, key: &str) -> Result<(), Failure> {
    if directory.permissions.contains_key(key) {
        let message = format!("The permission key {key} is already in use");
        return Err(Failure::invalid("PERMISSION_ALREADY_EXISTS", message));
    }
    Ok(())
}
