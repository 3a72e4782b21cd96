//! One event: what it says, and what becomes of it.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    claims::Claims,
    identifiers, jws,
    provider::Provider,
    webhooks::{Envelope, Event, payload},
    wrong::WrongToken,
};

/// An event to deliver, or to sign only.
///
/// Made by [`Environment::event`](crate::Environment::event), with data such as Kinde sends for its type. Each method
/// returns an event that says something else and has the same `event_id`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let event = kinde.event("user.created").set("data.user.email", "ada@example.test");
/// let token = event.token();
/// let forged = event.wrong().other_key();
/// event.send();
/// # assert_ne!(token, forged);
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct WebhookEvent {
    provider: Arc<Provider>,
    claims: Claims,
    kid: Option<String>,
}

impl WebhookEvent {
    pub(crate) fn new(provider: &Arc<Provider>, event_type: &str) -> Self {
        let sample = payload::sample(event_type);
        let happened_at = provider.webhooks.moment(provider.clock.since_epoch());
        let envelope = Envelope {
            event_type,
            event_id: &provider.random.during(|| identifiers::event_id(happened_at)),
            source: sample.source,
            happened_at,
            ip_address: sample.ip_address,
            style: provider.webhooks.style,
        };
        Self { provider: Arc::clone(provider), claims: envelope.claims(sample.data), kid: None }
    }

    /// Returns the claim `event_id`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.claims.text("event_id")
    }
}

/// What the event says.
impl WebhookEvent {
    /// Replaces the whole of `data`, with any JSON.
    ///
    /// Default: data such as Kinde sends for the type; for an unknown type, `{}`.
    pub fn with_data(self, data: impl Into<Value>) -> Self {
        self.set("data", data)
    }

    /// Sets what stands at a path of names and indexes with dots between, such as `data.user.organizations.0.code`.
    ///
    /// Any claim can be set, those of the envelope too: `source`, `timestamp`, `event_id`, or `iss`, which no webhook
    /// has. What is missing on the way is made.
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        self.claims.set_at(path, value.into());
        self
    }

    /// Leaves out what stands at a path.
    pub fn without(mut self, path: &str) -> Self {
        self.claims.remove_at(path);
        self
    }

    /// Says when the event happened, in Unix seconds, in every claim that says so.
    ///
    /// Default: the environment's time when [`Environment::event`](crate::Environment::event) was called.
    pub fn happened_at(mut self, unix_seconds: u64) -> Self {
        let written = self.provider.webhooks.style.write(Duration::from_secs(unix_seconds));
        if self.claims.remove("event_timestamp").is_some() {
            self.claims.set("event_timestamp", written.as_str());
        }
        self.claims.set("timestamp", written);
        self
    }

    /// Signs with this key of the environment, published or not.
    ///
    /// Default: the current key; also when there is no key with this ID.
    pub fn signed_by(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }
}

/// What becomes of the event.
impl WebhookEvent {
    /// Delivers the event to every endpoint that wants its type, and returns its `event_id`.
    ///
    /// It comes back at once; [`Environment::settled`](crate::Environment::settled) waits for the requests. Sent again,
    /// it is the same event again.
    pub fn send(&self) -> String {
        let event = Event {
            id: self.id().to_owned(),
            event_type: self.claims.text("type").to_owned(),
            payload: self.claims.to_json(),
            token: self.token(),
        };
        self.provider.webhooks.announce(event, self.provider.clock.since_epoch());
        self.id().to_owned()
    }

    /// Signs the event and delivers nothing.
    #[must_use]
    pub fn token(&self) -> String {
        jws::sign(&self.provider.signing_key(self.kid.as_deref()), &self.claims)
    }

    /// Starts a token of this event with something wrong with it.
    pub fn wrong(&self) -> WrongToken {
        WrongToken::new(&self.provider, self.claims.clone(), self.kid.clone())
    }
}
