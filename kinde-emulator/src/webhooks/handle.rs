//! An endpoint that was added, and what may be done with it.

use std::sync::Arc;

use crate::{
    provider::Provider,
    webhooks::{WebhookAttempt, outbox::EndpointRecord},
};

/// A webhook endpoint of an environment.
///
/// Returned by [`Environment::add_webhook`](crate::Environment::add_webhook) and
/// [`Environment::webhooks`](crate::Environment::webhooks).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let webhook = kinde.add_webhook("http://127.0.0.1:3000/hooks/kinde")?;
/// webhook.set_event_types(["user.created"]);
/// assert!(webhook.id().starts_with("webhook_") && webhook.is_enabled());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Webhook {
    provider: Arc<Provider>,
    id: String,
}

impl Webhook {
    pub(crate) fn new(provider: &Arc<Provider>, id: String) -> Self {
        Self { provider: Arc::clone(provider), id }
    }

    /// Returns the endpoint's id: `webhook_` and 32 hexadecimal digits, the same in every environment for the same
    /// URL in the same place.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the URL; empty once the endpoint was deleted.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.read(|record| record.endpoint.endpoint.clone())
    }

    /// Returns the name; empty when there is none.
    #[must_use]
    pub fn name(&self) -> String {
        self.read(|record| record.endpoint.name.clone())
    }

    /// Returns the description; empty when there is none.
    #[must_use]
    pub fn description(&self) -> String {
        self.read(|record| record.endpoint.description.clone())
    }

    /// Returns the event types it wants; none means every type.
    #[must_use]
    pub fn event_types(&self) -> Vec<String> {
        self.read(|record| record.endpoint.event_types.clone())
    }

    /// Wants other event types from the next event on; none means every type.
    pub fn set_event_types<S: Into<String>>(&self, event_types: impl IntoIterator<Item = S>) {
        let event_types = event_types.into_iter().map(Into::into).collect();
        self.provider.webhooks.change(|outbox| {
            if let Some(record) = outbox.endpoint_mut(&self.id) {
                record.endpoint.event_types = event_types;
            }
        });
    }

    /// Tells whether events are sent to it: not after it failed for 72 hours on end, was disabled or deleted.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.read(|record| record.is_enabled)
    }

    /// Sends events to it again, from the next one on; what happened meanwhile is lost, as at Kinde.
    pub fn enable(&self) {
        self.provider.webhooks.change(|outbox| outbox.enable(&self.id));
    }

    /// Sends nothing to it any more, and gives up the deliveries that wait for another attempt.
    pub fn disable(&self) {
        self.provider.webhooks.change(|outbox| outbox.disable(&self.id));
    }

    /// Deletes it; `false` when it was deleted before.
    pub fn delete(&self) -> bool {
        self.provider.webhooks.change(|outbox| outbox.remove_endpoint(&self.id))
    }

    /// Returns the requests made to it, in the order they ended.
    #[must_use]
    pub fn attempts(&self) -> Vec<WebhookAttempt> {
        let is_ours = |attempt: &&WebhookAttempt| attempt.endpoint_id == self.id;
        self.provider.webhooks.read(|outbox| outbox.attempts.iter().filter(is_ours).cloned().collect())
    }

    fn read<R: Default>(&self, read: impl FnOnce(&EndpointRecord) -> R) -> R {
        self.provider.webhooks.read(|outbox| outbox.endpoint(&self.id).map(read).unwrap_or_default())
    }
}
