//! Webhook endpoints, event types and events.

use serde_json::{Value, json};

use crate::{
    identifiers,
    webhooks::{EVENT_TYPES, WebhookEndpoint},
};

use super::{
    answer::{Answer, or_null, said, success},
    call::Call,
    failure::Failure,
    moment,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let webhooks = call.provider.webhooks.read(|outbox| {
        let described = outbox.endpoints.iter().map(|record| {
            let endpoint = &record.endpoint;
            // An endpoint for every event lists all there are.
            let event_types: Vec<_> = if endpoint.event_types.is_empty() {
                EVENT_TYPES.iter().map(|event_type| (*event_type).to_owned()).collect()
            } else {
                endpoint.event_types.clone()
            };
            json!({
                "id": record.id,
                "name": endpoint.name,
                "endpoint": endpoint.endpoint,
                "description": or_null(&endpoint.description),
                "event_types": event_types,
                "created_on": moment::short(record.created_at),
            })
        });
        described.collect::<Vec<_>>()
    });
    success(json!({ "webhooks": webhooks }))
}

/// Adds an endpoint; Kinde takes https only, the emulator plain http on this computer only.
pub(super) fn create(call: &Call<'_>) -> Answer {
    let (url, name) = (call.required("endpoint")?, call.required("name")?);
    let event_types = event_types(call)?.ok_or_else(event_types_required)?;
    let endpoint = WebhookEndpoint::new(url)
        .with_event_types(event_types)
        .with_name(name)
        .with_description(call.text("description")?.unwrap_or_default());
    let added = call.provider.webhooks.add(endpoint, call.now());
    let id = added.map_err(|error| Failure::invalid("ENDPOINT_INVALID", error.to_string()))?;
    said(
        "WEBHOOK_CREATED",
        "Webhook successfully created",
        json!({ "webhook": { "id": id, "endpoint": url } }),
    )
}

pub(super) fn update(call: &Call<'_>) -> Answer {
    let id = call.path("webhook_id");
    let event_types = event_types(call)?;
    let (name, description) = (call.text("name")?, call.text("description")?);
    let is_known = call.provider.webhooks.change(|outbox| {
        let Some(record) = outbox.endpoint_mut(id) else { return false };
        let endpoint = &mut record.endpoint;
        if let Some(event_types) = event_types {
            endpoint.event_types = event_types;
        }
        if let Some(name) = name {
            name.clone_into(&mut endpoint.name);
        }
        if call.mentions("description") {
            description.unwrap_or_default().clone_into(&mut endpoint.description);
        }
        true
    });
    if is_known {
        said("WEBHOOK_UPDATED", "Webhook successfully updated", json!({ "webhook": { "id": id } }))
    } else {
        Err(not_found(call))
    }
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    let id = call.path("webhook_id");
    if call.provider.webhooks.change(|outbox| outbox.remove_endpoint(id)) {
        said("WEBHOOK_DELETED", "Webhook successfully deleted", json!({}))
    } else {
        Err(not_found(call))
    }
}

pub(super) fn types(_: &Call<'_>) -> Answer {
    let types = EVENT_TYPES.iter().map(|event_type| {
        // The origin is known of `user.*` only; the schemas are not known at all.
        let origin = if event_type.starts_with("customer.") { "billing" } else { "identity" };
        json!({
            "id": identifiers::event_type_id(event_type),
            "code": event_type,
            "name": title(event_type),
            "origin": origin,
            "schema": {},
        })
    });
    success(json!({ "event_types": types.collect::<Vec<_>>() }))
}

/// Answers with an event that was announced to somebody; its time is a number here and text in the webhook.
pub(super) fn event(call: &Call<'_>) -> Answer {
    let id = call.path("event_id");
    let payload = call.provider.webhooks.read(|outbox| outbox.event(id).map(|event| event.payload.clone()));
    let claims = payload.and_then(|payload| serde_json::from_str::<Value>(&payload).ok());
    let claims = claims.ok_or_else(|| call.unknown("EVENT_NOT_FOUND", "Event not found"))?;
    let member = |name: &str| claims.get(name).cloned().unwrap_or_default();
    let happened_at = member("timestamp").as_str().and_then(moment::read);
    success(json!({ "event": {
        "type": member("type"),
        "source": member("source"),
        "event_id": member("event_id"),
        "timestamp": happened_at,
        "data": member("data"),
    } }))
}

fn event_types(call: &Call<'_>) -> Result<Option<Vec<String>>, Failure> {
    let Some(event_types) = call.texts("event_types")? else { return Ok(None) };
    if event_types.is_empty() {
        return Err(event_types_required());
    }
    match event_types.iter().find(|event_type| !EVENT_TYPES.contains(&event_type.as_str())) {
        Some(unknown) => {
            let message = format!("There is no event type {unknown}");
            Err(Failure::invalid("EVENT_TYPE_INVALID", message))
        }
        None => Ok(Some(event_types)),
    }
}

fn event_types_required() -> Failure {
    Failure::invalid("EVENT_TYPES_REQUIRED", "event_types is required")
}

fn not_found(call: &Call<'_>) -> Failure {
    call.unknown("WEBHOOK_NOT_FOUND", "Webhook not found")
}

/// Writes `user.created` as `User created`.
fn title(event_type: &str) -> String {
    let text = event_type.replace(['.', '_'], " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
