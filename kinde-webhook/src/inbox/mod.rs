//! Has this event been seen? The only place that decides it.
//!
//! Kinde delivers at least once, in parallel and in any order. An inbox makes that "handled once": an event is
//! reserved before its handler runs, confirmed when it succeeded, released when it failed, and parked when it can
//! never succeed.
//!
//! # Which one
//!
//! | | [`MemoryInbox`] | `PostgresInbox` (feature `postgres`) | `RedisInbox` (feature `redis`) |
//! | --- | --- | --- | --- |
//! | for | one process: development, tests, a small service | several processes, and work that ends in PostgreSQL | several processes without a database at hand |
//! | a restart of the process | forgets everything: an event that Kinde sends again runs again | nothing lost | nothing lost |
//! | a restart of the store | – | nothing lost that was committed | what its persistence kept: without any, an event can run twice |
//! | a worker that dies at work | its event comes back when the lease ends | the same | the same |
//! | handled exactly once | no | yes, where the handler writes in the inbox's transaction | no |
//! | full | refuses with 503: at 100,000 events in three days, unless set higher | the disk's business; `purge` deletes what may be forgotten | refuses with 503 (`noeviction`) |
//! | a parked event stays | as long as handled ones, at most 1,000 | until somebody settles it | 30 days |
//! | whose clock counts | the process's | the server's | the server's |
//! | needs Rust | 1.88 | 1.94, as sqlx 0.9 does | 1.88 |
//!
//! # What is promised
//!
//! Reserving is atomic: of any number of deliveries at the same moment, one gets the lease. A handler whose outcome is
//! confirmed does not run again within `keep`. What no store can promise alone: between the handler's last effect and
//! the confirmation a process may die or a connection break, and then the event runs again. Handlers should be
//! idempotent, or write through the transaction of `PostgresInbox`.

use std::{fmt, future::Future, time::Duration};

use kinde_core::Secret;

use crate::Event;

#[cfg(any(feature = "postgres", feature = "redis"))]
mod deadline;
mod memory;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod nonce;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "redis")]
pub use self::redis::RedisInbox;
pub use memory::{MemoryInbox, MemoryInboxBuilder};
#[cfg(feature = "postgres")]
pub use postgres::{Begun, InboxTransaction, PostgresInbox};

/// Remembers which events were handled, atomically and for longer than Kinde may send them again.
///
/// The key is the environment, the endpoint and the signed `event_id`; never the header `webhook-id`, which is not
/// signed.
pub trait Inbox: Clone + Send + Sync + 'static {
    /// Reserves an event for the caller, unless it is handled or reserved by another.
    ///
    /// The reservation ends by itself after `terms.lease`: the event of a worker that crashed comes back. A caller
    /// that drops the future may leave such a reservation behind.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`] and [`InboxError::Full`]; the event is then not reserved, or nobody holds its lease.
    fn reserve(
        &self,
        key: &EventKey,
        terms: Terms,
    ) -> impl Future<Output = Result<Reservation, InboxError>> + Send;

    /// Marks the event as handled, for at least as long as the terms of its reservation said.
    ///
    /// It may be called again when its answer was lost. Of a lease that ended it still holds, as long as nobody else
    /// has taken the event: its handler did run.
    ///
    /// # Errors
    ///
    /// [`InboxError::LeaseLost`] when the reservation had ended and the event is another's now;
    /// [`InboxError::Unavailable`] when it is unknown whether it was marked; [`InboxError::Full`] when the reservation
    /// had ended, its place was given to another event, and there is none left. Of each the event may run again.
    fn confirm(&self, lease: &Lease) -> impl Future<Output = Result<(), InboxError>> + Send;

    /// Gives the event back, so that the next attempt handles it.
    ///
    /// Of a lease that has ended nothing is left to give back: that is no error.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`]; the event then comes back when its lease ends.
    fn release(&self, lease: &Lease) -> impl Future<Output = Result<(), InboxError>> + Send;

    /// Puts an event aside that can never be handled, with its JWT and the reason: it counts as handled, and
    /// somebody can look at it.
    ///
    /// # Errors
    ///
    /// As [`confirm`](Inbox::confirm), and [`InboxError::Full`].
    fn park(
        &self,
        lease: &Lease,
        event: &Event,
        reason: &str,
    ) -> impl Future<Output = Result<(), InboxError>> + Send;
}

/// Which event at which endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventKey {
    environment: Box<str>,
    endpoint: Box<str>,
    event_id: Box<str>,
}

