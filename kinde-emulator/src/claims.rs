//! A claims set under construction.

use std::collections::BTreeMap;
#[cfg(test)]
use std::collections::BTreeSet;

use serde_json::Value;

/// Claims by name; written in alphabetical order, as Kinde does.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Claims(BTreeMap<String, Value>);

impl Claims {
    /// Sets a claim, replacing an earlier one.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Sets a claim when there is a value: an absent claim is absent, never null.
    pub(crate) fn set_some<V: Into<Value>>(&mut self, name: &str, value: Option<V>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    #[cfg(test)]
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Renames claims as an application with Hasura mapping does: names are replaced, never doubled.
    pub(crate) fn map_to_hasura(&mut self) {
        for (plain, mapped) in HASURA_NAMES {
            if let Some(value) = self.remove(plain) {
                self.set(mapped, value);
            }
        }
    }

    /// Writes the JSON object.
    pub(crate) fn to_json(&self) -> String {
        // Names are strings and values are JSON already, so writing cannot fail.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

// The hyphens and underscores are mixed at Kinde too.
const HASURA_NAMES: [(&str, &str); 9] = [
    ("permissions", "x-hasura-permissions"),
    ("roles", "x-hasura-roles"),
    ("org_code", "x-hasura-org-code"),
    ("org_name", "x-hasura-org-name"),
    ("feature_flags", "x-hasura-feature-flags"),
    ("user_properties", "x-hasura-user_properties"),
    ("organization_properties", "x-hasura-organization_properties"),
    ("org_codes", "x-hasura-org-codes"),
    ("organizations", "x-hasura-organizations"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_written_in_alphabetical_order() {
        let mut claims = Claims::default();
        claims.set("sub", "kp_1");
        claims.set("aud", Vec::<String>::new());
        claims.set_some::<String>("org_code", None);
        assert_eq!(claims.to_json(), r#"{"aud":[],"sub":"kp_1"}"#);
    }

    #[test]
    fn hasura_mapping_replaces_the_plain_names() {
        let mut claims = Claims::default();
        claims.set("org_code", "org_1");
        claims.set("sub", "kp_1");
        claims.map_to_hasura();
        assert_eq!(claims.names(), BTreeSet::from(["sub", "x-hasura-org-code"]));
    }
}
