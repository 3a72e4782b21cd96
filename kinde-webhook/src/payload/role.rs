//! Events about roles.

use serde_json::{Map, Value};

use super::object::{filled, object};

/// A role was created.
#[derive(Clone, PartialEq)]
pub struct RoleCreated {
    /// Which.
    pub role: Role,
    others: Map<String, Value>,
}

/// A role changed.
#[derive(Clone, PartialEq)]
pub struct RoleUpdated {
    /// The role as it is now.
    pub role: Role,
    others: Map<String, Value>,
}

/// A role was deleted.
#[derive(Clone, PartialEq)]
pub struct RoleDeleted {
    /// Which.
    pub role: RoleReference,
    others: Map<String, Value>,
}

/// A role of the environment, as Kinde tells of it when it is created or changed.
#[derive(Clone, PartialEq)]
pub struct Role {
    id: String,
    key: Option<String>,
    name: Option<String>,
    description: Option<String>,
    is_default_role: Option<bool>,
    others: Map<String, Value>,
}

impl Role {
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

    /// Tells whether it is a default role; `None` when the event does not say.
    pub fn is_default_role(&self) -> Option<bool> {
        self.is_default_role
    }
}

/// A role of which only the id is told.
#[derive(Clone, PartialEq)]
pub struct RoleReference {
    id: String,
    others: Map<String, Value>,
}

impl RoleReference {
    /// Gives Kinde's id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

object!(RoleCreated shows role; role: required);
object!(RoleUpdated shows role; role: required);
object!(RoleDeleted shows role; role: required);
object!(Role shows id, key; id: id, key: text, name: text, description: text, is_default_role: flag);
object!(RoleReference shows id; id: id);
