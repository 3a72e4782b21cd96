//! A verified event: what its signed envelope says, and its payload on demand.

use std::{fmt, sync::Arc, time::Duration};

use kinde_core::{Issuer, Secret, SignedEvent};
use serde_json::{Map, Value};

use crate::{EventPayload, MalformedPayload, Payload};

/// An event that Kinde signed; only a [`WebhookVerifier`](crate::WebhookVerifier) constructs it. Cheap to clone.
///
/// It keeps the JWT it was read from ([`token`](Event::token)), so that it can travel to a worker and be verified
/// there again.
#[derive(Clone)]
pub struct Event {
    signed: Arc<SignedEvent>,
}

impl Event {
    pub(crate) fn new(signed: SignedEvent) -> Self {
        Self { signed: Arc::new(signed) }
    }

    /// Gives the signed `event_id`, such as `event_0190…`: the same at every attempt and at every endpoint.
    pub fn id(&self) -> &str {
        self.signed.event_id()
    }

    /// Gives the `type`, such as `user.created`.
    ///
    /// The set is open: Kinde adds types, and an endpoint may get one that this version does not know.
    pub fn event_type(&self) -> &str {
        self.signed.event_type()
    }

    /// Gives the environment that sent it.
    pub fn issuer(&self) -> &Issuer {
        self.signed.issuer()
    }

    /// Gives the signed `timestamp`, since 1970: when Kinde made the message.
    ///
    /// Events come in any order; a state that is synced from them compares this (or
    /// [`happened_at`](Event::happened_at)) with what it wrote last.
    pub fn timestamp(&self) -> Duration {
        self.signed.timestamp()
    }

    /// Gives when it happened, since 1970: `event_timestamp` where Kinde sends it, `timestamp` otherwise.
    pub fn happened_at(&self) -> Duration {
        self.signed.happened_at()
    }

    /// Gives who caused the event.
    pub fn source(&self) -> Source {
        match self.text("source") {
            None => Source::Absent,
            Some("admin") => Source::Admin,
            Some("api") => Source::Api,
            Some("user") => Source::User,
            Some(other) => Source::Other(other.into()),
        }
    }

    /// Gives the IP address of a sign-in, on `user.authenticated` and `user.authentication_failed`.
    pub fn ip_address(&self) -> Option<&str> {
        self.text("ip_address")
    }

    /// Gives `data` as it came.
    pub fn data(&self) -> &Map<String, Value> {
        self.signed.data()
    }

    /// Reads the payload by the event's type.
    ///
    /// # Errors
    ///
    /// [`MalformedPayload`] when `data` has not the shape that the type has. The event itself stands: its
    /// [`data`](Event::data) can still be read.
    pub fn payload(&self) -> Result<Payload, MalformedPayload> {
        Payload::read(self.event_type(), self.data())
    }

    /// Reads the payload as `P`, of this crate or of your own.
    ///
    /// # Errors
    ///
    /// [`MalformedPayload`] when the event has another type, or `data` another shape.
    pub fn read<P: EventPayload>(&self) -> Result<P, MalformedPayload> {
        if self.event_type() != P::TYPE {
            return Err(MalformedPayload::of_another_type(P::TYPE, self.event_type()));
        }
        P::read(self.data())
    }

    /// Gives the verified JWT, to store it or to hand it to a worker, which verifies it again.
    pub fn token(&self) -> &Secret {
        self.signed.token()
    }

    /// Gives another member of the envelope.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.signed.claim(name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claim(name).and_then(Value::as_str)
    }
}

/// What an event can be read as: a payload, or the event itself.
pub trait FromEvent: Sized {
    /// Reads the event; `None` when it is of another type.
    ///
    /// # Errors
    ///
    /// [`MalformedPayload`] when the type is right and the payload is not.
    fn from_event(event: &Event) -> Result<Option<Self>, MalformedPayload>;
}

impl FromEvent for Event {
    fn from_event(event: &Event) -> Result<Option<Self>, MalformedPayload> {
        Ok(Some(event.clone()))
    }
}

impl<P: EventPayload> FromEvent for P {
    fn from_event(event: &Event) -> Result<Option<Self>, MalformedPayload> {
        (event.event_type() == P::TYPE).then(|| event.read()).transpose()
    }
}

/// Shows which event it is, not what it says about a person.
impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Event")
            .field("id", &self.id())
            .field("event_type", &self.event_type())
            .field("issuer", self.issuer())
            .finish_non_exhaustive()
    }
}

/// Who caused an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Somebody in Kinde's admin pages.
    Admin,
    /// A program, by the management API.
    Api,
    /// The person it is about.
    User,
    /// A word that this version does not know.
    Other(Box<str>),
    /// The event does not say.
    Absent,
}
