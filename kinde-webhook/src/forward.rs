//! Accept now, work later: an event is stored durably, acknowledged, and handled by a worker.

use std::{fmt, future::Future};

use kinde_core::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Disposition, Event, HandlerError, Process, WebhookError, WebhookReason};

/// Stores each event with a function of yours, usually a push to a queue, and acknowledges it once it is stored.
///
/// The function must return only after the event is durable, and should store an [`id`](Event::id) only once: queues
/// call that an idempotency key. The worker verifies the stored token again and hands the event to an
/// [`Once`](crate::Once).
#[derive(Clone, Debug)]
pub struct Forward<F> {
    store: F,
}

impl<F, R> Forward<F>
where
    F: Fn(Event) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<(), HandlerError>> + Send,
{
    /// Takes the function in.
    pub fn new(store: F) -> Self {
        Self { store }
    }
}

impl<F, R> Process for Forward<F>
where
    F: Fn(Event) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<(), HandlerError>> + Send,
{
    async fn process(&self, event: Event) -> Result<Disposition, WebhookError> {
        match (self.store)(event).await {
            Ok(()) => Ok(Disposition::Stored),
            // Permanent or not: what is not stored must come again.
            Err(error) => Err(WebhookReason::Handler(error).into()),
        }
    }
}

/// What goes into a queue: the JWT, and nothing that a worker would have to believe.
///
/// It says what it is when it is printed and keeps the token to itself; a queue's own tables hold it in clear.
#[derive(Clone)]
pub struct StoredEvent {
    token: Secret,
}

impl StoredEvent {
    /// Takes the token of a verified event.
    pub fn new(event: &Event) -> Self {
        Self { token: event.token().clone() }
    }

    /// Gives the token, for [`WebhookVerifier::verify`](crate::WebhookVerifier::verify): a queue is storage, not proof.
    ///
    /// A worker's verifier needs a [`max_age`](kinde_core::EventVerifier::with_max_age) that covers the time in the
    /// queue.
    pub fn token(&self) -> &str {
        self.token.expose()
    }
}

impl Serialize for StoredEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Fields { token: self.token.expose().into() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StoredEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fields::deserialize(deserializer).map(|fields| Self { token: Secret::new(fields.token) })
    }
}

impl fmt::Debug for StoredEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StoredEvent")
    }
}

#[derive(Serialize, Deserialize)]
struct Fields {
    token: Box<str>,
}
