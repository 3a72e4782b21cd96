//! An API of the environment: its audience, the scopes it offers, and the machines that may use it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{directory::Directory, identifiers};

/// An API as the environment stores it, by its audience.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) audience: String,
    /// What clients may call the audience as well.
    pub(crate) alias: Option<String>,
    pub(crate) is_management_api: bool,
    pub(crate) scopes: Vec<ApiScope>,
    /// The applications that were authorized, by client id, each with the keys of its scopes. None is an API that
    /// a seed or a test registered: every machine may use it, with every scope.
    pub(crate) authorizations: Option<BTreeMap<String, BTreeSet<String>>>,
}

/// A scope an API offers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiScope {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) description: String,
}

impl ApiRecord {
    /// Makes up an API that every machine may use. One that lists no scopes offers any.
    pub(crate) fn open<S: AsRef<str>>(audience: &str, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes = scopes.into_iter().map(|key| ApiScope::invent(audience, key.as_ref())).collect();
        Self {
            id: identifiers::api_id(audience),
            name: audience.to_owned(),
            audience: audience.to_owned(),
            alias: None,
            is_management_api: false,
            scopes,
            authorizations: None,
        }
    }

    /// Makes up an API that no machine may use before it is authorized.
    pub(crate) fn closed(audience: &str, name: &str) -> Self {
        let none: [&str; 0] = [];
        let authorizations = Some(BTreeMap::new());
        Self { name: name.to_owned(), authorizations, ..Self::open(audience, none) }
    }

    /// Makes up the API of the environment itself.
    pub(crate) fn management(issuer: &str, scopes: &BTreeSet<&str>) -> Self {
        Self {
            name: "Kinde Management API".to_owned(),
            // `@kinde/management-api-js` puts https:// before a domain that begins otherwise, and after release 0.18 its
            // source asks for the audience that comes of it.
            alias: issuer.starts_with("http://").then(|| format!("https://{issuer}/api")),
            is_management_api: true,
            ..Self::open(&format!("{issuer}/api"), scopes)
        }
    }

    pub(crate) fn is_called(&self, audience: &str) -> bool {
        self.audience == audience || self.alias.as_deref() == Some(audience)
    }

    /// Tells whether people's applications may ask for a scope.
    pub(crate) fn offers(&self, scope: &str) -> bool {
        (self.scopes.is_empty() && self.authorizations.is_none())
            || self.scopes.iter().any(|offered| offered.key == scope)
    }

    /// Tells whether a machine gets tokens at all.
    pub(crate) fn admits(&self, client_id: &str) -> bool {
        self.authorizations.as_ref().is_none_or(|machines| machines.contains_key(client_id))
    }

    /// Tells whether a machine may ask for a scope.
    pub(crate) fn grants(&self, client_id: &str, scope: &str) -> bool {
        let is_authorized = |machines: &BTreeMap<String, BTreeSet<String>>| {
            machines.get(client_id).is_some_and(|keys| keys.contains(scope))
        };
        self.offers(scope) && self.authorizations.as_ref().is_none_or(is_authorized)
    }

    /// Returns who was authorized; an API that was open to everybody is from now on open to those who are there.
    pub(crate) fn close<'a>(
        &mut self,
        machines: impl IntoIterator<Item = &'a String>,
    ) -> &mut BTreeMap<String, BTreeSet<String>> {
        let all: BTreeSet<_> = self.scopes.iter().map(|scope| scope.key.clone()).collect();
        self.authorizations.get_or_insert_with(|| {
            machines.into_iter().map(|client_id| (client_id.clone(), all.clone())).collect()
        })
    }

    /// Forgets that an application was authorized.
    pub(crate) fn disconnect(&mut self, client_id: &str) {
        if let Some(machines) = &mut self.authorizations {
            machines.remove(client_id);
        }
    }

    /// Returns what a machine gets that asks for no scope: all it may have.
    pub(crate) fn usual_scopes(&self, client_id: &str) -> Vec<String> {
        let keys = self.scopes.iter().map(|scope| scope.key.clone());
        keys.filter(|key| self.grants(client_id, key)).collect()
    }
}

impl ApiScope {
    /// Makes up a scope from its key.
    pub(crate) fn invent(audience: &str, key: &str) -> Self {
        let id = identifiers::api_scope_id(audience, key);
        Self { id, key: key.to_owned(), description: String::new() }
    }
}

impl Directory {
    /// Finds an API by its audience.
    pub(crate) fn api(&self, audience: &str) -> Option<&ApiRecord> {
        self.apis.get(audience).or_else(|| self.apis.values().find(|api| api.is_called(audience)))
    }

    /// Registers an API that every machine may use; one with this audience is replaced.
    pub(crate) fn open_api<S: AsRef<str>>(&mut self, audience: &str, scopes: impl IntoIterator<Item = S>) {
        self.apis.insert(audience.to_owned(), ApiRecord::open(audience, scopes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_gets_the_scopes_it_was_authorized_for() {
        let mut api = ApiRecord::closed("https://api.example", "Invoices");
        api.scopes = vec![ApiScope::invent("", "read:invoices"), ApiScope::invent("", "delete:invoices")];
        assert!(!api.admits("billing"));
        let scopes = BTreeSet::from(["read:invoices".to_owned()]);
        api.authorizations = Some(BTreeMap::from([("billing".to_owned(), scopes)]));
        assert!(api.admits("billing") && api.grants("billing", "read:invoices"));
        assert!(!api.grants("billing", "delete:invoices") && !api.admits("reports"));
        assert_eq!(api.usual_scopes("billing"), ["read:invoices"]);
    }

    #[test]
    fn management_api_of_a_plain_http_issuer_has_two_names() {
        let api = ApiRecord::management("http://127.0.0.1:4100", &BTreeSet::from(["read:users"]));
        assert!(api.is_called("http://127.0.0.1:4100/api"));
        assert!(api.is_called("https://http://127.0.0.1:4100/api"));
        assert!(
            !ApiRecord::management("https://a.example", &BTreeSet::new())
                .is_called("https://https://a.example/api")
        );
    }
}
