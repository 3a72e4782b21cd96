//! A property of the environment, of which people or organizations have values.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    changes::store,
    directory::Directory,
    identifiers,
    organization::Organization,
    person::Person,
    provider::{API, Provider},
};

/// A property of the environment, found or created by [`Environment::property`](crate::Environment::property).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let shift = kinde.property("shift");
/// shift.update(|details| details.name = "Shift at work".to_owned());
/// kinde.person("alice").set_property("shift", "night");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Property {
    provider: Arc<Provider>,
    key: String,
}

/// What an administrator may change about a property.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PropertyDetails {
    /// The name people see.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Who has values of it.
    pub context: PropertyContext,
    /// Whether tokens and the Account API keep quiet about it.
    pub is_private: bool,
}

/// Who has values of a property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PropertyContext {
    /// People.
    #[default]
    Person,
    /// Organizations.
    Organization,
    /// Applications, whose values the Management API sets.
    Application,
}

impl Property {
    pub(crate) fn find_or_create(provider: &Arc<Provider>, key: &str) -> Self {
        provider.change(API, |directory| directory.know_property(key, PropertyContext::of_key(key)));
        Self { provider: Arc::clone(provider), key: key.to_owned() }
    }

    /// Returns the id (`prop_` and 32 hexadecimal digits), the same for the same key in every environment.
    #[must_use]
    pub fn id(&self) -> String {
        identifiers::property_id(&self.key)
    }

    /// Returns the key, as in the claim `user_properties`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what the environment knows about the property; all of it empty once it was deleted.
    #[must_use]
    pub fn details(&self) -> PropertyDetails {
        let directory = self.provider.directory.lock();
        directory.properties.get(&self.key).map(|known| known.details.clone()).unwrap_or_default()
    }

    /// Changes the property. Kinde has no event for it.
    pub fn update(&self, change: impl FnOnce(&mut PropertyDetails)) {
        let before = self.details();
        let mut after = before.clone();
        change(&mut after);
        self.provider.change(API, |directory| {
            if let Some(property) = directory.properties.get_mut(&self.key) {
                let stored = &mut property.details;
                store(&mut stored.name, &before.name, after.name);
                store(&mut stored.description, &before.description, after.description);
                store(&mut stored.context, &before.context, after.context);
                store(&mut stored.is_private, &before.is_private, after.is_private);
            }
        });
    }

    /// Deletes the property and every value of it; `false` when it was deleted before.
    pub fn delete(&self) -> bool {
        self.provider.change(API, |directory| directory.delete_property(&self.key))
    }
}

impl PropertyContext {
    /// Returns what a key in the manner of Kinde's own says about who has values.
    pub(crate) fn of_key(key: &str) -> Self {
        if key.starts_with("kp_org_") {
            Self::Organization
        } else if key.starts_with("kp_app_") {
            Self::Application
        } else {
            Self::Person
        }
    }
}

impl Organization {
    /// Sets a property of the organization, found or created by key. Null makes it unset.
    pub fn set_property(&self, key: &str, value: impl Into<Value>) {
        self.know_property(key);
        self.change(|organization| drop(organization.properties.insert(key.to_owned(), value.into())));
    }

    fn know_property(&self, key: &str) {
        self.provider().change(API, |directory| directory.know_property(key, PropertyContext::Organization));
    }
}

impl Person {
    /// Sets a property of the person, found or created by key; webhooks are told `user.updated`. Null makes it unset.
    pub fn set_property(&self, key: &str, value: impl Into<Value>) {
        self.provider().change(API, |directory| directory.know_property(key, PropertyContext::Person));
        self.change_record(|person| drop(person.properties.insert(key.to_owned(), value.into())));
    }
}

/// A property as the environment stores it. Its values are stored with whom they belong to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PropertyRecord {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) details: PropertyDetails,
}

/// A category that the Management API sorts properties into.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CategoryRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) context: PropertyContext,
}

impl PropertyRecord {
    /// Makes up a property from its key.
    pub(crate) fn invent(key: &str, context: PropertyContext) -> Self {
        let details =
            PropertyDetails { name: identifiers::display_name(key), context, ..PropertyDetails::default() };
        Self { id: identifiers::property_id(key), key: key.to_owned(), details }
    }
}

impl Directory {
    /// Makes up the property if it is not there yet.
    pub(crate) fn know_property(&mut self, key: &str, context: PropertyContext) {
        self.properties.entry(key.to_owned()).or_insert_with(|| PropertyRecord::invent(key, context));
    }

    pub(crate) fn delete_property(&mut self, key: &str) -> bool {
        for organization in self.organizations.values_mut() {
            organization.properties.remove(key);
        }
        for person in self.people.values_mut() {
            person.properties.remove(key);
        }
        for application in self.applications.values_mut() {
            application.properties.remove(key);
        }
        self.properties.remove(key).is_some()
    }

    /// Tells whether tokens and the Account API keep quiet about a property.
    pub(crate) fn is_private_property(&self, key: &str) -> bool {
        self.properties.get(key).is_some_and(|property| property.details.is_private)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn deleted_property_leaves_everybody() {
        let mut directory = Directory::default();
        directory.know_property("kp_org_city", PropertyContext::of_key("kp_org_city"));
        assert_eq!(directory.properties["kp_org_city"].details.context, PropertyContext::Organization);
        let acme = directory.find_or_create_organization("acme");
        directory.update_organization(&acme, |acme| {
            acme.properties.insert("kp_org_city".to_owned(), json!("Ghent"));
        });
        assert!(directory.delete_property("kp_org_city"));
        assert!(directory.organizations[&acme].properties.is_empty());
    }
}
