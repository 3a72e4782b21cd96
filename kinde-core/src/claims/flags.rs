//! Feature flags as a token carries them: `{"key": {"t": "b", "v": true}}`.

use serde::de::{Error as _, MapAccess};
use serde_json::Value;

use super::MalformedClaim;
use crate::strict_json::{self, Keep, Name, Names, REPEATED, Shape, Shaped, Skip, Text};

/// The feature flags of a token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FeatureFlags(Box<[(Box<str>, Option<FlagValue>)]>);

impl FeatureFlags {
    /// Finds a flag: `None` when absent, an error when its entry is malformed.
    pub(crate) fn find(&self, key: &str) -> Result<Option<&FlagValue>, MalformedClaim> {
        match self.0.iter().find(|(candidate, _)| candidate.as_ref() == key) {
            None => Ok(None),
            Some((_, Some(value))) => Ok(Some(value)),
            Some((_, None)) => {
                Err(MalformedClaim::new("feature_flags", r#"an object of {"t": kind, "v": value}"#))
            }
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }

    /// Estimates the heap bytes held.
    pub(super) fn weight(&self) -> usize {
        self.0.iter().fold(0, |sum, (key, value)| {
            let inner = value.as_ref().map_or(0, FlagValue::weight);
            sum.saturating_add(64).saturating_add(key.len()).saturating_add(inner)
        })
    }
}

/// The value of a feature flag.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FlagValue {
    /// A boolean flag (`t: "b"`).
    Boolean(bool),
    /// A string flag (`t: "s"`).
    String(Box<str>),
    /// An integer flag (`t: "i"`).
    Integer(i64),
    /// A JSON flag (`t: "j"`).
    Json(Value),
    /// A flag of a kind that this version does not know; the value is kept as it came.
    Unknown(Value),
}

impl FlagValue {
    fn new(kind: &str, value: Value) -> Option<Self> {
        // The token writes one letter, the Account API a word, one SDK `number`: all mean the same.
        Some(match (kind, value) {
            ("b" | "boolean", Value::Bool(value)) => Self::Boolean(value),
            ("s" | "string", Value::String(value)) => Self::String(value.into()),
            ("i" | "integer" | "number", Value::Number(value)) => Self::Integer(value.as_i64()?),
            ("j" | "json" | "object", value) => Self::Json(value),
            ("b" | "boolean" | "s" | "string" | "i" | "integer" | "number", _) => return None,
            (_, value) => Self::Unknown(value),
        })
    }

    fn weight(&self) -> usize {
        match self {
            Self::Boolean(_) | Self::Integer(_) => 0,
            Self::String(text) => text.len(),
            Self::Json(value) | Self::Unknown(value) => weight_of(value),
        }
    }
}

/// An object of flags.
pub(super) struct FlagsShape;

impl<'de> Shape<'de> for FlagsShape {
    type Value = FeatureFlags;

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<FeatureFlags>, A::Error> {
        let mut names = Names::default();
        let mut flags = Vec::with_capacity(8);
        while let Some(key) = strict_json::next_name(&mut members, &mut names)? {
            // A flag of another shape is kept as malformed, so that its neighbours stand.
            flags.push((key.into(), members.next_value_seed(Shaped(FlagShape))?.value()));
        }
        Ok(Some(FeatureFlags(flags.into())))
    }
}

/// An object of kind `t` and value `v`.
struct FlagShape;

impl<'de> Shape<'de> for FlagShape {
    type Value = FlagValue;

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<FlagValue>, A::Error> {
        // The two names that are looked for are told apart here; only others need the list of names.
        let mut others = Names::default();
        let (mut kind, mut value) = (None, None);
        while let Some(Name(name)) = members.next_key()? {
            let is_new = match name.as_ref() {
                "t" => kind.replace(members.next_value_seed(Shaped(Text))?.value()).is_none(),
                "v" => value.replace(members.next_value_seed(Keep)?).is_none(),
                _ => others.insert(name) && members.next_value_seed(Skip).map(|()| true)?,
            };
            if !is_new {
                return Err(A::Error::custom(REPEATED));
            }
        }
        Ok(kind.flatten().zip(value).and_then(|(kind, value)| FlagValue::new(&kind, value)))
    }
}

/// Estimates the heap bytes of a JSON value: a B-tree node for an object, a slot for each element.
fn weight_of(value: &Value) -> usize {
    let sum = |sum: usize, weight: usize| sum.saturating_add(weight);
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
        Value::String(text) => text.len().saturating_add(48),
        Value::Array(elements) => elements.iter().map(weight_of).fold(48, sum),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| weight_of(value).saturating_add(name.len()).saturating_add(64))
            .fold(640, sum),
    }
}

