//! What an environment knows: applications, APIs, organizations and people.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    api::ApiRecord,
    api_key::ApiKeys,
    application::{Application, ApplicationKind},
    callback_urls,
    feature_flag::FlagRecord,
    identifiers,
    identity::{Identity, IdentityKind},
    invitations::InvitationRecord,
    password::Password,
    permission::PermissionRecord,
    plan::{PlanRecord, Subscription},
    property::{CategoryRecord, PropertyRecord},
    role::RoleRecord,
    sign_in_count::SignInCount,
    subscriber::SubscriberRecord,
};

/// Everything an administrator of the environment could see, by identifier.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    /// Applications by client id.
    pub(crate) applications: BTreeMap<String, Application>,
    /// APIs by audience.
    pub(crate) apis: BTreeMap<String, ApiRecord>,
    /// Organizations by org code.
    pub(crate) organizations: BTreeMap<String, OrganizationRecord>,
    /// People by id.
    pub(crate) people: BTreeMap<String, PersonRecord>,
    /// Roles by key.
    pub(crate) roles: BTreeMap<String, RoleRecord>,
    /// Permissions by key.
    pub(crate) permissions: BTreeMap<String, PermissionRecord>,
    /// Feature flags by key.
    pub(crate) flags: BTreeMap<String, FlagRecord>,
    /// Properties by key.
    pub(crate) properties: BTreeMap<String, PropertyRecord>,
    /// Categories of properties, by id.
    pub(crate) property_categories: BTreeMap<String, CategoryRecord>,
    /// What the Management API was told about the business, by its names.
    pub(crate) business: BTreeMap<String, Value>,
    /// Billing plans by key.
    pub(crate) plans: BTreeMap<String, PlanRecord>,
    /// How often people signed in, by id.
    pub(crate) sign_in_counts: BTreeMap<String, SignInCount>,
    /// Who subscribed to the newsletter, by id.
    pub(crate) subscribers: BTreeMap<String, SubscriberRecord>,
    /// API keys, in the order they were made.
    pub(crate) api_keys: ApiKeys,
    /// Invitations by code, those that were accepted or revoked too.
    pub(crate) invitations: BTreeMap<String, InvitationRecord>,
    /// What happened and was not announced yet.
    pub(crate) journal: Vec<Happening>,
}

/// Something that Kinde tells webhooks about: an event's type and data.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) event_type: &'static str,
    pub(crate) data: Value,
    pub(crate) ip_address: Option<&'static str>,
}

impl Directory {
    /// Finds a person by id, e-mail address or handle, or creates one; returns the id.
    pub(crate) fn find_or_create_person(&mut self, name: &str, now: u64) -> String {
        if let Some(known) = self.person_named(name) {
            return known.id.clone();
        }
        self.create_person(PersonRecord::invent(name, now))
    }

    /// Finds a person by id, e-mail address (in any case) or handle.
    pub(crate) fn person_named(&self, name: &str) -> Option<&PersonRecord> {
        self.people
            .get(name)
            .or_else(|| self.people.values().find(|person| person.handle == name || person.has_email(name)))
    }

    /// Finds a person by what they would type to sign in: also a username or a phone number.
    pub(crate) fn person_called(&self, name: &str) -> Option<&PersonRecord> {
        self.person_named(name).or_else(|| self.people.values().find(|person| person.is_called(name)))
    }

    /// Finds an organization by code or handle, or creates one; returns its code.
    pub(crate) fn find_or_create_organization(&mut self, name: &str) -> String {
        if let Some(known) = self.organization_named(name) {
            return known.code.clone();
        }
        self.create_organization(OrganizationRecord::invent(name))
    }

    /// Finds an organization by code or handle.
    pub(crate) fn organization_named(&self, name: &str) -> Option<&OrganizationRecord> {
        self.organizations
            .get(name)
            .or_else(|| self.organizations.values().find(|organization| organization.handle == name))
    }

    /// Makes up the roles and permissions that are not there yet, and tells nobody.
    pub(crate) fn know(&mut self, roles: &[String], permissions: &[String]) {
        for key in roles {
            self.roles.entry(key.clone()).or_insert_with(|| RoleRecord::invent(key));
        }
        for key in permissions {
            self.permissions.entry(key.clone()).or_insert_with(|| PermissionRecord::invent(key));
        }
    }

    /// Returns a role's id, whether or not the environment has the role.
    pub(crate) fn role_id(&self, key: &str) -> String {
        self.roles.get(key).map_or_else(|| identifiers::role_id(key), |role| role.id.clone())
    }

    /// Returns a permission's id, whether or not the environment has the permission.
    pub(crate) fn permission_id(&self, key: &str) -> String {
        let known = self.permissions.get(key);
        known.map_or_else(|| identifiers::permission_id(key), |permission| permission.id.clone())
    }

    /// Tells whether a URL is on the origin of a registered application.
    pub(crate) fn has_application_at(&self, url: &str) -> bool {
        let applications = self.applications.values();
        let urls =
            applications.flat_map(|application| application.callbacks.iter().chain(&application.logout_urls));
        callback_urls::is_on_origin(urls, url, self)
    }

    /// Finds a machine-to-machine application by name, or creates one; returns its client id.
    pub(crate) fn find_or_create_machine(&mut self, name: &str) -> String {
        let known = self
            .applications
            .values()
            .find(|application| application.kind == ApplicationKind::Machine && application.name == name);
        if let Some(known) = known {
            return known.client_id.clone();
        }
        let machine = Application::machine(name);
        let client_id = machine.client_id.clone();
        self.applications.insert(client_id.clone(), machine);
        client_id
    }
}

