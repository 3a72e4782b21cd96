//! How an object of Kinde's becomes a struct and the same object again.
//!
//! A member moves out of the object into its field. What stays behind, `null` and texts of another type among it, is
//! kept in `others` and written back.

use std::fmt;

use serde_json::{Map, Value};

/// Something that is read from the members of an object.
pub(super) trait Object: Sized {
    fn take(members: Map<String, Value>) -> Result<Self, BadMember>;
}

/// Implements reading, serde and `Debug` for a struct by a list of its fields, each with the function below that
/// takes it, and those that `Debug` may show.
macro_rules! object {
    ($name:ident shows $($shown:ident),+; $($field:ident: $take:ident),+ $(,)?) => {
        impl $name {
            /// Gives the members that have no accessor, as they came. A known member is among them when it was
            /// `null` or a text of another type.
            pub fn others(&self) -> &Map<String, Value> {
                &self.others
            }
        }

        impl $crate::payload::object::Object for $name {
            fn take(
                mut members: Map<String, Value>,
            ) -> Result<Self, $crate::payload::object::BadMember> {
                Ok(Self {
                    $($field: $crate::payload::object::$take(&mut members, stringify!($field))?,)+
                    others: members,
                })
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let members = Map::deserialize(deserializer)?;
                $crate::payload::object::Object::take(members).map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut members = self.others.clone();
                $(
                    let member = serde_json::to_value(&self.$field).map_err(serde::ser::Error::custom)?;
                    if !member.is_null() {
                        members.insert(stringify!($field).to_owned(), member);
                    }
                )+
                members.serialize(serializer)
            }
        }

        /// Shows which it is, not what is said about a person.
        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter
                    .debug_struct(stringify!($name))
                    $(.field(stringify!($shown), &self.$shown))+
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(super) use object;

/// Takes an id that must be there. An empty one is none: many things would share it.
pub(super) fn id(members: &mut Map<String, Value>, name: &'static str) -> Result<String, BadMember> {
    match members.remove(name) {
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        _ => Err(BadMember::new(name, "a non-empty string")),
    }
}

/// Takes an id that may be absent, `null` or empty.
pub(super) fn optional_id(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, BadMember> {
    match members.get(name) {
        None | Some(Value::Null | Value::String(_)) => text(members, name),
        Some(_) => Err(BadMember::new(name, "a string")),
    }
}

/// Takes a text; one of another type stays behind. It never fails: it has the signature that the macro calls.
pub(super) fn text(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, BadMember> {
    if !members.get(name).is_some_and(Value::is_string) {
        return Ok(None);
    }
    match members.remove(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        _ => Ok(None),
    }
}

/// Takes a boolean that may be absent or `null`.
pub(super) fn flag(members: &mut Map<String, Value>, name: &'static str) -> Result<Option<bool>, BadMember> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(_)) => Ok(members.remove(name).as_ref().and_then(Value::as_bool)),
        Some(_) => Err(BadMember::new(name, "a boolean")),
    }
}

/// Takes a list of objects that may be absent or `null`.
pub(super) fn list<T: Object>(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<Vec<T>>, BadMember> {
    let elements = match members.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(_) => members.remove(name),
    };
    let Some(Value::Array(elements)) = elements else { return Err(BadMember::new(name, "a list")) };
    let taken = elements.into_iter().enumerate().map(|(index, element)| match element {
        Value::Object(members) => T::take(members).map_err(|bad| bad.inside(&format!("{name}[{index}]"))),
        _ => Err(BadMember::new(&format!("{name}[{index}]"), "an object")),
    });
    taken.collect::<Result<Vec<_>, _>>().map(Some)
}

/// Takes an object that must be there.
pub(super) fn required<T: Object>(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<T, BadMember> {
    optional(members, name)?.ok_or_else(|| BadMember::new(name, "an object"))
}

/// Takes an object that may be absent or `null`.
pub(super) fn optional<T: Object>(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<T>, BadMember> {
    match members.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(_)) => {}
        Some(_) => return Err(BadMember::new(name, "an object")),
    }
    match members.remove(name) {
        Some(Value::Object(object)) => T::take(object).map(Some).map_err(|bad| bad.inside(name)),
        _ => Ok(None),
    }
}

/// Gives a text unless it is empty, which is how Kinde writes one that is not set.
pub(super) fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// A member that is not what it must be. It holds names of ours and indexes only.
#[derive(Debug, PartialEq)]
pub(super) struct BadMember {
    place: String,
    expected: &'static str,
}

impl BadMember {
    fn new(place: &str, expected: &'static str) -> Self {
        Self { place: place.to_owned(), expected }
    }

    fn inside(self, outer: &str) -> Self {
        Self { place: format!("{outer}.{}", self.place), ..self }
    }
}

impl fmt::Display for BadMember {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is not {}", self.place, self.expected)
    }
}
