//! A claims set under construction.

use std::collections::BTreeMap;
#[cfg(test)]
use std::collections::BTreeSet;

use serde_json::{Map, Value};

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

    /// Returns a claim that is text; empty when it is not.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Sets what stands at a path of names and indexes with dots between; makes what is missing on the way.
    pub(crate) fn set_at(&mut self, path: &str, value: Value) {
        let mut segments = path.split('.');
        let name = segments.next().unwrap_or_default();
        let mut place = Some(self.0.entry(name.to_owned()).or_default());
        for segment in segments {
            place = place.and_then(|place| member(place, segment));
        }
        if let Some(place) = place {
            *place = value;
        }
    }

    /// Leaves out what stands at a path of names and indexes with dots between.
    pub(crate) fn remove_at(&mut self, path: &str) {
        let Some((parents, last)) = path.rsplit_once('.') else {
            self.0.remove(path);
            return;
        };
        let mut segments = parents.split('.');
        let mut place = segments.next().and_then(|name| self.0.get_mut(name));
        for segment in segments {
            place = place.and_then(|place| existing_member(place, segment));
        }
        match (place, last.parse::<usize>()) {
            (Some(Value::Object(members)), _) => drop(members.remove(last)),
            (Some(Value::Array(items)), Ok(index)) if index < items.len() => drop(items.remove(index)),
            _ => {}
        }
    }

    /// Reads the JSON object that [`to_json`](Self::to_json) wrote.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
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

fn existing_member<'a>(value: &'a mut Value, segment: &str) -> Option<&'a mut Value> {
    match value {
        Value::Array(items) => items.get_mut(segment.parse::<usize>().ok()?),
        value => value.get_mut(segment),
    }
}

/// Returns a member of an object or an item of an array, made first when there is none.
fn member<'a>(value: &'a mut Value, segment: &str) -> Option<&'a mut Value> {
    if let (Value::Array(items), Ok(index)) = (&mut *value, segment.parse::<usize>()) {
        // The index after the last adds an item, and so does any further one.
        let index = index.min(items.len());
        if index == items.len() {
            items.push(Value::Null);
        }
    } else if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Array(items) => {
            let last = items.len().saturating_sub(1);
            items.get_mut(segment.parse::<usize>().ok()?.min(last))
        }
        value => Some(value.as_object_mut()?.entry(segment).or_insert(Value::Null)),
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
    fn value_is_set_at_a_path_and_what_is_missing_is_made() {
        let mut claims = Claims::default();
        claims.set("data", serde_json::json!({ "user": { "organizations": [{ "code": "org_1" }] } }));
        claims.set_at("data.user.organizations.0.code", "org_2".into());
        claims.set_at("data.user.organizations.9.code", "org_3".into());
        claims.set_at("data.user.name.first", "Ada".into());
        claims.set_at("source", "api".into());
        let data = r#"{"user":{"name":{"first":"Ada"},"organizations":[{"code":"org_2"},{"code":"org_3"}]}}"#;
        assert_eq!(claims.get("data").unwrap().to_string(), data);
        assert_eq!(claims.text("source"), "api");
    }

    #[test]
    fn value_is_left_out_at_a_path() {
        let mut claims = Claims::default();
        claims.set("data", serde_json::json!({ "user": { "id": "kp_1", "phones": ["1", "2"] } }));
        claims.set("source", "api");
        for path in
            ["data.user.id", "data.user.phones.0", "data.user.phones.9", "data.nobody.id", "source", "x"]
        {
            claims.remove_at(path);
        }
        assert_eq!(claims.to_json(), r#"{"data":{"user":{"phones":["2"]}}}"#);
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
