//! A permission of the environment.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    changes::store,
    directory::Directory,
    identifiers,
    provider::{API, Provider},
};

/// A permission of the environment, found or created by [`Environment::permission`](crate::Environment::permission).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let create = kinde.permission("create:todos");
/// create.update(|details| details.description = "Write new todos".to_owned());
/// kinde.person("alice").add_permission("acme", create.key());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Permission {
    provider: Arc<Provider>,
    key: String,
}

/// What an administrator may change about a permission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PermissionDetails {
    /// The name people see.
    pub name: String,
    /// What it allows; may be empty.
    pub description: String,
}

impl Permission {
    pub(crate) fn find_or_create(provider: &Arc<Provider>, key: &str) -> Self {
        provider.change(API, |directory| directory.find_or_create_permission(key));
        Self { provider: Arc::clone(provider), key: key.to_owned() }
    }

    /// Returns the id, shaped as a UUID; the same for the same key in every environment.
    #[must_use]
    pub fn id(&self) -> String {
        identifiers::permission_id(&self.key)
    }

    /// Returns the key, as in the claim `permissions`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what the environment knows about the permission; all of it empty once it was deleted.
    #[must_use]
    pub fn details(&self) -> PermissionDetails {
        let directory = self.provider.directory.lock();
        directory.permissions.get(&self.key).map(|known| known.details.clone()).unwrap_or_default()
    }

    /// Changes the permission; webhooks are told `permission.updated` if anything changed.
    pub fn update(&self, change: impl FnOnce(&mut PermissionDetails)) {
        let before = self.details();
        let mut after = before.clone();
        change(&mut after);
        self.provider.change(API, |directory| {
            directory.update_permission(&self.key, |permission| {
                let stored = &mut permission.details;
                store(&mut stored.name, &before.name, after.name);
                store(&mut stored.description, &before.description, after.description);
            });
        });
    }

    /// Deletes the permission and takes it from everybody and every role; `false` when it was deleted before.
    pub fn delete(&self) -> bool {
        self.provider.change(API, |directory| directory.delete_permission(&self.key))
    }
}

/// A permission as the environment stores it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PermissionRecord {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) details: PermissionDetails,
}

impl PermissionRecord {
    /// Makes up a permission from its key: `create:todos` is called `Create todos`.
    pub(crate) fn invent(key: &str) -> Self {
        let mut name = key.replace([':', '_', '-', '.'], " ");
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let details = PermissionDetails { name, description: String::new() };
        Self { id: identifiers::permission_id(key), key: key.to_owned(), details }
    }

    /// Writes what webhooks are told.
    pub(crate) fn data(&self) -> Value {
        json!({ "permission": {
            "description": self.details.description,
            "id": self.id,
            "key": self.key,
            "name": self.details.name,
        } })
    }
}

impl Directory {
    /// Returns these permissions and those that come with these roles, by key and each once.
    pub(crate) fn held(&self, permissions: &[String], roles: &[String]) -> Vec<String> {
        let of_roles = roles.iter().filter_map(|key| self.roles.get(key)).flat_map(|role| &role.permissions);
        let mut held = Vec::new();
        for key in permissions.iter().chain(of_roles) {
            if !held.contains(key) {
                held.push(key.clone());
            }
        }
        held
    }
}
