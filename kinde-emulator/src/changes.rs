//! Changes of the world that webhooks tell about, each with the event it makes.

use serde_json::{Value, json};

use crate::{
    directory::{Directory, Happening, Membership, OrganizationRecord, PersonRecord},
    permission::PermissionRecord,
    role::RoleRecord,
};

/// People.
impl Directory {
    pub(crate) fn create_person(&mut self, person: PersonRecord) -> String {
        let id = person.id.clone();
        self.people.insert(id.clone(), person);
        self.note_person("user.created", &id);
        id
    }

    /// Changes a person; nothing happened when they are as they were, or not there.
    pub(crate) fn update_person(&mut self, id: &str, now: u64, change: impl FnOnce(&mut PersonRecord)) {
        let Some(person) = self.people.get_mut(id) else { return };
        let before = person.clone();
        change(person);
        if *person != before {
            person.updated_at = now;
            self.note_person("user.updated", id);
        }
    }

    pub(crate) fn delete_person(&mut self, id: &str) -> bool {
        let is_known = self.people.remove(id).is_some();
        if is_known {
            self.sign_in_counts.remove(id);
            self.note("user.deleted", json!({ "user": { "id": id } }));
        }
        is_known
    }

    /// Changes what a person may do in an organization, which they join first. Kinde has no event for memberships:
    /// they are part of the person.
    pub(crate) fn update_membership(
        &mut self,
        person_id: &str,
        org_code: &str,
        now: u64,
        change: impl FnOnce(&mut Membership),
    ) {
        self.update_person(person_id, now, |person| {
            let is_new = person.membership(org_code).is_none();
            if let Some(membership) = person.membership_mut(org_code) {
                change(membership);
                if is_new {
                    membership.joined_at = now;
                }
            }
        });
    }

    /// Notes that somebody signed in, or could not; nobody knows who when there is no id.
    pub(crate) fn note_authentication(&mut self, event_type: &'static str, person_id: Option<&str>) {
        // That the id is left out is inferred.
        let user = person_id.map_or_else(|| json!({}), |id| json!({ "id": id }));
        // Whoever reaches the sign-in page does so from this computer.
        let ip_address = Some("127.0.0.1");
        self.journal.push(Happening { event_type, data: json!({ "user": user }), ip_address });
    }

    fn note_person(&mut self, event_type: &'static str, id: &str) {
        if let Some(person) = self.people.get(id) {
            let data = self.user(person);
            self.note(event_type, data);
        }
    }

    fn user(&self, person: &PersonRecord) -> Value {
        let organizations = person.memberships.iter().map(|membership| self.organization_of(membership));
        json!({ "user": {
            "email": text(&person.email),
            "first_name": text(&person.given_name),
            "id": person.id,
            "is_password_reset_requested": person.is_password_reset_requested,
            "is_suspended": person.is_suspended,
            "last_name": text(&person.family_name),
            "organizations": organizations.collect::<Vec<_>>(),
            "phone": person.phone,
            "username": person.username,
        } })
    }

    fn organization_of(&self, membership: &Membership) -> Value {
        let roles = membership.roles.iter().map(|key| json!({ "id": self.role_id(key), "key": key }));
        let permissions =
            membership.permissions.iter().map(|key| json!({ "id": self.permission_id(key), "key": key }));
        json!({
            "code": membership.org_code,
            "permissions": or_null(permissions.collect()),
            "roles": or_null(roles.collect()),
        })
    }
}

/// Organizations.
impl Directory {
    pub(crate) fn create_organization(&mut self, organization: OrganizationRecord) -> String {
        let code = organization.code.clone();
        let mut data = organization_data(&organization);
        // Only an update tells whether people may register.
        data.as_object_mut().and_then(|fields| fields.remove("is_allow_registrations"));
        self.note("organization.created", json!({ "organization": data }));
        self.organizations.insert(code.clone(), organization);
        code
    }

    /// Changes an organization; nothing happened when it is as it was, or not there.
    pub(crate) fn update_organization(&mut self, code: &str, change: impl FnOnce(&mut OrganizationRecord)) {
        let Some(organization) = self.organizations.get_mut(code) else { return };
        let before = organization.clone();
        change(organization);
        if *organization != before {
            let data = json!({ "organization": organization_data(organization) });
            self.note("organization.updated", data);
        }
    }

