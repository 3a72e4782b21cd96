//! People of a seed, and where they belong.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    directory::{Directory, PersonRecord},
    password::Password,
    plan,
};

use super::secret::Secret;

/// A person; what is left out follows from their name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedPerson {
    name: String,
    id: Option<String>,
    email: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    picture: Option<String>,
    username: Option<String>,
    phone: Option<String>,
    provided_id: Option<String>,
    /// What they enter at the form.
    password: Option<Secret>,
    /// Whether the sign-in page offers them as one click; without a choice, whoever has no password.
    one_click: Option<bool>,
    #[serde(default)]
    memberships: Vec<SeedMembership>,
    #[serde(default)]
    flags: BTreeMap<String, Value>,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
    /// Keys of the plans they are subscribed to themselves.
    #[serde(default)]
    plans: Vec<String>,
}

impl SeedPerson {
    pub(super) fn record(&self, directory: &Directory, now: u64) -> PersonRecord {
        let mut person = PersonRecord::invent(&self.name, now);
        let texts = [
            (&mut person.id, &self.id),
            (&mut person.email, &self.email),
            (&mut person.given_name, &self.given_name),
            (&mut person.family_name, &self.family_name),
            (&mut person.picture, &self.picture),
        ];
        for (place, value) in texts {
            if let Some(value) = value {
                place.clone_from(value);
            }
        }
        person.username.clone_from(&self.username);
        person.phone.clone_from(&self.phone);
        person.provided_id.clone_from(&self.provided_id);
        person.password = self.password.as_ref().map(|Secret(password)| Password::new(password));
        person.is_one_click = self.one_click.unwrap_or(person.password.is_none());
        person.flags.clone_from(&self.flags);
        person.properties.clone_from(&self.properties);
        for plan in &self.plans {
            plan::subscribe(&mut person.subscriptions, plan, now);
        }
        for membership in &self.memberships {
            if let Some(organization) = directory.organization_named(&membership.org)
                && let Some(stored) = person.membership_mut(&organization.code)
            {
                stored.permissions.clone_from(&membership.permissions);
                stored.roles.clone_from(&membership.roles);
            }
        }
        person
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedMembership {
    org: String,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
}
