//! JSON read the way a signature checker must: no name twice, no trailing data, bounded depth.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Reads a whole text with `seed`; anything but white space behind the value is an error.
///
/// The depth is bounded by serde_json's recursion limit of 128, because every value below is read through
/// `deserialize_any`, never skipped.
pub(crate) fn read<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> serde_json::Result<S::Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads one value of any shape and keeps it; a repeated name at any level is an error.
pub(crate) struct Keep;

/// Reads one value of any shape and drops it; a repeated name at any level is an error.
pub(crate) struct Skip;

impl<'de> DeserializeSeed<'de> for Keep {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(AnyValue::<true>)
    }
}

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(AnyValue::<false>).map(drop)
    }
}

/// What a value was, compared with the shape that was looked for. Complete by nature.
pub(crate) enum Found<T> {
    Null,
    Is(T),
    /// Another shape; it was still read to its end, so a repeated name in it is an error.
    Other,
}

impl<T> Found<T> {
    /// Gives the value if it has the shape.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Null | Self::Other => None,
        }
    }
}

/// A shape to look for. What it does not handle is [`Found::Other`].
pub(crate) trait Shape<'de>: Sized {
    type Value;

    fn text(self, _: Cow<'de, str>) -> Option<Self::Value> {
        None
    }

    fn number(self, _: Number) -> Option<Self::Value> {
        None
    }

    fn list<A: SeqAccess<'de>>(self, elements: A) -> Result<Option<Self::Value>, A::Error> {
        AnyValue::<false>.visit_seq(elements).map(|_| None)
    }

    fn object<A: MapAccess<'de>>(self, members: A) -> Result<Option<Self::Value>, A::Error> {
        AnyValue::<false>.visit_map(members).map(|_| None)
    }
}

/// Looks for a string, borrowed from the text unless it holds an escape.
pub(crate) struct Text;

impl<'de> Shape<'de> for Text {
    type Value = Cow<'de, str>;

    fn text(self, text: Cow<'de, str>) -> Option<Cow<'de, str>> {
        Some(text)
    }
}

/// Reads one value and compares it with a shape.
pub(crate) struct Shaped<S>(pub(crate) S);

impl<'de, S: Shape<'de>> DeserializeSeed<'de> for Shaped<S> {
    type Value = Found<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: Shape<'de>> Visitor<'de> for Shaped<S> {
    type Value = Found<S::Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(found(self.0.text(Cow::Borrowed(text))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(found(self.0.text(Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(found(self.0.number(number.into())))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(found(self.0.number(number.into())))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(found(Number::from_f64(number).and_then(|number| self.0.number(number))))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Found::Other)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Found::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        self.0.list(elements).map(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        self.0.object(members).map(found)
    }
}

fn found<T>(value: Option<T>) -> Found<T> {
    value.map_or(Found::Other, Found::Is)
}

/// The names seen so far in one object.
#[derive(Default)]
pub(crate) struct Names<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Names<'de> {
    /// Takes a name in; tells whether it is new.
    pub(crate) fn insert(&mut self, name: Cow<'de, str>) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(name);
        }
        if self.few.contains(&name) {
            return false;
        }
        if self.few.is_empty() {
            self.few.reserve(FEW);
        }
        self.few.push(name);
        // A hostile object holds thousands of names: past a few, look them up instead of comparing all.
        if self.few.len() > FEW {
            self.many.extend(self.few.drain(..));
        }
        true
    }
}

/// A member name, borrowed from the text unless it holds an escape.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a member name")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Gives the next name of an object, refusing one that was seen before.
pub(crate) fn next_name<'de, A: MapAccess<'de>>(
    members: &mut A,
    names: &mut Names<'de>,
) -> Result<Option<Cow<'de, str>>, A::Error> {
    let Some(Name(name)) = members.next_key()? else { return Ok(None) };
    if names.insert(name.clone()) { Ok(Some(name)) } else { Err(A::Error::custom(REPEATED)) }
}

/// What an error says about a repeated member name.
pub(crate) const REPEATED: &str = "a member name occurs twice";

/// Visits a value of any shape; keeps it only if `KEEP`.
struct AnyValue<const KEEP: bool>;

impl<'de, const KEEP: bool> DeserializeSeed<'de> for AnyValue<KEEP> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, const KEEP: bool> Visitor<'de> for AnyValue<KEEP> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(if KEEP { Value::String(value.to_owned()) } else { Value::Null })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(element) = elements.next_element_seed(AnyValue::<KEEP>)? {
            if KEEP {
                kept.push(element);
            }
        }
        Ok(Value::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        if KEEP { keep_members(members).map(Value::Object) } else { skip_members(members) }
    }
}

/// What is kept tells by itself whether a name was there before.
fn keep_members<'de, A: MapAccess<'de>>(mut members: A) -> Result<Map<String, Value>, A::Error> {
    let mut kept = Map::new();
    while let Some(Name(name)) = members.next_key()? {
        let value = members.next_value_seed(AnyValue::<true>)?;
        if kept.insert(name.into_owned(), value).is_some() {
            return Err(A::Error::custom(REPEATED));
        }
    }
    Ok(kept)
}

fn skip_members<'de, A: MapAccess<'de>>(mut members: A) -> Result<Value, A::Error> {
    let mut names = Names::default();
    while next_name(&mut members, &mut names)?.is_some() {
        members.next_value_seed(AnyValue::<false>)?;
    }
    Ok(Value::Null)
}

const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(text: &str) -> bool {
        let kept = read(text, Keep).is_ok();
        assert_eq!(read(text, Skip).is_ok(), kept, "{text}");
        kept
    }

    /// covers: A9
    #[test]
    fn repeated_names_are_refused_at_every_level() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"[[{"a":1,"b":2,"a":3}]]"#,
        ] {
            assert!(!is_read(text), "{text}");
        }
        assert!(is_read(r#"{"a":{"a":1},"b":{"a":1},"A":2}"#));
    }

    /// covers: A9
    #[test]
    fn repeated_name_among_very_many_is_refused() {
        let members: Vec<String> = (0..500).map(|number| format!(r#""n{number}":0"#)).collect();
        let good = format!("{{{}}}", members.join(","));
        let bad = format!("{{{},\"n7\":1}}", members.join(","));
        assert!(is_read(&good));
        assert!(!is_read(&bad));
    }

    /// covers: A9
    #[test]
    fn text_that_is_not_exactly_one_value_is_refused() {
        for text in [
            "",
            "{",
            "{} {}",
            "{}x",
            "\u{feff}{}",
            "{\"a\":NaN}",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
            "{'a':1}",
            "{\"a\":1,}",
        ] {
            assert!(!is_read(text), "{text}");
        }
        assert!(is_read(" {} \n"));
    }

    /// covers: J2
    #[test]
    fn depth_is_bounded_at_128() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_read(&nested(127)));
        assert!(!is_read(&nested(128)));
        assert!(!is_read(&nested(100_000)));
    }
}