    /// Deletes an organization and every membership of it. That the members are not updated one by one is a guess.
    pub(crate) fn delete_organization(&mut self, code: &str) -> bool {
        let is_known = self.organizations.remove(code).is_some();
        if is_known {
            for person in self.people.values_mut() {
                person.memberships.retain(|membership| membership.org_code != code);
            }
            self.note("organization.deleted", json!({ "organization": { "code": code } }));
        }
        is_known
    }
}

/// Roles.
impl Directory {
    pub(crate) fn find_or_create_role(&mut self, key: &str) {
        if !self.roles.contains_key(key) {
            let role = RoleRecord::invent(key);
            self.note("role.created", role.data());
            self.roles.insert(key.to_owned(), role);
        }
    }

    /// Changes a role; nothing happened when it is as it was, or not there.
    pub(crate) fn update_role(&mut self, key: &str, change: impl FnOnce(&mut RoleRecord)) {
        let Some(role) = self.roles.get_mut(key) else { return };
        let before = role.clone();
        change(role);
        if *role != before {
            let data = role.data();
            self.note("role.updated", data);
        }
    }

    /// Adds a role as it is described.
    pub(crate) fn create_role(&mut self, role: RoleRecord) {
        self.note("role.created", role.data());
        self.roles.insert(role.key.clone(), role);
    }

    /// Gives a role another key, which everybody who has it has from now on; the id stays.
    pub(crate) fn rename_role(&mut self, key: &str, new_key: &str) {
        if key == new_key {
            return;
        }
        let Some(role) = self.roles.remove(key) else { return };
        self.roles.insert(new_key.to_owned(), role);
        for membership in self.memberships_mut() {
            rename(&mut membership.roles, key, new_key);
        }
        self.update_role(new_key, |role| new_key.clone_into(&mut role.key));
    }

    /// Deletes a role and takes it from everybody. That those people are not updated one by one is a guess.
    pub(crate) fn delete_role(&mut self, key: &str) -> bool {
        let Some(role) = self.roles.remove(key) else { return false };
        for membership in self.memberships_mut() {
            membership.roles.retain(|held| held != key);
        }
        self.note("role.deleted", json!({ "role": { "id": role.id } }));
        true
    }
}

/// Permissions.
impl Directory {
    pub(crate) fn find_or_create_permission(&mut self, key: &str) {
        if !self.permissions.contains_key(key) {
            let permission = PermissionRecord::invent(key);
            self.note("permission.created", permission.data());
            self.permissions.insert(key.to_owned(), permission);
        }
    }

    /// Changes a permission; nothing happened when it is as it was, or not there.
    pub(crate) fn update_permission(&mut self, key: &str, change: impl FnOnce(&mut PermissionRecord)) {
        let Some(permission) = self.permissions.get_mut(key) else { return };
        let before = permission.clone();
        change(permission);
        if *permission != before {
            let data = permission.data();
            self.note("permission.updated", data);
        }
    }

    /// Adds a permission as it is described.
    pub(crate) fn create_permission(&mut self, permission: PermissionRecord) {
        self.note("permission.created", permission.data());
        self.permissions.insert(permission.key.clone(), permission);
    }

    /// Gives a permission another key, which everybody who has it has from now on; the id stays.
    pub(crate) fn rename_permission(&mut self, key: &str, new_key: &str) {
        if key == new_key {
            return;
        }
        let Some(permission) = self.permissions.remove(key) else { return };
        self.permissions.insert(new_key.to_owned(), permission);
        for membership in self.memberships_mut() {
            rename(&mut membership.permissions, key, new_key);
        }
        for role in self.roles.values_mut() {
            rename(&mut role.permissions, key, new_key);
        }
        self.update_permission(new_key, |permission| new_key.clone_into(&mut permission.key));
    }