impl EventKey {
    /// Names an event at an endpoint: one event goes to every endpoint of an environment that asked for its type,
    /// and each handles it.
    pub fn new(event: &Event, endpoint: &str) -> Self {
        Self {
            environment: event.issuer().as_str().into(),
            endpoint: endpoint.into(),
            event_id: event.id().into(),
        }
    }

    /// Puts a key together again that was stored in parts.
    pub fn from_parts(
        environment: impl Into<Box<str>>,
        endpoint: impl Into<Box<str>>,
        event_id: impl Into<Box<str>>,
    ) -> Self {
        Self { environment: environment.into(), endpoint: endpoint.into(), event_id: event_id.into() }
    }

    /// Gives the issuer of the environment.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Gives the name of the endpoint.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Gives the signed `event_id`.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }
}

/// For how long a reservation and its outcome hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// For how long a handler may work before its event counts as abandoned.
    pub lease: Duration,
    /// For how long a handled event is remembered, counted from its reservation: longer than the verifier accepts it.
    pub keep: Duration,
}

/// What an inbox says of an event. Complete by nature.
#[derive(Debug)]
pub enum Reservation {
    /// It is new; it is reserved for whoever holds the lease.
    Yours(Lease),
    /// Another is handling it now.
    InFlight,
    /// It is handled, or parked.
    Handled,
}

/// A reservation. Only its holder can confirm, release or park the event.
#[derive(Clone, PartialEq, Eq)]
pub struct Lease {
    key: EventKey,
    /// Distinguishes this reservation from others of the same event.
    nonce: u128,
    keep: Duration,
}

impl Lease {
    /// Notes a reservation under a random `nonce`.
    pub fn new(key: EventKey, nonce: u128, terms: Terms) -> Self {
        Self { key, nonce, keep: terms.keep }
    }

    /// Gives the event's key.
    pub fn key(&self) -> &EventKey {
        &self.key
    }

    /// Gives what distinguishes this reservation from others of the event.
    pub fn nonce(&self) -> u128 {
        self.nonce
    }

    /// Gives for how long the outcome must be remembered.
    pub fn keep(&self) -> Duration {
        self.keep
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lease").field("key", &self.key).finish_non_exhaustive()
    }
}

/// An event that was put aside, with what is needed to look at it and to handle it after all.
///
/// Its JWT holds personal data; it was verified when it was parked, and has to be verified again before it is
/// believed: [`WebhookVerifier::verify_with`](crate::WebhookVerifier::verify_with) at the time of
/// [`parked_at`](ParkedEvent::parked_at).
#[derive(Clone, Debug)]
pub struct ParkedEvent {
    key: EventKey,
    token: Secret,
    reason: Box<str>,
    parked_at: Duration,
}

impl ParkedEvent {
    /// Notes what a store kept of a parked event; `parked_at` is the time since 1970.
    pub fn new(key: EventKey, token: Secret, reason: impl Into<Box<str>>, parked_at: Duration) -> Self {
        Self { key, token, reason: reason.into(), parked_at }
    }

    /// Gives which event it is.
    pub fn key(&self) -> &EventKey {
        &self.key
    }

    /// Gives the JWT as it came.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// Gives why it could not be handled, cut to 1 KiB.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Tells when it was parked, since 1970.
    pub fn parked_at(&self) -> Duration {
        self.parked_at
    }
}

/// Why an inbox could not answer. A retry by Kinde can cure each of these: the answer is 503.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InboxError {
    /// The store cannot be reached, or answered with an error.
    #[error("the store of the inbox does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no room; nothing that must be remembered is forgotten for it.
    #[error("the inbox is full: it holds {limit} events")]
    Full {
        /// The configured limit.
        limit: usize,
    },
    /// The reservation had ended, and another has taken the event.
    #[error(
        "the reservation ended before its handler did: give it a longer lease, or the handler less to do"
    )]
    LeaseLost,
    /// The handler went on after a failed statement, or ended the transaction that it shares with the inbox.
    #[error("the handler's transaction is aborted or ended: put a statement that may fail into a savepoint")]
    TransactionAborted,
}

/// Cuts a reason at a character's end, so that an error's text cannot fill a store.
fn cut(reason: &str) -> &str {
    let end = (0..=REASON_LIMIT_BYTES).rev().find(|end| reason.is_char_boundary(*end));
    end.and_then(|end| reason.get(..end)).unwrap_or_default()
}

/// Room for a sentence and its cause.
const REASON_LIMIT_BYTES: usize = 1024;

#[cfg(test)]
mod tests;
