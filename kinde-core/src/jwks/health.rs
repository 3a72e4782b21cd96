//! What can be read about a key set from outside: its health, and why keys are unavailable.

use std::{fmt, time::Duration};

use crate::FetchErrorKind;

/// The state of a [`Jwks`](crate::Jwks), for a health endpoint and for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JwksHealth {
    /// Whether tokens can be verified now: a set is held and it is not older than the hard bound.
    pub is_usable: bool,
    /// The number of keys that can verify a token.
    pub key_count: usize,
    /// The age of the held set since the provider last confirmed it; `None` when none is held.
    pub set_age: Option<Duration>,
    /// The time since the last successful fetch; `None` before the first, and for a static set.
    pub last_success_age: Option<Duration>,
    /// Why the most recent failed fetch failed; it stays after a recovery.
    pub last_error: Option<JwksErrorKind>,
    /// The time since the most recent failed fetch ended.
    pub last_error_age: Option<Duration>,
    /// The number of failed fetches since the last successful one.
    pub consecutive_failures: u64,
    /// The number of fetches that were started.
    pub fetches: u64,
}

/// Why a fetch of the key set failed; each kind is a stable, low-cardinality word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwksErrorKind {
    /// No connection, or it broke: DNS, TCP, TLS, a reset.
    Connection,
    /// The whole exchange took longer than the deadline.
    Deadline,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The runtime that carried the fetch ended, or stood still, before the fetch did.
    Abandoned,
    /// The status is not 200; redirects are not followed.
    Status,
    /// The answer is 304 although no set is held.
    NotModifiedWithoutSet,
    /// The body is not a JSON object with an array `keys`.
    NotAKeySet,
    /// The set holds no key that can verify a token; a former good set stays in use.
    NoUsableKey,
}

impl JwksErrorKind {
    /// Gives the word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Deadline => "deadline",
            Self::BodyTooLarge => "body_too_large",
            Self::Abandoned => "abandoned",
            Self::Status => "status",
            Self::NotModifiedWithoutSet => "not_modified_without_set",
            Self::NotAKeySet => "not_a_key_set",
            Self::NoUsableKey => "no_usable_key",
        }
    }
}

impl fmt::Display for JwksErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<FetchErrorKind> for JwksErrorKind {
    fn from(kind: FetchErrorKind) -> Self {
        match kind {
            FetchErrorKind::Connection => Self::Connection,
            FetchErrorKind::Deadline => Self::Deadline,
            // A client that does not follow them gives the 3xx itself.
            FetchErrorKind::Redirected => Self::Status,
            FetchErrorKind::TooLarge => Self::BodyTooLarge,
            FetchErrorKind::Abandoned => Self::Abandoned,
        }
    }
}

/// The keys of an issuer cannot be had now; nothing is said about any token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys of the issuer are unavailable")]
pub struct KeysUnavailable {
    pub(super) retry_after: Duration,
    pub(super) last_error: Option<JwksErrorKind>,
}

impl KeysUnavailable {
    /// Gives the time after which asking again can help.
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// Tells why the most recent failed fetch failed, if one did.
    pub fn last_error(&self) -> Option<JwksErrorKind> {
        self.last_error
    }
}
