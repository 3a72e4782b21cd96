//! Roles as a token carries them: objects, or plain strings after a workflow.

use std::borrow::Cow;

use serde::de::{MapAccess, SeqAccess};

use crate::strict_json::{self, Names, Shape, Shaped, Skip, Text};

/// The roles of a token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Roles(pub(crate) Box<[Role]>);

impl Roles {
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

/// A list of strings, or of objects with a `key`.
pub(super) struct RolesShape;

impl<'de> Shape<'de> for RolesShape {
    type Value = Roles;

    fn list<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Option<Roles>, A::Error> {
        let mut roles = Vec::new();
        let mut is_good = true;
        while let Some(element) = elements.next_element_seed(Shaped(RoleShape))? {
            is_good &= element.value().map(|role| roles.push(role)).is_some();
        }
        Ok(is_good.then(|| Roles(roles.into())))
    }
}

struct RoleShape;

impl<'de> Shape<'de> for RoleShape {
    type Value = Role;

    fn text(self, key: Cow<'de, str>) -> Option<Role> {
        Some(Role { key: key.into(), id: None, name: None })
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<Role>, A::Error> {
        let mut names = Names::default();
        let (mut key, mut id, mut name) = (None, None, None);
        while let Some(member) = strict_json::next_name(&mut members, &mut names)? {
            let slot = match member.as_ref() {
                "key" => &mut key,
                "id" => &mut id,
                "name" => &mut name,
                _ => {
                    members.next_value_seed(Skip)?;
                    continue;
                }
            };
            *slot = members.next_value_seed(Shaped(Text))?.value().map(Box::from);
        }
        Ok(key.map(|key| Role { key, id, name }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Option<Roles> {
        strict_json::read(&value.to_string(), Shaped(RolesShape)).unwrap().value()
    }

    #[test]
    fn roles_are_read_as_objects_and_as_strings() {
        let roles = read(json!([{"id": "1", "key": "admin", "name": "Admin"}, "viewer"])).unwrap();
        assert_eq!(roles.0.iter().map(Role::key).collect::<Vec<_>>(), ["admin", "viewer"]);
    }

    /// covers: C7
    #[test]
    fn role_without_a_key_makes_the_claim_malformed() {
        assert_eq!(read(json!([{"id": "1", "name": "admin"}])), None);
        assert_eq!(read(json!(["admin", 7])), None);
        assert_eq!(read(json!("admin")), None);
    }
}
