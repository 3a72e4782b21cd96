//! How an environment delivers: how often, how many at a time, how patiently.

use std::time::Duration;

/// How webhooks are delivered; the default is what Kinde does.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use kinde_emulator::{Environment, WebhookDelivery};
///
/// let kinde = Environment::start().await;
/// kinde.set_webhook_delivery(WebhookDelivery::default().with_duplicates(1).with_at_most(1));
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct WebhookDelivery {
    pub(crate) duplicates: usize,
    pub(crate) at_most: usize,
    pub(crate) timeout: Duration,
    pub(crate) is_signed_anew: bool,
}

impl WebhookDelivery {
    /// Delivers every event this many times more than once, each copy with retries of its own.
    ///
    /// Default: zero. Kinde promises at least one delivery, not exactly one.
    /// [`resend`](crate::Environment::resend) repeats a single event.
    pub fn with_duplicates(mut self, count: usize) -> Self {
        self.duplicates = count;
        self
    }

    /// Has at most this many requests under way at a time.
    ///
    /// Default: 64, so that a burst does not run out of sockets. With one, requests follow each other in order; with
    /// zero nothing is sent.
    pub fn with_at_most(mut self, count: usize) -> Self {
        self.at_most = count;
        self
    }

    /// Waits this long, of real time, for the head of an answer.
    ///
    /// Default: 5 seconds; Kinde documents none. With zero every request times out.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Signs again for every retry: the same event with a new `timestamp`, under the key current by then.
    ///
    /// Default: every attempt sends the same token. Kinde does not say which it does.
    pub fn with_fresh_tokens(mut self) -> Self {
        self.is_signed_anew = true;
        self
    }
}

impl Default for WebhookDelivery {
    fn default() -> Self {
        Self { duplicates: 0, at_most: 64, timeout: Duration::from_secs(5), is_signed_anew: false }
    }
}
