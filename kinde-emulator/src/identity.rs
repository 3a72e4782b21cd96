//! What a person signs in with: an e-mail address, a username, a phone number.

use crate::{
    directory::{Directory, PersonRecord},
    identifiers,
};

/// One of a person's identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) kind: IdentityKind,
    pub(crate) value: String,
    /// Whether it is the first of its kind, the one that tokens tell.
    pub(crate) is_primary: bool,
}

/// What kind of identity it is; social and enterprise connections are not emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityKind {
    Email,
    Phone,
    Username,
}

impl IdentityKind {
    pub(crate) fn read(name: &str) -> Option<Self> {
        [Self::Email, Self::Phone, Self::Username].into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Username => "username",
        }
    }
}

impl Identity {
    pub(crate) fn id(&self, person_id: &str) -> String {
        identifiers::identity_id(person_id, self.kind.name(), &self.value)
    }
}

impl PersonRecord {
    /// Returns every identity, the primary one of each kind first.
    pub(crate) fn identities(&self) -> Vec<Identity> {
        let primary = |kind, value: &str| Identity { kind, value: value.to_owned(), is_primary: true };
        let email = (!self.email.is_empty()).then(|| primary(IdentityKind::Email, &self.email));
        let phone = self.phone.as_deref().map(|phone| primary(IdentityKind::Phone, phone));
        let username = self.username.as_deref().map(|name| primary(IdentityKind::Username, name));
        let further = self.further_identities.iter().cloned();
        email.into_iter().chain(phone).chain(username).chain(further).collect()
    }

    /// Adds an identity; the first of its kind is the primary one.
    pub(crate) fn add_identity(&mut self, kind: IdentityKind, value: &str) {
        match kind {
            IdentityKind::Email if self.email.is_empty() => value.clone_into(&mut self.email),
            IdentityKind::Phone if self.phone.is_none() => self.phone = Some(value.to_owned()),
            IdentityKind::Username if self.username.is_none() => self.username = Some(value.to_owned()),
            _ => self.further_identities.push(Identity { kind, value: value.to_owned(), is_primary: false }),
        }
    }

    /// Takes an identity away; the next of its kind becomes the primary one.
    pub(crate) fn remove_identity(&mut self, identity: &Identity) {
        if !identity.is_primary {
            self.further_identities.retain(|known| known != identity);
            return;
        }
        let next = self.further_identities.iter().position(|known| known.kind == identity.kind);
        let next = next.map(|place| self.further_identities.remove(place).value);
        match identity.kind {
            IdentityKind::Email => self.email = next.unwrap_or_default(),
            IdentityKind::Phone => self.phone = next,
            IdentityKind::Username => self.username = next,
        }
    }

    /// Makes an identity the primary one of its kind; the one that was stays as a further one.
    pub(crate) fn make_primary(&mut self, identity: &Identity) {
        if identity.is_primary {
            return;
        }
        self.further_identities.retain(|known| known != identity);
        let value = Some(identity.value.clone());
        let before = match identity.kind {
            IdentityKind::Email => Some(std::mem::replace(&mut self.email, identity.value.clone())),
            IdentityKind::Phone => std::mem::replace(&mut self.phone, value),
            IdentityKind::Username => std::mem::replace(&mut self.username, value),
        };
        if let Some(value) = before.filter(|value| !value.is_empty()) {
            self.further_identities.push(Identity { kind: identity.kind, value, is_primary: false });
        }
    }
}

impl Directory {
    /// Finds who has an identity; letters of e-mail addresses and usernames match in any case.
    pub(crate) fn person_with_identity(&self, kind: IdentityKind, value: &str) -> Option<&PersonRecord> {
        let is_it = |identity: &Identity| identity.kind == kind && identity.value.eq_ignore_ascii_case(value);
        self.people.values().find(|person| person.identities().iter().any(is_it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_identity_that_is_removed_is_followed_by_the_next_of_its_kind() {
        let mut person = PersonRecord::invent("alice", 0);
        person.add_identity(IdentityKind::Email, "a2@example.test");
        person.add_identity(IdentityKind::Username, "ally");
        let identities = person.identities();
        let names: Vec<_> = identities.iter().map(|identity| identity.value.as_str()).collect();
        assert_eq!(names, ["alice@example.test", "ally", "a2@example.test"]);
        person.make_primary(&identities[2]);
        assert_eq!(person.email, "a2@example.test");
        assert_eq!(person.further_identities[0].value, "alice@example.test");
        let primary = person.identities()[0].clone();
        person.remove_identity(&primary);
        assert_eq!((person.email.as_str(), person.further_identities.len()), ("alice@example.test", 0));
    }
}
