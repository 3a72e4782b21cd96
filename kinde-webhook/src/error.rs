//! Why a webhook was not accepted: a kind to branch on, a reason for logs and tests.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use kinde_core::{AuthError, AuthErrorKind, AuthReason};

use crate::{InboxError, MalformedPayload, report, response};

/// Why a webhook was not accepted.
///
/// [`kind`](WebhookError::kind) decides the HTTP status and with it whether Kinde tries again;
/// [`reason`](WebhookError::reason) is for logs and tests.
#[derive(Debug)]
pub struct WebhookError {
    reason: WebhookReason,
}

impl WebhookError {
    /// Tells which answer the sender gets.
    pub fn kind(&self) -> WebhookErrorKind {
        match &self.reason {
            WebhookReason::MethodNotAllowed => WebhookErrorKind::MethodNotAllowed,
            WebhookReason::MediaTypeNotAllowed => WebhookErrorKind::MediaType,
            WebhookReason::BodyTooLarge { .. } => WebhookErrorKind::TooLarge,
            WebhookReason::BodyUnreadable | WebhookReason::BodyNotText | WebhookReason::Payload(_) => {
                WebhookErrorKind::Malformed
            }
            WebhookReason::Refused(error) => refused(error),
            WebhookReason::InFlight { .. }
            | WebhookReason::OtherFailed
            | WebhookReason::Inbox(_)
            | WebhookReason::Handler(_) => WebhookErrorKind::TryAgain,
        }
    }

    /// Tells exactly what was wrong.
    pub fn reason(&self) -> &WebhookReason {
        &self.reason
    }

    /// Gives the stable code, for example `signature_invalid` or `handler_failed`.
    pub fn code(&self) -> &'static str {
        match &self.reason {
            WebhookReason::MethodNotAllowed => "method_not_allowed",
            WebhookReason::MediaTypeNotAllowed => "media_type_not_allowed",
            WebhookReason::BodyTooLarge { .. } => "body_too_large",
            WebhookReason::BodyUnreadable => "body_unreadable",
            WebhookReason::BodyNotText => "body_not_text",
            WebhookReason::Refused(error) => error.code(),
            WebhookReason::Payload(_) => "payload_malformed",
            WebhookReason::InFlight { .. } => "event_in_flight",
            WebhookReason::OtherFailed => "event_failed_elsewhere",
            WebhookReason::Inbox(InboxError::Full { .. }) => "inbox_full",
            WebhookReason::Inbox(InboxError::LeaseLost) => "lease_lost",
            WebhookReason::Inbox(InboxError::TransactionAborted) => "transaction_aborted",
            WebhookReason::Inbox(InboxError::Unavailable(_)) => "inbox_unavailable",
            WebhookReason::Handler(_) => "handler_failed",
        }
    }

    /// Reports the refusal to the log and writes the answer, for an endpoint that is not a
    /// [`WebhookService`](crate::WebhookService).
    pub fn respond(&self) -> Response<Full<Bytes>> {
        report::refused(self);
        response::refused(self)
    }

    /// Tells whether the same event can be accepted later, whatever it is.
    ///
    /// A queue that ends jobs for good should also keep those with the codes `key_unknown` and `token_not_yet_valid`:
    /// this machine may not have heard of a new key yet, or its clock may be behind. (Over HTTP Kinde tries again
    /// after every status but 200.)
    pub fn is_temporary(&self) -> bool {
        self.kind() == WebhookErrorKind::TryAgain
    }
}

fn refused(error: &AuthError) -> WebhookErrorKind {
    match error.kind() {
        AuthErrorKind::KeysUnavailable | AuthErrorKind::Misconfigured => WebhookErrorKind::TryAgain,
        AuthErrorKind::CredentialMissing
        | AuthErrorKind::InvalidRequest
        | AuthErrorKind::InvalidToken
        | AuthErrorKind::InsufficientScope => match error.reason() {
            AuthReason::KeyUnknown { .. } | AuthReason::SignatureInvalid | AuthReason::KeyIdMissing => {
                WebhookErrorKind::NotTrusted
            }
            _ => WebhookErrorKind::Malformed,
        },
    }
}

