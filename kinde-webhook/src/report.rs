//! What is told to logs: stable codes and ids, never a token or what an event says about a person.

use std::fmt;

use crate::{Disposition, Event, HandlerError, InboxError, WebhookError, WebhookErrorKind};

pub(crate) fn accepted(event: &Event, disposition: Disposition) {
    tracing::debug!(
        target: TARGET,
        event_id = ?event.id(),
        event_type = ?event.event_type(),
        outcome = disposition.as_str(),
        "webhook accepted"
    );
}

/// What a stranger can cause is told as information, what the operator must act on as a warning.
pub(crate) fn refused(error: &WebhookError) {
    match error.kind() {
        WebhookErrorKind::TryAgain => {
            tracing::warn!(target: TARGET, code = error.code(), reason = %error, cause = %Causes(error), "webhook postponed")
        }
        WebhookErrorKind::MethodNotAllowed
        | WebhookErrorKind::MediaType
        | WebhookErrorKind::TooLarge
        | WebhookErrorKind::Malformed
        | WebhookErrorKind::NotTrusted => {
            tracing::info!(target: TARGET, code = error.code(), reason = %error, "webhook refused")
        }
    }
}

pub(crate) fn parked(event: &Event, error: &HandlerError) {
    tracing::error!(
        target: TARGET,
        code = "event_parked",
        event_id = ?event.id(),
        event_type = ?event.event_type(),
        reason = %error,
        "event parked: it can never be handled as it is"
    );
}

/// Told where it happens: a sender that hung up has nobody left who would tell it.
pub(crate) fn handler_failed(event: &Event, error: &HandlerError) {
    tracing::warn!(
        target: TARGET,
        code = "handler_failed",
        event_id = ?event.id(),
        event_type = ?event.event_type(),
        reason = %error,
        "the handler failed; the event is given back"
    );
}

pub(crate) fn not_released(event: &Event, error: &InboxError) {
    tracing::warn!(
        target: TARGET,
        code = "event_not_released",
        event_id = ?event.id(),
        reason = %error,
        cause = %Causes(error),
        "a failed event could not be given back; it comes back when its reservation ends"
    );
}

pub(crate) fn unhandled(event: &Event) {
    tracing::debug!(target: TARGET, event_id = ?event.id(), event_type = ?event.event_type(), "no handler for this type");
}

/// What lies behind an error, from the nearest to the deepest cause.
struct Causes<'e>(&'e dyn std::error::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(formatter, "{cause}")?;
            source = cause.source();
            if source.is_some() {
                formatter.write_str(": ")?;
            }
        }
        Ok(())
    }
}

const TARGET: &str = "kinde_webhook";
