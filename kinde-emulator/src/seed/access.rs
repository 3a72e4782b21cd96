//! Roles and permissions of a seed.

use serde::Deserialize;

use crate::{directory::Directory, permission::PermissionRecord, role::RoleRecord};

/// A role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedRole {
    key: String,
    name: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    is_default: bool,
    #[serde(default)]
    permissions: Vec<String>,
}

impl SeedRole {
    pub(super) fn plant(&self, directory: &mut Directory) {
        directory.know(&[], &self.permissions);
        let mut role = RoleRecord::invent(&self.key);
        if let Some(name) = &self.name {
            role.details.name.clone_from(name);
        }
        role.details.description.clone_from(&self.description);
        role.details.is_default_role = self.is_default;
        role.permissions.clone_from(&self.permissions);
        directory.roles.insert(self.key.clone(), role);
    }
}

/// A permission.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedPermission {
    key: String,
    name: Option<String>,
    #[serde(default)]
    description: String,
}

impl SeedPermission {
    pub(super) fn plant(&self, directory: &mut Directory) {
        let mut permission = PermissionRecord::invent(&self.key);
        if let Some(name) = &self.name {
            permission.details.name.clone_from(name);
        }
        permission.details.description.clone_from(&self.description);
        directory.permissions.insert(self.key.clone(), permission);
    }
}
