//! Has this event been seen? The only place that decides it.
//!
//! Kinde delivers at least once, in parallel and in any order. An inbox makes that "handled once": an event is
//! reserved before its handler runs, confirmed when it succeeded, released when it failed, and parked when it can
//! never succeed.

use std::{fmt, future::Future, time::Duration};

use crate::Event;

/// Remembers which events were handled, atomically and for longer than Kinde may send them again.
///
/// The key is the environment, the endpoint and the signed `event_id`; never the header `webhook-id`, which is not
/// signed.
pub trait Inbox: Clone + Send + Sync + 'static {
    /// Reserves an event for the caller, unless it is handled or reserved by another.
    ///
    /// The reservation ends by itself after `terms.lease`: the event of a worker that crashed comes back.
    fn reserve(
        &self,
        key: &EventKey,
        terms: Terms,
    ) -> impl Future<Output = Result<Reservation, InboxError>> + Send;

    /// Marks the event as handled, for as long as the terms of its reservation said.
    ///
    /// # Errors
    ///
    /// [`InboxError::LeaseLost`] when the reservation had ended and the event is another's now.
    fn confirm(&self, lease: &Lease) -> impl Future<Output = Result<(), InboxError>> + Send;

    /// Gives the event back, so that the next attempt handles it.
    ///
    /// Of a lease that has ended nothing is left to give back: that is no error.
    fn release(&self, lease: &Lease) -> impl Future<Output = Result<(), InboxError>> + Send;

    /// Puts an event aside that can never be handled, with its JWT and the reason: it counts as handled, and
    /// somebody can look at it.
    ///
    /// # Errors
    ///
    /// As [`confirm`](Inbox::confirm).
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
    /// Distinguishes this reservation from an earlier one of the same event.
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
}
