//! A feature flag of the environment, and what overrides it.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    changes::store,
    directory::{Directory, OrganizationRecord, PersonRecord},
    identifiers,
    organization::Organization,
    person::Person,
    provider::{API, Provider},
};

/// A feature flag of the environment, found or created by [`Environment::flag`](crate::Environment::flag).
///
/// Everybody has it: with its default value, or with what overrides that for the environment, an organization or a
/// person, of which the nearest to the person counts.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let seats = kinde.flag("seat_cap");
/// seats.update(|details| {
///     details.name = "Seats".to_owned();
///     details.set_default_value(25);
/// });
/// kinde.org("acme").set_flag("seat_cap", 50);
/// kinde.person("alice").set_flag("seat_cap", 5);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FeatureFlag {
    provider: Arc<Provider>,
    key: String,
}

/// What an administrator may change about a feature flag.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FeatureFlagDetails {
    /// The name people see.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What kind of values it has.
    pub flag_type: FeatureFlagType,
    /// The value where nothing overrides it.
    pub default_value: Value,
    /// The nearest to a person that it may be overridden. The emulator keeps nobody from overriding it nearer.
    pub override_level: FeatureFlagLevel,
}

/// What kind of values a feature flag has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeatureFlagType {
    /// `true` or `false`; `b` in a token.
    #[default]
    Boolean,
    /// A whole number; `i` in a token.
    Integer,
    /// Text; `s` in a token.
    String,
    /// Any JSON; `j` in a token.
    Json,
}

/// Who a feature flag may be overridden for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FeatureFlagLevel {
    /// The whole environment.
    Environment,
    /// An organization.
    Organization,
    /// A person.
    #[default]
    Person,
}

impl FeatureFlag {
    pub(crate) fn find_or_create(provider: &Arc<Provider>, key: &str) -> Self {
        provider.change(API, |directory| directory.know_flag(key, Value::Bool(false)));
        Self { provider: Arc::clone(provider), key: key.to_owned() }
    }

    /// Returns the id (`flag_` and 32 hexadecimal digits), the same for the same key in every environment.
    #[must_use]
    pub fn id(&self) -> String {
        identifiers::flag_id(&self.key)
    }

    /// Returns the key, as in the claim `feature_flags`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what the environment knows about the flag; a boolean without a name once it was deleted.
    #[must_use]
    pub fn details(&self) -> FeatureFlagDetails {
        let directory = self.provider.directory.lock();
        directory.flags.get(&self.key).map(|known| known.details.clone()).unwrap_or_default()
    }

    /// Changes the flag. Kinde has no event for it.
    pub fn update(&self, change: impl FnOnce(&mut FeatureFlagDetails)) {
        let before = self.details();
        let mut after = before.clone();
        change(&mut after);
        self.change(|flag| {
            let stored = &mut flag.details;
            store(&mut stored.name, &before.name, after.name);
            store(&mut stored.description, &before.description, after.description);
            store(&mut stored.flag_type, &before.flag_type, after.flag_type);
            store(&mut stored.default_value, &before.default_value, after.default_value);
            store(&mut stored.override_level, &before.override_level, after.override_level);
        });
    }

    /// Overrides the default value in the whole environment.
    pub fn set(&self, value: impl Into<Value>) {
        self.change(|flag| flag.environment_value = Some(value.into()));
    }

    /// Ends what [`set`](Self::set) began.
    pub fn unset(&self) {
        self.change(|flag| flag.environment_value = None);
    }

    /// Deletes the flag and everything that overrides it; `false` when it was deleted before.
    pub fn delete(&self) -> bool {
        self.provider.change(API, |directory| directory.delete_flag(&self.key))
    }

    fn change(&self, change: impl FnOnce(&mut FlagRecord)) {
        self.provider.change(API, |directory| directory.flags.get_mut(&self.key).map(change));
    }
}

impl FeatureFlagDetails {
    /// Sets the default value, and the type that it is of.
    pub fn set_default_value(&mut self, value: impl Into<Value>) {
        self.default_value = value.into();
        self.flag_type = FeatureFlagType::of(&self.default_value);
    }
}

impl Default for FeatureFlagDetails {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            flag_type: FeatureFlagType::default(),
            default_value: Value::Bool(false),
            override_level: FeatureFlagLevel::default(),
        }
    }
}

impl FeatureFlagType {
    /// Returns the type a value is of.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_i64() || number.is_u64() => Self::Integer,
            Value::String(_) => Self::String,
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => Self::Json,
        }
    }

    /// Returns the type a value of a flag is shown with: a flag of type JSON may have any, and of any other type the
    /// value tells, because a token under test may say what it likes.
    pub(crate) fn of_value(value: &Value, flag: Option<&FlagRecord>) -> Self {
        let defined = flag.map(|flag| flag.details.flag_type);
        if defined == Some(Self::Json) { Self::Json } else { Self::of(value) }
    }

    /// Returns the letter that tokens have.
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Self::Boolean => "b",
            Self::Integer => "i",
            Self::String => "s",
            Self::Json => "j",
        }
    }
}

