//! What is told to logs: stable codes and ids, never a token or what an event says about a person.

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
            tracing::warn!(target: TARGET, code = error.code(), reason = %error, "webhook postponed")
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

pub(crate) fn not_released(event: &Event, error: &InboxError) {
    tracing::warn!(
        target: TARGET,
        code = "event_not_released",
        event_id = ?event.id(),
        reason = %error,
        "a failed event could not be given back; it comes back when its reservation ends"
    );
}

pub(crate) fn unhandled(event: &Event) {
    tracing::debug!(target: TARGET, event_id = ?event.id(), event_type = ?event.event_type(), "no handler for this type");
}

const TARGET: &str = "kinde_webhook";
