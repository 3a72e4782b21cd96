//! What a test may ask of an environment's webhooks.

use std::time::Duration;

use serde_json::Value;

use crate::{
    environment::Environment,
    error::EndpointError,
    webhooks::{Webhook, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent},
};

/// Webhooks.
impl Environment {
    /// Adds a webhook endpoint: a URL for every event, or a [`WebhookEndpoint`] that says more.
    ///
    /// It receives what happens from now on.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kinde = kinde_emulator::Environment::start().await;
    /// kinde.add_webhook("http://127.0.0.1:3000/hooks/kinde")?;
    /// let alice = kinde.person("alice"); // user.created
    /// alice.suspend(); // user.updated
    /// kinde.settled().await;
    /// assert_eq!(kinde.webhook_attempts().len(), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`EndpointError`] when the URL is not one of plain http on this computer.
    pub fn add_webhook(&self, endpoint: impl Into<WebhookEndpoint>) -> Result<Webhook, EndpointError> {
        let id = self.provider.webhooks.add(endpoint.into(), self.provider.clock.now())?;
        Ok(Webhook::new(&self.provider, id))
    }

    /// Returns every webhook endpoint, in the order they were added.
    #[must_use]
    pub fn webhooks(&self) -> Vec<Webhook> {
        let ids: Vec<_> = self
            .provider
            .webhooks
            .read(|outbox| outbox.endpoints.iter().map(|known| known.id.clone()).collect());
        ids.into_iter().map(|id| Webhook::new(&self.provider, id)).collect()
    }

    /// Starts an event of any type, with data such as Kinde sends for it.
    ///
    /// [`EVENT_TYPES`](crate::EVENT_TYPES) lists the types Kinde documents; any other has no data until
    /// [`with_data`](WebhookEvent::with_data) gives it some.
    pub fn event(&self, event_type: &str) -> WebhookEvent {
        WebhookEvent::new(&self.provider, event_type)
    }

    /// Delivers an event of any type with the data [`event`](Self::event) gives it; returns its `event_id`.
    pub fn trigger(&self, event_type: &str) -> String {
        self.event(event_type).send()
    }

    /// Delivers an event once more to every endpoint that wants it; `false` when there was none with this `event_id`.
    pub fn resend(&self, event_id: &str) -> bool {
        let now = self.provider.clock.since_epoch();
        self.provider.webhooks.change(|outbox| outbox.resend(event_id, now))
    }

    /// Signs an event as Kinde signs webhooks and delivers nothing: same keys, no `iss`, `aud` or `exp`.
    ///
    /// The short form of [`event`](Self::event) with data and [`token`](WebhookEvent::token).
    #[must_use]
    pub fn webhook_token(&self, event_type: &str, data: Value) -> String {
        self.event(event_type).with_data(data).token()
    }

    /// Changes how webhooks are delivered from now on.
    pub fn set_webhook_delivery(&self, delivery: WebhookDelivery) {
        self.provider.webhooks.change(|outbox| outbox.settings = delivery);
    }

    /// Holds every delivery back until [`release_webhooks`](Self::release_webhooks); requests under way go on.
    pub fn hold_webhooks(&self) {
        self.provider.webhooks.change(|outbox| outbox.is_held = true);
    }

    /// Sends what was held back, in the order it happened.
    pub fn release_webhooks(&self) {
        self.provider.webhooks.change(|outbox| outbox.is_held = false);
    }

    /// Sends what was held back in another order, the same for the same seed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let kinde = kinde_emulator::Environment::start().await;
    /// kinde.hold_webhooks();
    /// kinde.person("alice").suspend();
    /// kinde.release_webhooks_shuffled(7);
    /// # }
    /// ```
    ///
    /// Requests run in parallel, so the order they arrive in is this one only with
    /// [`with_at_most(1)`](WebhookDelivery::with_at_most).
    pub fn release_webhooks_shuffled(&self, seed: u64) {
        let now = self.provider.clock.since_epoch();
        self.provider.webhooks.change(|outbox| {
            outbox.shuffle(seed, now);
            outbox.is_held = false;
        });
    }

    /// Waits until no webhook is under way and none is due by the environment's clock.
    ///
    /// What is held back, and what waits for a later attempt, is not waited for.
    pub async fn settled(&self) {
        self.provider.webhooks.settled(&self.provider.clock).await;
    }

    /// Lets time pass by the environment's clock: every webhook that is due meanwhile is sent, each at its time.
    ///
    /// [`advance`](Self::advance) leaps instead: what was due on the way happens at the end of the leap.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// # let kinde = kinde_emulator::Environment::start().await;
    /// kinde.add_webhook("http://127.0.0.1:1/nobody/listens")?;
    /// kinde.trigger("user.created");
    /// kinde.elapse(Duration::from_secs(36 * 3_600)).await;
    /// assert_eq!(kinde.webhook_attempts().len(), 10);
    /// # Ok(()) }
    /// ```
    pub async fn elapse(&self, by: Duration) {
        // Counted from when all that is due has been tried, so that its last retry is within 36 hours.
        self.settled().await;
        let end = self.provider.clock.since_epoch().saturating_add(by);
        loop {
            self.settled().await;
            let next = self.provider.webhooks.read(|outbox| outbox.next_due()).filter(|due| *due <= end);
            let until = next.unwrap_or(end);
            self.advance(until.saturating_sub(self.provider.clock.since_epoch()));
            if next.is_none() {
                break;
            }
        }
        self.settled().await;
    }

    /// Returns the delivery log: the requests made to endpoints, in the order they ended; the last 18,000 at least.
    #[must_use]
    pub fn webhook_attempts(&self) -> Vec<WebhookAttempt> {
        self.provider.webhooks.read(|outbox| outbox.attempts.clone())
    }

    /// Returns how many deliveries wait: held back, or for another attempt.
    #[must_use]
    pub fn pending_webhooks(&self) -> usize {
        self.provider.webhooks.read(|outbox| outbox.waiting())
    }

    /// Empties the delivery log, and forgets the events that [`resend`](Self::resend) could repeat.
    pub fn clear_webhook_attempts(&self) {
        self.provider.webhooks.change(|outbox| outbox.forget());
    }
}