impl Organization {
    /// Overrides a feature flag for the organization, whether or not the environment has it.
    pub fn set_flag(&self, key: &str, value: impl Into<Value>) {
        self.change(|organization| drop(organization.flags.insert(key.to_owned(), value.into())));
    }

    /// Ends what [`set_flag`](Self::set_flag) began.
    pub fn unset_flag(&self, key: &str) {
        self.change(|organization| drop(organization.flags.remove(key)));
    }
}

impl Person {
    /// Overrides a feature flag for the person, whether or not the environment has it; webhooks are told
    /// `user.updated`.
    pub fn set_flag(&self, key: &str, value: impl Into<Value>) {
        self.change_record(|person| drop(person.flags.insert(key.to_owned(), value.into())));
    }

    /// Ends what [`set_flag`](Self::set_flag) began.
    pub fn unset_flag(&self, key: &str) {
        self.change_record(|person| drop(person.flags.remove(key)));
    }
}

/// A feature flag as the environment stores it. What overrides it for an organization or a person is stored there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FlagRecord {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) details: FeatureFlagDetails,
    /// What overrides the default in the whole environment.
    pub(crate) environment_value: Option<Value>,
}

impl FlagRecord {
    /// Makes up a flag from its key and default value.
    pub(crate) fn invent(key: &str, default_value: Value) -> Self {
        let details = FeatureFlagDetails {
            name: identifiers::display_name(key),
            flag_type: FeatureFlagType::of(&default_value),
            default_value,
            ..FeatureFlagDetails::default()
        };
        Self { id: identifiers::flag_id(key), key: key.to_owned(), details, environment_value: None }
    }

    /// Returns the value where no organization and no person overrides it.
    pub(crate) fn value(&self) -> &Value {
        self.environment_value.as_ref().unwrap_or(&self.details.default_value)
    }
}

impl Directory {
    /// Makes up the flag if it is not there yet.
    pub(crate) fn know_flag(&mut self, key: &str, default_value: Value) {
        self.flags.entry(key.to_owned()).or_insert_with(|| FlagRecord::invent(key, default_value));
    }

    pub(crate) fn delete_flag(&mut self, key: &str) -> bool {
        for organization in self.organizations.values_mut() {
            organization.flags.remove(key);
        }
        for person in self.people.values_mut() {
            person.flags.remove(key);
        }
        self.flags.remove(key).is_some()
    }

    /// Returns the value of every flag for a person in an organization: the nearest to the person counts.
    pub(crate) fn flag_values(
        &self,
        organization: Option<&OrganizationRecord>,
        person: Option<&PersonRecord>,
    ) -> BTreeMap<String, Value> {
        let environment = self.flags.iter().map(|(key, flag)| (key, flag.value()));
        let organization = organization.into_iter().flat_map(|organization| &organization.flags);
        let person = person.into_iter().flat_map(|person| &person.flags);
        let nearest_last = environment.chain(organization).chain(person);
        nearest_last.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nearest_override_of_a_flag_counts() {
        let mut directory = Directory::default();
        directory.know_flag("seats", json!(1));
        let mut acme = OrganizationRecord::invent("acme");
        let mut alice = PersonRecord::invent("alice", 0);
        let seats = |directory: &Directory, acme: &OrganizationRecord, alice: &PersonRecord| {
            directory.flag_values(Some(acme), Some(alice))["seats"].clone()
        };
        assert_eq!(seats(&directory, &acme, &alice), 1);
        directory.flags.get_mut("seats").unwrap().environment_value = Some(json!(2));
        assert_eq!(seats(&directory, &acme, &alice), 2);
        acme.flags.insert("seats".to_owned(), json!(3));
        assert_eq!(seats(&directory, &acme, &alice), 3);
        alice.flags.insert("seats".to_owned(), json!(4));
        assert_eq!(seats(&directory, &acme, &alice), 4);
        assert_eq!(directory.flag_values(None, None)["seats"], 2);
    }

    #[test]
    fn deleted_flag_leaves_everybody() {
        let mut directory = Directory::default();
        directory.know_flag("beta", json!(false));
        let alice = directory.find_or_create_person("alice", 0);
        directory
            .update_person(&alice, 0, |person| drop(person.flags.insert("beta".to_owned(), json!(true))));
        assert!(directory.delete_flag("beta"));
        assert!(!directory.delete_flag("beta"));
        assert!(directory.people[&alice].flags.is_empty());
    }
}