impl From<WebhookReason> for WebhookError {
    fn from(reason: WebhookReason) -> Self {
        Self { reason }
    }
}

impl From<AuthError> for WebhookError {
    fn from(error: AuthError) -> Self {
        WebhookReason::Refused(error).into()
    }
}

impl From<InboxError> for WebhookError {
    fn from(error: InboxError) -> Self {
        WebhookReason::Inbox(error).into()
    }
}

impl fmt::Display for WebhookError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} [{}]", self.reason, self.code())
    }
}

impl std::error::Error for WebhookError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.reason)
    }
}

/// What the sender is told. Complete by nature: each kind is one row of the answer table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WebhookErrorKind {
    /// Not a `POST`: 405.
    MethodNotAllowed,
    /// Not `application/jwt`: 415.
    MediaType,
    /// A body over the limit: 413.
    TooLarge,
    /// Not an event of Kinde's, whoever signed it: 400.
    Malformed,
    /// Not signed by a key of the environment: 401.
    NotTrusted,
    /// A retry can cure it: 503 with `Retry-After`.
    TryAgain,
}

/// Exactly what was wrong. New reasons may be added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookReason {
    /// The request is not a `POST`.
    #[error("the method is not POST")]
    MethodNotAllowed,
    /// The body is not announced as `application/jwt`.
    #[error("the media type is not application/jwt")]
    MediaTypeNotAllowed,
    /// The body is longer than the limit.
    #[error("the body is longer than {limit} bytes")]
    BodyTooLarge {
        /// The configured limit.
        limit: usize,
    },
    /// The body could not be read to its end.
    #[error("the body could not be read")]
    BodyUnreadable,
    /// The body is not text.
    #[error("the body is not UTF-8")]
    BodyNotText,
    /// The token is not an event, not of this environment, or not of this time.
    #[error("the event is refused: {reason}", reason = .0.reason())]
    Refused(AuthError),
    /// The payload has not the shape that was asked for.
    #[error("{0}")]
    Payload(#[source] MalformedPayload),
    /// Another delivery of the event is being handled.
    #[error("another delivery of the event was not done after {waited:?}")]
    InFlight {
        /// For how long it was waited for.
        waited: Duration,
    },
    /// Another delivery of the event was being handled, and failed.
    #[error("the delivery of the event that was being handled failed")]
    OtherFailed,
    /// The inbox could not answer.
    #[error("{0}")]
    Inbox(#[source] InboxError),
    /// The handler failed, and a retry can cure it.
    #[error("the handler failed: {0}")]
    Handler(HandlerError),
}

/// How a handler fails: in a way that a retry can cure, or for good.
///
/// Any error becomes a retryable one with `?`; name the permanent ones.
pub struct HandlerError {
    is_permanent: bool,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl HandlerError {
    /// Says that the same event may be handled later: Kinde is told to send it again.
    pub fn retryable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { is_permanent: false, cause: cause.into() }
    }

    /// Says that this event can never be handled: it is acknowledged and parked, for an endpoint that keeps
    /// failing is disabled by Kinde after 72 hours.
    pub fn permanent(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { is_permanent: true, cause: cause.into() }
    }

    /// Tells whether a retry is useless.
    pub fn is_permanent(&self) -> bool {
        self.is_permanent
    }

    /// Gives what went wrong.
    pub fn cause(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self.cause.as_ref()
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for HandlerError {
    fn from(cause: E) -> Self {
        Self::retryable(cause)
    }
}

/// Prints what `Display` prints: the details of a database's error can hold what somebody wrote.
impl fmt::Debug for HandlerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HandlerError({self})")
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.cause)
    }
}
