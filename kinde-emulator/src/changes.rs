//! Changes of the world that webhooks tell about, each with the event it makes.

use serde_json::{Value, json};

use crate::directory::{Directory, Happening, OrganizationRecord, PersonRecord};

impl Directory {
    pub(crate) fn create_person(&mut self, person: PersonRecord) -> String {
        let id = person.id.clone();
        self.note("user.created", user(&person));
        self.people.insert(id.clone(), person);
        id
    }

    pub(crate) fn create_organization(&mut self, organization: OrganizationRecord) -> String {
        let code = organization.code.clone();
        let data = json!({ "organization": {
            "code": code, "external_id": null, "handle": organization.handle, "name": organization.name,
        } });
        self.note("organization.created", data);
        self.organizations.insert(code.clone(), organization);
        code
    }

    fn note(&mut self, event_type: &'static str, data: Value) {
        self.journal.push(Happening { event_type, data, ip_address: None });
    }
}

fn user(person: &PersonRecord) -> Value {
    json!({ "user": {
        "email": text(&person.email),
        "first_name": text(&person.given_name),
        "id": person.id,
        "is_password_reset_requested": false,
        "is_suspended": false,
        "last_name": text(&person.family_name),
        "organizations": [],
        "phone": null,
        "username": person.username,
    } })
}

/// What is not known is null, as in the live webhooks of people without an e-mail address.
fn text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
