//! Events about permissions.

use serde_json::{Map, Value};

use super::object::{filled, object};

/// A permission was created.
#[derive(Clone, PartialEq)]
pub struct PermissionCreated {
    /// Which.
    pub permission: Permission,
    others: Map<String, Value>,
}

/// A permission changed.
#[derive(Clone, PartialEq)]
pub struct PermissionUpdated {
    /// The permission as it is now.
    pub permission: Permission,
    others: Map<String, Value>,
}

/// A permission was deleted.
#[derive(Clone, PartialEq)]
pub struct PermissionDeleted {
    /// Which.
    pub permission: PermissionReference,
    others: Map<String, Value>,
}

/// A permission of the environment, as Kinde tells of it when it is created or changed.
#[derive(Clone, PartialEq)]
pub struct Permission {
    id: String,
    key: Option<String>,
    name: Option<String>,
    description: Option<String>,
    others: Map<String, Value>,
}

impl Permission {
    /// Gives Kinde's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Gives the key, the word that tokens carry and code compares.
    pub fn key(&self) -> Option<&str> {
        filled(self.key.as_deref())
    }

    /// Gives the display name.
    pub fn name(&self) -> Option<&str> {
        filled(self.name.as_deref())
    }

    /// Gives the description.
    pub fn description(&self) -> Option<&str> {
        filled(self.description.as_deref())
    }
}

/// A permission of which only the id is told.
#[derive(Clone, PartialEq)]
pub struct PermissionReference {
    id: String,
    others: Map<String, Value>,
}

impl PermissionReference {
    /// Gives Kinde's id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

object!(PermissionCreated shows permission; permission: required);
object!(PermissionUpdated shows permission; permission: required);
object!(PermissionDeleted shows permission; permission: required);
object!(Permission shows id, key; id: id, key: text, name: text, description: text);
object!(PermissionReference shows id; id: id);
