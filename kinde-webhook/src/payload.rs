//! What events say: a type for each shape that is known, raw JSON for the rest.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The payload of one event type. Implement it for a type of your own to read an event that this crate does not
/// know, or to read one differently.
pub trait EventPayload: DeserializeOwned + Send + 'static {
    /// The `type` of the envelope.
    const TYPE: &'static str;

    /// Reads `data`.
    ///
    /// # Errors
    ///
    /// [`MalformedPayload`] when it has another shape.
    fn read(data: &Map<String, Value>) -> Result<Self, MalformedPayload> {
        Self::deserialize(data).map_err(|_| MalformedPayload::of_another_shape(Self::TYPE))
    }
}

/// A payload, by the event's type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Payload {
    /// A type that this version does not know.
    Unknown {
        /// The type.
        kind: Box<str>,
        /// `data` as it came.
        data: Map<String, Value>,
    },
}

impl Payload {
    pub(crate) fn read(kind: &str, data: &Map<String, Value>) -> Result<Self, MalformedPayload> {
        Ok(Self::Unknown { kind: kind.into(), data: data.clone() })
    }
}

/// A payload has not the shape, or the event not the type, that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload is not that of {expected}: {problem}")]
pub struct MalformedPayload {
    expected: &'static str,
    problem: Box<str>,
}

impl MalformedPayload {
    pub(crate) fn of_another_type(expected: &'static str, found: &str) -> Self {
        let problem = format!("the event is {:?}", kinde_core::UntrustedText::new(found));
        Self { expected, problem: problem.into() }
    }

    pub(crate) fn of_another_shape(expected: &'static str) -> Self {
        Self { expected, problem: "data has another shape".into() }
    }
}
