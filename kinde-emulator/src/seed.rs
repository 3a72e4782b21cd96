//! What an environment contains when it starts, as a file.

mod access;
mod application;
mod check;
mod definitions;
mod document;
mod from_json;
mod from_toml;
mod invitation;
mod keys;
mod organization;
mod person;
mod problem;
mod schema;
mod secret;
mod settings;
mod shape;
mod suggestion;
mod webhook;

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    application::Application, directory::Directory, error::SeedError, feature_flag::FlagRecord,
    lifetimes::ChosenLifetimes, property::PropertyContext, webhooks::WebhookEndpoint,
};

use access::{SeedPermission, SeedRole};
use application::{SeedApi, SeedApplication, SeedKind};
use definitions::{SeedFlag, SeedPlan, SeedProperty};
use document::Node;
use invitation::SeedInvitation;
use organization::SeedOrganization;
use person::SeedPerson;
use settings::{SeedTime, SeedTokens};
use webhook::SeedWebhook;

pub use problem::SeedProblem;

/// What an environment contains when it starts: applications, APIs, organizations, people, webhook endpoints,
/// feature flags, properties and plans.
///
/// Written in TOML or JSON. Every key is optional but those without which a thing has no name; what cannot be
/// understood is an error that names line and key. Identifiers that are left out follow from the names, the same in
/// every environment. [`schema`](Self::schema) describes every key.
///
/// ```
/// let seed = kinde_emulator::Seed::from_toml(r#"
///     [[organizations]]
///     handle = "acme"
///
///     [[people]]
///     name = "alice"
///     memberships = [{ org = "acme", permissions = ["create:todos"], roles = ["admin"] }]
/// "#)?;
/// # Ok::<(), kinde_emulator::SeedError>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seed {
    applications: Vec<SeedApplication>,
    apis: Vec<SeedApi>,
    organizations: Vec<SeedOrganization>,
    people: Vec<SeedPerson>,
    webhooks: Vec<SeedWebhook>,
    /// Default values by key, for flags without more to them.
    flags: BTreeMap<String, Value>,
    feature_flags: Vec<SeedFlag>,
    properties: Vec<SeedProperty>,
    plans: Vec<SeedPlan>,
    roles: Vec<SeedRole>,
    permissions: Vec<SeedPermission>,
    invitations: Vec<SeedInvitation>,
    tokens: SeedTokens,
    time: Option<SeedTime>,
    random_seed: Option<u64>,
}

impl Seed {
    /// Reads TOML.
    ///
    /// # Errors
    ///
    /// [`SeedError::Malformed`] for wrong syntax; [`SeedError::Wrong`] with everything that is wrong with a text that
    /// can be read: unknown and missing keys, values of another type, names that the seed does not define.
    pub fn from_toml(text: &str) -> Result<Self, SeedError> {
        Self::from_document(&from_toml::read(text).map_err(malformed)?, None)
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml).
    pub fn from_json(text: &str) -> Result<Self, SeedError> {
        Self::from_document(&from_json::read(text).map_err(malformed)?, None)
    }

    /// Reads a file: JSON if its name ends in `.json`, otherwise TOML.
    ///
    /// # Errors
    ///
    /// [`SeedError::Read`] when the file cannot be read; otherwise as [`from_toml`](Self::from_toml).
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, SeedError> {
        let path = path.as_ref();
        let text =
            fs::read_to_string(path).map_err(|source| SeedError::Read { path: path.to_owned(), source })?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if is_json { Self::from_json(&text) } else { Self::from_toml(&text) }
    }

    /// Returns the world the program starts with: alice and bob in acme, carol in globex, dave nowhere, a machine
    /// named billing and an API.
    ///
    /// # Errors
    ///
    /// None in practice: the text is part of this crate.
    pub fn example() -> Result<Self, SeedError> {
        Self::from_toml(EXAMPLE)
    }

