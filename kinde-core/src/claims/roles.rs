//! Roles as a token carries them: objects, or plain strings after a workflow.

use serde_json::Value;

use super::parse::text;

/// The roles of a token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Roles(pub(crate) Box<[Role]>);

impl Roles {
    pub(super) fn read(value: Value) -> Option<Self> {
        match value {
            Value::Array(elements) => elements.into_iter().map(Role::read).collect::<Option<_>>().map(Self),
            _ => None,
        }
    }

    /// Estimates the heap bytes held.
    pub(super) fn weight(&self) -> usize {
        self.0.iter().fold(0, |sum, role| {
            let names = role
                .id
                .as_deref()
                .map_or(0, str::len)
                .saturating_add(role.name.as_deref().map_or(0, str::len));
            sum.saturating_add(96).saturating_add(role.key.len()).saturating_add(names)
        })
    }
}

/// A role of a person in the organization of the token. Compare roles by [`key`](Role::key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    key: Box<str>,
    id: Option<Box<str>>,
    name: Option<Box<str>>,
}

impl Role {
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::String(key) => Some(Self { key: key.into(), id: None, name: None }),
            Value::Object(mut role) => Some(Self {
                key: role.remove("key").and_then(text)?,
                id: role.remove("id").and_then(text),
                name: role.remove("name").and_then(text),
            }),
            _ => None,
        }
    }

    /// Gives the key, the stable word that code compares.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Gives Kinde's id of the role; absent when a workflow wrote the role as a string.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Gives the display name; absent when a workflow wrote the role as a string.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roles_are_read_as_objects_and_as_strings() {
        let roles = Roles::read(json!([{"id": "1", "key": "admin", "name": "Admin"}, "viewer"])).unwrap();
        assert_eq!(roles.0.iter().map(Role::key).collect::<Vec<_>>(), ["admin", "viewer"]);
    }

    /// covers: C7
    #[test]
    fn role_without_a_key_makes_the_claim_malformed() {
        assert_eq!(Roles::read(json!([{"id": "1", "name": "admin"}])), None);
        assert_eq!(Roles::read(json!(["admin", 7])), None);
        assert_eq!(Roles::read(json!("admin")), None);
    }
}
