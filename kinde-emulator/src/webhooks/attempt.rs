//! What the delivery log says about one request to an endpoint.

/// One request to a webhook endpoint and what came of it.
///
/// Listed by [`Environment::webhook_attempts`](crate::Environment::webhook_attempts).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kinde_emulator::{Environment, WebhookOutcome};
///
/// let kinde = Environment::start().await;
/// kinde.add_webhook("http://127.0.0.1:1/nobody/listens")?;
/// kinde.trigger("user.created");
/// kinde.settled().await;
/// let attempts = kinde.webhook_attempts();
/// assert_eq!((attempts[0].event_type.as_str(), attempts[0].number), ("user.created", 1));
/// assert!(matches!(attempts[0].outcome, WebhookOutcome::NoAnswer(_)));
/// assert_eq!(kinde.pending_webhooks(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookAttempt {
    /// The event's `event_id`, `event_` and 32 hexadecimal digits.
    pub event_id: String,
    /// The event's `type`, such as `user.created`.
    pub event_type: String,
    /// The header `webhook-id`: the same for every attempt and copy of an event at one endpoint.
    pub webhook_id: String,
    /// The endpoint's own id, `webhook_` and 32 hexadecimal digits.
    pub endpoint_id: String,
    /// Which delivery of the event to the endpoint this belongs to: 0 for the first, more for duplicates.
    pub copy: usize,
    /// Which attempt of that delivery, from 1.
    pub number: usize,
    /// When the request began, by the environment's clock, in Unix seconds.
    pub at: u64,
    /// What came of it.
    pub outcome: WebhookOutcome,
}

/// What came of a request to a webhook endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookOutcome {
    /// The endpoint answered with this status. Only 200 is success.
    Status(u16),
    /// The endpoint did not answer in time.
    TimedOut,
    /// There was no answer for this reason: refused, cut off, not HTTP.
    NoAnswer(String),
}

impl WebhookOutcome {
    /// Tells whether Kinde would call this delivered: status 200 and no other.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Status(200))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_200_is_the_only_success() {
        assert!(WebhookOutcome::Status(200).is_success());
        for status in [100, 201, 202, 204, 301, 302, 400, 409, 500] {
            assert!(!WebhookOutcome::Status(status).is_success(), "{status}");
        }
        assert!(!WebhookOutcome::TimedOut.is_success());
    }
}
