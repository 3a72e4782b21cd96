//! A role of the environment.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    changes::store,
    directory::{Directory, Membership},
    identifiers,
    provider::{API, Provider},
};

/// A role of the environment, found or created by [`Environment::role`](crate::Environment::role).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let admin = kinde.role("admin");
/// admin.update(|details| details.name = "Administrator".to_owned());
/// admin.add_permission("create:todos");
/// kinde.person("alice").add_role("acme", "admin");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Role {
    provider: Arc<Provider>,
    key: String,
}

/// What an administrator may change about a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleDetails {
    /// The name people see.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether new members would get it. The emulator only tells webhooks so.
    pub is_default_role: bool,
}

impl Role {
    pub(crate) fn find_or_create(provider: &Arc<Provider>, key: &str) -> Self {
        provider.change(API, |directory| directory.find_or_create_role(key));
        Self { provider: Arc::clone(provider), key: key.to_owned() }
    }

    /// Returns the id, shaped as a UUID; the same for the same key in every environment.
    #[must_use]
    pub fn id(&self) -> String {
        identifiers::role_id(&self.key)
    }

    /// Returns the key, as in the claim `roles`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what the environment knows about the role; all of it empty once it was deleted.
    #[must_use]
    pub fn details(&self) -> RoleDetails {
        let directory = self.provider.directory.lock();
        directory.roles.get(&self.key).map(|known| known.details.clone()).unwrap_or_default()
    }

    /// Changes the role; webhooks are told `role.updated` if anything changed.
    pub fn update(&self, change: impl FnOnce(&mut RoleDetails)) {
        let before = self.details();
        let mut after = before.clone();
        change(&mut after);
        self.provider.change(API, |directory| {
            directory.update_role(&self.key, |role| {
                let stored = &mut role.details;
                store(&mut stored.name, &before.name, after.name);
                store(&mut stored.description, &before.description, after.description);
                store(&mut stored.is_default_role, &before.is_default_role, after.is_default_role);
            });
        });
    }

    /// Gives everybody with this role a permission, found or created by key.
    ///
    /// Webhooks are told `role.updated`, which does not list permissions: a guess.
    pub fn add_permission(&self, key: &str) {
        self.provider.change(API, |directory| directory.find_or_create_permission(key));
        self.change(|role| {
            if !role.permissions.iter().any(|held| held == key) {
                role.permissions.push(key.to_owned());
            }
        });
    }

    /// Takes a permission from the role.
    pub fn remove_permission(&self, key: &str) {
        self.change(|role| role.permissions.retain(|held| held != key));
    }

    /// Deletes the role and takes it from everybody; `false` when it was deleted before.
    pub fn delete(&self) -> bool {
        self.provider.change(API, |directory| directory.delete_role(&self.key))
    }

    fn change(&self, change: impl FnOnce(&mut RoleRecord)) {
        self.provider.change(API, |directory| directory.update_role(&self.key, change));
    }
}

/// A role as the environment stores it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RoleRecord {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) details: RoleDetails,
    /// By key.
    pub(crate) permissions: Vec<String>,
    /// Scopes of APIs, by id.
    pub(crate) scopes: Vec<String>,
}

impl RoleRecord {
    /// Makes up a role from its key.
    pub(crate) fn invent(key: &str) -> Self {
        Self {
            id: identifiers::role_id(key),
            key: key.to_owned(),
            details: RoleDetails {
                name: identifiers::display_name(key),
                description: String::new(),
                is_default_role: false,
            },
            permissions: Vec::new(),
            scopes: Vec::new(),
        }
    }

    /// Writes what webhooks are told.
    pub(crate) fn data(&self) -> Value {
        json!({ "role": {
            "description": self.details.description,
            "id": self.id,
            "is_default_role": self.details.is_default_role,
            "key": self.key,
            "name": self.details.name,
        } })
    }
}

impl Directory {
    /// Returns what a member may do: their own permissions, and those of their roles.
    pub(crate) fn permissions_of(&self, membership: &Membership) -> Vec<String> {
        let mut keys = membership.permissions.clone();
        let roles = membership.roles.iter().filter_map(|key| self.roles.get(key));
        for key in roles.flat_map(|role| &role.permissions) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }
}
