//! Webhook endpoints, events and deliveries.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::webhooks::{EVENT_TYPES, WebhookAttempt, WebhookEndpoint, WebhookEvent, WebhookOutcome};

use super::{Details, Operation, Shared, done, done_or_unknown, refusal};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::ask("event_types", event_types),
        Operation::ask("webhooks", webhooks),
        Operation::act("add_webhook", add_webhook),
        Operation::act("delete_webhook", delete_webhook),
        Operation::act("trigger", trigger),
        Operation::act("resend", resend),
        Operation::act("hold_webhooks", hold_webhooks),
        Operation::act("release_webhooks", release_webhooks),
        Operation::act("settle_webhooks", settle_webhooks),
        Operation::ask("webhook_attempts", webhook_attempts),
    ]
}

async fn event_types() -> Json<Value> {
    Json(json!({ "event_types": EVENT_TYPES }))
}

async fn webhooks(State(provider): Shared) -> Json<Value> {
    let described: Vec<_> = provider.webhooks.read(|outbox| {
        let described = outbox.endpoints.iter().map(|known| {
            json!({
                "id": known.id, "endpoint": known.endpoint.endpoint, "name": known.endpoint.name,
                "event_types": known.endpoint.event_types, "is_enabled": known.is_enabled,
            })
        });
        described.collect()
    });
    Json(json!({ "webhooks": described }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    endpoint: String,
    #[serde(default)]
    event_types: Vec<String>,
}

async fn add_webhook(State(provider): Shared, Details(wanted): Details<Endpoint>) -> Response {
    let endpoint = WebhookEndpoint::new(wanted.endpoint).with_event_types(wanted.event_types);
    match provider.webhooks.add(endpoint, provider.clock.now()) {
        Ok(id) => Json(json!({ "id": id })).into_response(),
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    id: String,
}

async fn delete_webhook(State(provider): Shared, Details(webhook): Details<Webhook>) -> Response {
    let is_known = provider.webhooks.change(|outbox| outbox.remove_endpoint(&webhook.id));
    done_or_unknown(is_known, "webhook", &webhook.id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trigger {
    event_type: String,
    /// What to change in the event, by path, as `WebhookEvent::set` does.
    #[serde(default)]
    set: BTreeMap<String, Value>,
}

async fn trigger(State(provider): Shared, Details(asked): Details<Trigger>) -> Json<Value> {
    let event = WebhookEvent::new(&provider, &asked.event_type);
    let event = asked.set.into_iter().fold(event, |event, (path, value)| event.set(&path, value));
    Json(json!({ "event_id": event.send() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    event_id: String,
}

async fn resend(State(provider): Shared, Details(event): Details<Event>) -> Response {
    let now = provider.clock.since_epoch();
    let is_known = provider.webhooks.change(|outbox| outbox.resend(&event.event_id, now));
    done_or_unknown(is_known, "event", &event.event_id)
}

async fn hold_webhooks(State(provider): Shared) -> Json<Value> {
    provider.webhooks.change(|outbox| outbox.is_held = true);
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    /// Sends in another order, the same for the same seed.
    shuffle_seed: Option<u64>,
}

async fn release_webhooks(State(provider): Shared, Details(release): Details<Release>) -> Json<Value> {
    let now = provider.clock.since_epoch();
    provider.webhooks.change(|outbox| {
        if let Some(seed) = release.shuffle_seed {
            outbox.shuffle(seed, now);
        }
        outbox.is_held = false;
    });
    done()
}

/// Answers when nothing is under way and nothing is due, or after ten seconds that it is not so.
async fn settle_webhooks(State(provider): Shared) -> Response {
    match tokio::time::timeout(PATIENCE, provider.webhooks.settled(&provider.clock)).await {
        Ok(()) => done().into_response(),
        Err(_) => refusal(StatusCode::CONFLICT, "webhooks are still under way after ten seconds"),
    }
}

async fn webhook_attempts(State(provider): Shared) -> Json<Value> {
    let attempts: Vec<_> = provider.webhooks.read(|outbox| outbox.attempts.iter().map(attempt).collect());
    let waiting = provider.webhooks.read(|outbox| outbox.waiting());
    Json(json!({ "attempts": attempts, "waiting": waiting }))
}

fn attempt(attempt: &WebhookAttempt) -> Value {
    let (status, error) = match &attempt.outcome {
        WebhookOutcome::Status(status) => (Some(*status), None),
        WebhookOutcome::TimedOut => (None, Some("timed out")),
        WebhookOutcome::NoAnswer(reason) => (None, Some(reason.as_str())),
    };
    json!({
        "event_id": attempt.event_id, "event_type": attempt.event_type, "webhook_id": attempt.webhook_id,
        "endpoint_id": attempt.endpoint_id, "copy": attempt.copy, "number": attempt.number, "at": attempt.at,
        "status": status, "error": error,
    })
}

const PATIENCE: Duration = Duration::from_secs(10);