/// A Rust type that a feature flag can have.
///
/// Implemented for `bool`, `i64`, `String` and [`serde_json::Value`]; a flag of another kind is an error,
/// never a silent default.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the type of a Kinde feature flag",
    note = "a feature flag is a `bool`, `i64`, `String` or `serde_json::Value`"
)]
pub trait FromFlag: Sized {
    /// The kind of flag, for messages.
    const KIND: &'static str;

    /// Reads the value; `None` when the flag has another kind.
    fn from_flag(value: &FlagValue) -> Option<Self>;
}

impl FromFlag for bool {
    const KIND: &'static str = "a boolean";

    fn from_flag(value: &FlagValue) -> Option<Self> {
        match value {
            FlagValue::Boolean(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromFlag for i64 {
    const KIND: &'static str = "an integer";

    fn from_flag(value: &FlagValue) -> Option<Self> {
        match value {
            FlagValue::Integer(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromFlag for String {
    const KIND: &'static str = "a string";

    fn from_flag(value: &FlagValue) -> Option<Self> {
        match value {
            FlagValue::String(value) => Some(value.to_string()),
            _ => None,
        }
    }
}

impl FromFlag for Value {
    const KIND: &'static str = "JSON";

    fn from_flag(value: &FlagValue) -> Option<Self> {
        match value {
            FlagValue::Json(value) => Some(value.clone()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Option<FeatureFlags> {
        strict_json::read(&value.to_string(), Shaped(FlagsShape)).unwrap().value()
    }

    #[test]
    fn flags_of_every_kind_are_read_and_unknown_kinds_are_kept() {
        let flags = read(json!({
            "b": {"t": "b", "v": true}, "i": {"t": "i", "v": -7}, "s": {"t": "s", "v": ""},
            "j": {"t": "j", "v": {"daily": 1}}, "new": {"t": "q", "v": [1]},
        }))
        .unwrap();
        assert_eq!(flags.find("b"), Ok(Some(&FlagValue::Boolean(true))));
        assert_eq!(flags.find("i"), Ok(Some(&FlagValue::Integer(-7))));
        assert_eq!(flags.find("s"), Ok(Some(&FlagValue::String("".into()))));
        assert_eq!(flags.find("j"), Ok(Some(&FlagValue::Json(json!({"daily": 1})))));
        assert_eq!(flags.find("new"), Ok(Some(&FlagValue::Unknown(json!([1])))));
        assert_eq!(flags.find("none"), Ok(None));
    }

    /// covers: C7
    #[test]
    fn malformed_flag_is_an_error_and_leaves_its_neighbours() {
        let flags = read(json!({
            "text": {"t": "b", "v": "true"}, "bare": true, "half": {"t": "b"}, "odd": {"t": 1, "v": true},
            "float": {"t": "i", "v": 1.5}, "good": {"t": "b", "v": false},
        }))
        .unwrap();
        for key in ["text", "bare", "half", "odd", "float"] {
            assert!(flags.find(key).is_err(), "{key}");
        }
        assert_eq!(flags.find("good"), Ok(Some(&FlagValue::Boolean(false))));
    }
}
