//! Webhook endpoints of a seed.

use serde::Deserialize;

use crate::webhooks::WebhookEndpoint;

/// An endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedWebhook {
    endpoint: String,
    /// None listed means all.
    #[serde(default)]
    event_types: Vec<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
}

impl SeedWebhook {
    pub(super) fn endpoint(&self) -> WebhookEndpoint {
        WebhookEndpoint::new(&self.endpoint)
            .with_event_types(&self.event_types)
            .with_name(&self.name)
            .with_description(&self.description)
    }
}