/// A person as the environment stores them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PersonRecord {
    pub(crate) id: String,
    pub(crate) handle: String,
    pub(crate) email: String,
    pub(crate) given_name: String,
    pub(crate) family_name: String,
    pub(crate) picture: String,
    pub(crate) username: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) is_suspended: bool,
    pub(crate) is_password_reset_requested: bool,
    pub(crate) provided_id: Option<String>,
    /// What they enter at the form; without one nobody asks for any.
    pub(crate) password: Option<Password>,
    /// Whether the sign-in page offers them as one click.
    pub(crate) is_one_click: bool,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
    /// Those that are not the first of their kind.
    pub(crate) further_identities: Vec<Identity>,
    pub(crate) memberships: Vec<Membership>,
    /// What overrides feature flags, by key.
    pub(crate) flags: BTreeMap<String, Value>,
    /// Values of properties by key; null is unset.
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) subscriptions: Vec<Subscription>,
}

impl PersonRecord {
    /// Makes up a whole person from a handle, an e-mail address or an id.
    pub(crate) fn invent(name: &str, now: u64) -> Self {
        let handle = name.split('@').next().unwrap_or(name);
        let email = if name.contains('@') {
            name.to_owned()
        } else {
            format!("{}@example.test", name.replace(char::is_whitespace, "."))
        };
        let id = if name.starts_with("kp_") || name.starts_with("kp:") {
            name.to_owned()
        } else {
            identifiers::person_id(name)
        };
        Self {
            picture: format!("https://img.example.test/{id}.png"),
            id,
            handle: handle.to_owned(),
            email,
            given_name: identifiers::display_name(handle),
            family_name: "Example".to_owned(),
            username: None,
            phone: None,
            is_suspended: false,
            is_password_reset_requested: false,
            provided_id: None,
            password: None,
            is_one_click: true,
            created_at: now,
            updated_at: now,
            further_identities: Vec::new(),
            memberships: Vec::new(),
            flags: BTreeMap::new(),
            properties: BTreeMap::new(),
            subscriptions: Vec::new(),
        }
    }

    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name).trim().to_owned()
    }

    /// Tells whether this is their address, in any case; nobody is found by an e-mail address that is empty.
    pub(crate) fn has_email(&self, email: &str) -> bool {
        let is_further = |identity: &Identity| {
            identity.kind == IdentityKind::Email && identity.value.eq_ignore_ascii_case(email)
        };
        !email.is_empty()
            && (self.email.eq_ignore_ascii_case(email) || self.further_identities.iter().any(is_further))
    }

    /// Returns what they would type to sign in.
    pub(crate) fn name_to_sign_in(&self) -> &str {
        let names = [Some(self.email.as_str()), self.username.as_deref(), self.phone.as_deref()];
        names.into_iter().flatten().find(|name| !name.is_empty()).unwrap_or(&self.handle)
    }

    /// Tells whether this is one of the names they sign in with.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let is_further = |identity: &Identity| identity.value.eq_ignore_ascii_case(name);
        self.has_email(name)
            || self.username.as_deref() == Some(name)
            || self.phone.as_deref() == Some(name)
            || self.further_identities.iter().any(is_further)
    }

    pub(crate) fn membership(&self, org_code: &str) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.org_code == org_code)
    }

    /// Returns the membership of this organization, made first when there is none.
    pub(crate) fn membership_mut(&mut self, org_code: &str) -> Option<&mut Membership> {
        if self.membership(org_code).is_none() {
            let joined_at = self.updated_at;
            let org_code = org_code.to_owned();
            self.memberships.push(Membership { org_code, joined_at, ..Membership::default() });
        }
        self.memberships.iter_mut().find(|membership| membership.org_code == org_code)
    }
}

/// What a person may do in one organization.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Membership {
    pub(crate) org_code: String,
    pub(crate) joined_at: u64,
    pub(crate) permissions: Vec<String>,
    pub(crate) roles: Vec<String>,
}

/// An organization as the environment stores it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OrganizationRecord {
    pub(crate) code: String,
    pub(crate) handle: String,
    pub(crate) name: String,
    pub(crate) external_id: Option<String>,
    pub(crate) is_allow_registrations: bool,
    /// What the Management API was told beside these, by its names.
    pub(crate) settings: BTreeMap<String, Value>,
    /// What overrides feature flags, by key.
    pub(crate) flags: BTreeMap<String, Value>,
    /// Values of properties by key; null is unset.
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) subscriptions: Vec<Subscription>,
}

impl OrganizationRecord {
    /// Makes up an organization from a handle, or from an org code used as it stands.
    pub(crate) fn invent(name: &str) -> Self {
        let is_code = name.starts_with("org_");
        Self {
            code: if is_code { name.to_owned() } else { identifiers::org_code(name) },
            handle: name.to_owned(),
            name: identifiers::display_name(name.trim_start_matches("org_")),
            external_id: None,
            is_allow_registrations: false,
            settings: BTreeMap::new(),
            flags: BTreeMap::new(),
            properties: BTreeMap::new(),
            subscriptions: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn person_is_found_by_handle_email_and_id() {
        let mut directory = Directory::default();
        let id = directory.find_or_create_person("alice", 0);
        assert_eq!(directory.find_or_create_person("Alice@Example.test", 0), id);
        assert_eq!(directory.find_or_create_person(&id.clone(), 0), id);
        assert_eq!(directory.people.len(), 1);
    }

    #[test]
    fn organization_keeps_a_code_given_in_its_own_shape() {
        let mut directory = Directory::default();
        assert_eq!(directory.find_or_create_organization("org_7d21c9e04b6"), "org_7d21c9e04b6");
        let acme = directory.find_or_create_organization("acme");
        assert!(acme.starts_with("org_"));
        assert_eq!(directory.find_or_create_organization(&acme.clone()), acme);
        assert_eq!(directory.organization_named("acme").unwrap().name, "Acme");
    }
}
