//! What an environment contains when it starts, as a file.

mod definitions;

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    application::Application,
    directory::{Directory, OrganizationRecord, PersonRecord},
    error::SeedError,
    feature_flag::FlagRecord,
    password::Password,
    plan,
    property::PropertyContext,
    webhooks::WebhookEndpoint,
};

use definitions::{SeedFlag, SeedPlan, SeedProperty};

/// What an environment contains when it starts: applications, APIs, organizations, people, webhook endpoints,
/// feature flags, properties and plans.
///
/// Written in TOML or JSON. Every key is optional but those without which a thing has no name; an unknown key is an
/// error that names it. Identifiers that are left out follow from the names, the same in every environment.
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
}

impl Seed {
    /// Reads TOML.
    ///
    /// # Errors
    ///
    /// [`SeedError::Malformed`] for wrong syntax, an unknown key or a missing one;
    /// [`SeedError::UnknownOrganization`] and [`SeedError::UnknownPlan`] for a membership of an organization or a
    /// subscription to a plan that is not in the seed.
    pub fn from_toml(text: &str) -> Result<Self, SeedError> {
        toml::from_str(text).map_err(|error| malformed(&error)).and_then(Self::checked)
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml).
    pub fn from_json(text: &str) -> Result<Self, SeedError> {
        serde_json::from_str(text).map_err(|error| malformed(&error)).and_then(Self::checked)
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

    /// Puts everything into a directory.
    pub(crate) fn plant(&self, directory: &mut Directory, now: u64) {
        for (key, value) in &self.flags {
            directory.flags.insert(key.clone(), FlagRecord::invent(key, value.clone()));
        }
        self.feature_flags.iter().for_each(|flag| flag.plant(directory));
        self.properties.iter().for_each(|property| property.plant(directory));
        self.plans.iter().for_each(|plan| plan.plant(directory));
        for api in &self.apis {
            directory.apis.insert(api.audience.clone(), api.scopes.clone());
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

    /// Returns the webhook endpoints.
    pub(crate) fn webhooks(&self) -> impl Iterator<Item = WebhookEndpoint> {
        self.webhooks.iter().map(|webhook| {
            WebhookEndpoint::new(&webhook.endpoint)
                .with_event_types(&webhook.event_types)
                .with_name(&webhook.name)
                .with_description(&webhook.description)
        })
    }

    fn checked(self) -> Result<Self, SeedError> {
        let is_known = |name: &String| {
            self.organizations.iter().any(|known| known.handle == *name || known.code.as_ref() == Some(name))
        };
        let memberships = self.people.iter().flat_map(|person| &person.memberships);
        let scoped = self.applications.iter().filter_map(|application| application.org.as_ref());
        let mut named = memberships.map(|membership| &membership.org).chain(scoped);
        if let Some(unknown) = named.find(|name| !is_known(name)) {
            return Err(SeedError::UnknownOrganization { name: unknown.clone() });
        }
        let organizations = self.organizations.iter().flat_map(|organization| &organization.plans);
        let mut subscribed = organizations.chain(self.people.iter().flat_map(|person| &person.plans));
        match subscribed.find(|key| !self.plans.iter().any(|plan| plan.key() == *key)) {
            Some(unknown) => Err(SeedError::UnknownPlan { key: unknown.clone() }),
            None => Ok(self),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedApplication {
    name: String,
    #[serde(default)]
    kind: SeedKind,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    #[serde(default)]
    callbacks: Vec<String>,
    #[serde(default)]
    logout_urls: Vec<String>,
    /// The organization a machine is scoped to.
    org: Option<String>,
    #[serde(default)]
    hasura: bool,
}

impl SeedApplication {
    fn record(&self, directory: &Directory) -> Application {
        let mut application = match self.kind {
            SeedKind::Web => Application::web(&self.name),
            SeedKind::Public => Application::public(&self.name),
            SeedKind::Machine => Application::machine(&self.name),
        };
        if let Some(client_id) = &self.client_id {
            application.client_id.clone_from(client_id);
        }
        if let Some(Secret(client_secret)) = &self.client_secret {
            application.client_secret = Some(client_secret.clone());
        }
        application.callbacks.clone_from(&self.callbacks);
        application.logout_urls.clone_from(&self.logout_urls);
        application.hasura = self.hasura;
        let org = self.org.as_deref().and_then(|org| directory.organization_named(org));
        application.org_code = org.map(|org| org.code.clone());
        application
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SeedKind {
    #[default]
    Web,
    Public,
    Machine,
}

/// A secret that is not printed.
#[derive(Clone, Deserialize)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedApi {
    audience: String,
    /// What may be asked for; nothing listed means anything.
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedOrganization {
    handle: String,
    code: Option<String>,
    name: Option<String>,
    #[serde(default)]
    flags: BTreeMap<String, Value>,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
    /// Keys of the plans it is subscribed to.
    #[serde(default)]
    plans: Vec<String>,
}

impl SeedOrganization {
    fn record(&self, now: u64) -> OrganizationRecord {
        let mut organization = OrganizationRecord::invent(&self.handle);
        for plan in &self.plans {
            plan::subscribe(&mut organization.subscriptions, plan, now);
        }
        if let Some(code) = &self.code {
            organization.code.clone_from(code);
        }
        if let Some(name) = &self.name {
            organization.name.clone_from(name);
        }
        organization.flags.clone_from(&self.flags);
        organization.properties.clone_from(&self.properties);
        organization
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedPerson {
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
    fn record(&self, directory: &Directory, now: u64) -> PersonRecord {
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

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedWebhook {
    endpoint: String,
    /// None listed means all.
    #[serde(default)]
    event_types: Vec<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
}

fn malformed(error: &dyn std::fmt::Display) -> SeedError {
    SeedError::Malformed { reason: error.to_string().trim_end().to_owned() }
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
    fn unknown_key_is_named_in_both_languages() {
        let toml = Seed::from_toml("[[people]]\nname = \"alice\"\ncolour = \"blue\"\n").unwrap_err();
        assert!(toml.to_string().contains("colour"), "{toml}");
        let json = Seed::from_json(r#"{ "peeple": [] }"#).unwrap_err();
        assert!(json.to_string().contains("peeple"), "{json}");
    }

    #[test]
    fn membership_of_an_organization_that_is_not_there_is_named() {
        let text = "[[people]]\nname = \"alice\"\nmemberships = [{ org = \"acmee\" }]\n";
        assert!(Seed::from_toml(text).unwrap_err().to_string().contains("acmee"));
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
