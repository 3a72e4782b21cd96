//! Feature flags as a token carries them: `{"key": {"t": "b", "v": true}}`.

use serde_json::Value;

use super::MalformedClaim;

/// The feature flags of a token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FeatureFlags(Box<[(Box<str>, Option<FlagValue>)]>);

impl FeatureFlags {
    pub(super) fn read(value: Value) -> Option<Self> {
        let Value::Object(entries) = value else { return None };
        Some(Self(entries.into_iter().map(|(key, entry)| (key.into(), FlagValue::read(entry))).collect()))
    }

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
    fn read(entry: Value) -> Option<Self> {
        let Value::Object(mut entry) = entry else { return None };
        let kind = entry.remove("t")?;
        let value = entry.remove("v")?;
        // The token writes one letter, the Account API a word, one SDK `number`: all mean the same.
        Some(match (kind.as_str()?, value) {
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
            Self::Json(value) | Self::Unknown(value) => value.to_string().len().saturating_mul(4),
        }
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

    #[test]
    fn flags_of_every_kind_are_read_and_unknown_kinds_are_kept() {
        let flags = FeatureFlags::read(json!({
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
        let flags = FeatureFlags::read(json!({
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