    /// Returns the text of [`example`](Self::example), to start a file from.
    #[must_use]
    pub fn example_text() -> &'static str {
        EXAMPLE
    }

    /// Returns the JSON Schema of a seed, for editors and for programs that write seeds.
    #[must_use]
    pub fn schema() -> String {
        format!("{:#}\n", schema::document(keys::SEED))
    }

    /// Reads JSON that may name what a directory already has.
    pub(crate) fn from_json_in(text: &str, directory: &Directory) -> Result<Self, SeedError> {
        Self::from_document(&from_json::read(text).map_err(malformed)?, Some(directory))
    }

    fn from_document(document: &Node, known: Option<&Directory>) -> Result<Self, SeedError> {
        let problems = check::problems(document, keys::SEED, known);
        if !problems.is_empty() {
            return Err(SeedError::Wrong { problems });
        }
        // What was checked has no way to be wrong here; if it has, it says so.
        Self::deserialize(document.to_value()).map_err(|error| malformed(error.to_string()))
    }

    /// Puts everything into a directory.
    pub(crate) fn plant(&self, directory: &mut Directory, now: u64) {
        for (key, value) in &self.flags {
            directory.flags.insert(key.clone(), FlagRecord::invent(key, value.clone()));
        }
        self.feature_flags.iter().for_each(|flag| flag.plant(directory));
        self.properties.iter().for_each(|property| property.plant(directory));
        self.plans.iter().for_each(|plan| plan.plant(directory));
        self.permissions.iter().for_each(|permission| permission.plant(directory));
        self.roles.iter().for_each(|role| role.plant(directory));
        for api in &self.apis {
            directory.open_api(&api.audience, &api.scopes);
        }
        for organization in &self.organizations {
            let record = organization.record(now);
            for key in record.properties.keys() {
                directory.know_property(key, PropertyContext::Organization);
            }
            directory.organizations.insert(record.code.clone(), record);
        }
        for application in &self.applications {
            let record = application.record(directory);
            directory.applications.insert(record.client_id.clone(), record);
        }
        self.invitations.iter().for_each(|invitation| invitation.plant(directory, now));
        for person in &self.people {
            let record = person.record(directory, now);
            for membership in &record.memberships {
                directory.know(&membership.roles, &membership.permissions);
            }
            for key in record.properties.keys() {
                directory.know_property(key, PropertyContext::Person);
            }
            directory.people.insert(record.id.clone(), record);
        }
    }

    /// Returns the first application that signs people in.
    pub(crate) fn main_application(&self) -> Option<Application> {
        let main = self.applications.iter().find(|application| application.kind != SeedKind::Machine);
        main.map(|main| main.record(&Directory::default()))
    }

    /// Returns what the seed says about how long tokens live.
    pub(crate) fn lifetimes(&self) -> ChosenLifetimes {
        self.tokens.lifetimes()
    }

    /// Returns the number that random values follow from, if they do.
    pub(crate) fn random_seed(&self) -> Option<u64> {
        self.random_seed
    }

    /// Returns the time at which the clock stands, in Unix seconds, if it does.
    pub(crate) fn time(&self) -> Option<u64> {
        self.time.as_ref().map(|time| time.unix_seconds)
    }

    /// Returns the webhook endpoints.
    pub(crate) fn webhooks(&self) -> impl Iterator<Item = WebhookEndpoint> {
        self.webhooks.iter().map(SeedWebhook::endpoint)
    }
}

fn malformed(reason: String) -> SeedError {
    SeedError::Malformed { reason }
}

const EXAMPLE: &str = include_str!("example.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_world_is_a_good_seed() {
        let mut directory = Directory::default();
        Seed::example().unwrap().plant(&mut directory, 0);
        let alice = directory.person_named("alice").unwrap();
        let acme = &directory.organization_named("acme").unwrap().code;
        assert_eq!(alice.membership(acme).unwrap().permissions, ["create:todos", "read:todos"]);
        assert!(directory.person_named("dave").unwrap().memberships.is_empty());
    }

    #[test]
    fn roles_and_permissions_of_a_seed_have_names() {
        let text = "[[roles]]\nkey = \"admin\"\nname = \"Administrator\"\nis_default = true\n\
                    permissions = [\"create:todos\"]\n[[permissions]]\nkey = \"create:todos\"\nname = \"New todos\"\n";
        let mut directory = Directory::default();
        Seed::from_toml(text).unwrap().plant(&mut directory, 0);
        let admin = &directory.roles["admin"];
        assert_eq!((admin.details.name.as_str(), admin.details.is_default_role), ("Administrator", true));
        assert_eq!(admin.permissions, ["create:todos"]);
        assert_eq!(directory.permissions["create:todos"].details.name, "New todos");
    }

    #[test]
    fn person_with_a_password_is_no_tile_unless_the_seed_says_so() {
        let text = "[[people]]\nname = \"alice\"\n\n[[people]]\nname = \"bob\"\npassword = \"correct horse\"\n\n\
                    [[people]]\nname = \"carol\"\npassword = \"battery staple\"\none_click = true\n";
        let mut directory = Directory::default();
        Seed::from_toml(text).unwrap().plant(&mut directory, 0);
        let tiles = ["alice", "bob", "carol"].map(|name| directory.person_named(name).unwrap().is_one_click);
        assert_eq!(tiles, [true, false, true]);
        let bob = directory.person_named("bob").unwrap();
        assert!(bob.password.as_ref().unwrap().is("correct horse"));
        assert!(!format!("{bob:?}").contains("horse"));
    }

    #[test]
    fn secret_in_a_seed_is_never_printed() {
        let text = "[[applications]]\nname = \"web\"\nclient_secret = \"swordfish\"\n";
        assert!(!format!("{:?}", Seed::from_toml(text).unwrap()).contains("swordfish"));
    }
}