    /// Deletes a permission and takes it from everybody and every role. That those are not updated one by one is a
    /// guess.
    pub(crate) fn delete_permission(&mut self, key: &str) -> bool {
        let Some(permission) = self.permissions.remove(key) else { return false };
        for membership in self.memberships_mut() {
            membership.permissions.retain(|held| held != key);
        }
        for role in self.roles.values_mut() {
            role.permissions.retain(|held| held != key);
        }
        self.note("permission.deleted", json!({ "permission": { "id": permission.id } }));
        true
    }
}

impl Directory {
    fn memberships_mut(&mut self) -> impl Iterator<Item = &mut Membership> {
        self.people.values_mut().flat_map(|person| &mut person.memberships)
    }

    fn note(&mut self, event_type: &'static str, data: Value) {
        self.journal.push(Happening { event_type, data, ip_address: None });
    }
}

fn rename(held: &mut [String], key: &str, new_key: &str) {
    for known in held.iter_mut().filter(|known| *known == key) {
        new_key.clone_into(known);
    }
}

/// Stores what a caller changed and leaves what they did not: somebody else may have changed that meanwhile. Callers
/// say what changes before the directory is locked, so that they may ask the environment about anything.
pub(crate) fn store<T: PartialEq>(stored: &mut T, before: &T, after: T) {
    if after != *before {
        *stored = after;
    }
}

fn organization_data(organization: &OrganizationRecord) -> Value {
    json!({
        "code": organization.code,
        "external_id": organization.external_id,
        "handle": text(&organization.handle),
        "is_allow_registrations": organization.is_allow_registrations,
        "name": organization.name,
    })
}

/// What is not known is null, as in the live webhooks of people without an e-mail address.
fn text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Nothing granted is null, as in the live webhooks.
fn or_null(items: Vec<Value>) -> Option<Vec<Value>> {
    (!items.is_empty()).then_some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(directory: &mut Directory) -> Vec<&'static str> {
        directory.journal.drain(..).map(|happening| happening.event_type).collect()
    }

    #[test]
    fn change_that_changes_nothing_did_not_happen() {
        let mut directory = Directory::default();
        let alice = directory.find_or_create_person("alice", 0);
        let acme = directory.find_or_create_organization("acme");
        directory.find_or_create_role("admin");
        assert_eq!(types(&mut directory), ["user.created", "organization.created", "role.created"]);
        directory.find_or_create_person("alice", 0);
        directory.find_or_create_role("admin");
        directory.update_person(&alice, 1, |_| {});
        directory.update_organization(&acme, |_| {});
        directory.update_role("admin", |role| role.details.name = "Admin".to_owned());
        assert!(!directory.delete_permission("nobody:knows"));
        assert!(types(&mut directory).is_empty());
        assert_eq!(directory.people[&alice].updated_at, 0);
    }

    #[test]
    fn member_is_told_with_roles_and_permissions_by_id_and_key() {
        let mut directory = Directory::default();
        let alice = directory.find_or_create_person("alice", 0);
        directory.update_membership(&alice, "org_1", 7, |_| {});
        directory.update_membership(&alice, "org_2", 7, |membership| {
            membership.roles.push("admin".to_owned());
            membership.permissions.push("create:todos".to_owned());
        });
        let last = directory.journal.pop().unwrap();
        assert_eq!(last.event_type, "user.updated");
        let expected = json!([
            { "code": "org_1", "permissions": null, "roles": null },
            {
                "code": "org_2",
                "permissions": [{ "id": directory.permission_id("create:todos"), "key": "create:todos" }],
                "roles": [{ "id": directory.role_id("admin"), "key": "admin" }],
            },
        ]);
        assert_eq!(last.data["user"]["organizations"], expected);
    }

    #[test]
    fn role_and_permission_that_are_deleted_leave_everybody() {
        let mut directory = Directory::default();
        let alice = directory.find_or_create_person("alice", 0);
        directory.find_or_create_role("admin");
        directory.find_or_create_permission("create:todos");
        directory.update_membership(&alice, "org_1", 0, |membership| {
            membership.roles.push("admin".to_owned());
            membership.permissions.push("create:todos".to_owned());
        });
        assert!(directory.delete_role("admin") && directory.delete_permission("create:todos"));
        let membership = directory.people[&alice].membership("org_1").unwrap();
        assert!(membership.roles.is_empty() && membership.permissions.is_empty());
    }
}
