//! Events about organizations.

use serde_json::{Map, Value};

use super::object::{filled, object};

/// An organization was created.
#[derive(Clone, PartialEq)]
pub struct OrganizationCreated {
    /// Which.
    pub organization: Organization,
    others: Map<String, Value>,
}

/// An organization changed.
#[derive(Clone, PartialEq)]
pub struct OrganizationUpdated {
    /// The organization as it is now.
    pub organization: Organization,
    others: Map<String, Value>,
}

/// An organization was deleted.
#[derive(Clone, PartialEq)]
pub struct OrganizationDeleted {
    /// Which.
    pub organization: OrganizationReference,
    others: Map<String, Value>,
}

/// An organization, as Kinde tells of it when it is created or changed.
#[derive(Clone, PartialEq)]
pub struct Organization {
    code: String,
    name: Option<String>,
    handle: Option<String>,
    external_id: Option<String>,
    is_allow_registrations: Option<bool>,
    others: Map<String, Value>,
}

impl Organization {
    /// Gives the org code, such as `org_7d21…`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Gives the display name.
    pub fn name(&self) -> Option<&str> {
        filled(self.name.as_deref())
    }

    /// Gives the handle.
    pub fn handle(&self) -> Option<&str> {
        filled(self.handle.as_deref())
    }

    /// Gives your own id of the organization.
    pub fn external_id(&self) -> Option<&str> {
        filled(self.external_id.as_deref())
    }

    /// Tells whether people may register themselves; `None` when the event does not say, as at the creation.
    pub fn is_allow_registrations(&self) -> Option<bool> {
        self.is_allow_registrations
    }
}

/// An organization of which only the org code is told.
#[derive(Clone, PartialEq)]
pub struct OrganizationReference {
    code: String,
    others: Map<String, Value>,
}

impl OrganizationReference {
    /// Gives the org code, such as `org_7d21…`.
    pub fn code(&self) -> &str {
        &self.code
    }
}

object!(OrganizationCreated shows organization; organization: required);
object!(OrganizationUpdated shows organization; organization: required);
object!(OrganizationDeleted shows organization; organization: required);
object!(
    Organization shows code;
    code: id,
    name: text,
    handle: text,
    external_id: optional_id,
    is_allow_registrations: flag,
);
object!(OrganizationReference shows code; code: id);
