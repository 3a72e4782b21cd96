//! Webhook endpoints, and what they are told about changes by this API.

use kinde_emulator::{Environment, WebhookDelivery};
use serde_json::{Value, json};

use crate::calling::{Api, each, world};

/// A port nobody listens on: what would be sent is in the log all the same.
const ENDPOINT: &str = "http://127.0.0.1:1/hooks/kinde";

async fn told(kinde: &Environment) -> Vec<String> {
    kinde.settled().await;
    let attempts = kinde.webhook_attempts();
    kinde.clear_webhook_attempts();
    attempts.into_iter().map(|attempt| attempt.event_type).collect()
}

#[tokio::test]
async fn endpoint_is_created_changed_and_deleted() {
    let (kinde, api) = world().await;
    kinde.set_time(1_790_000_000);
    let body = json!({ "name": "sync", "endpoint": ENDPOINT, "event_types": ["user.created"] });
    let created = api.done("POST webhooks", body).await;
    let id = created["webhook"]["id"].as_str().unwrap();
    assert_eq!(created["webhook"]["endpoint"], ENDPOINT);
    let body = json!({ "name": "people", "event_types": ["user.deleted"], "description": "All of them" });
    api.done(&format!("PATCH webhooks/{id}"), body).await;
    let known = &api.got("webhooks").await["webhooks"][0];
    assert_eq!((&known["name"], &known["description"]), (&json!("people"), &json!("All of them")));
    assert_eq!(
        (&known["event_types"], &known["created_on"]),
        (&json!(["user.deleted"]), &json!("2026-09-22T00:13:20+10"))
    );
    api.done(&format!("DELETE webhooks/{id}"), Value::Null).await;
    assert_eq!(api.got("webhooks").await["webhooks"], json!([]));
    let gone = (400, "WEBHOOK_NOT_FOUND".to_owned());
    assert_eq!(api.refused(&format!("DELETE webhooks/{id}"), Value::Null).await, gone);
    assert_eq!(api.refused(&format!("PATCH webhooks/{id}"), json!({ "name": "x" })).await, gone);
}

#[tokio::test]
async fn endpoint_elsewhere_and_event_type_that_is_none_are_refused() {
    let (_kinde, api) = world().await;
    let webhook = |endpoint: &str, event_type: &str| json!({ "name": "a", "endpoint": endpoint, "event_types": [event_type] });
    let rows = [
        (webhook("https://app.larkspur.example/hook", "user.created"), "ENDPOINT_INVALID"),
        (webhook("http://app.larkspur.example/hook", "user.created"), "ENDPOINT_INVALID"),
        (webhook(ENDPOINT, "user.exploded"), "EVENT_TYPE_INVALID"),
        (json!({ "name": "a", "endpoint": ENDPOINT, "event_types": [] }), "EVENT_TYPES_REQUIRED"),
        (json!({ "name": "a", "event_types": ["user.created"] }), "ENDPOINT_REQUIRED"),
    ];
    for (body, code) in rows {
        assert_eq!(api.refused("POST webhooks", body).await, (400, code.to_owned()));
    }
}

#[tokio::test]
async fn every_change_by_this_api_is_told() {
    let (kinde, api) = world().await;
    // One at a time, so that the log has them in order.
    kinde.set_webhook_delivery(WebhookDelivery::default().with_at_most(1));
    kinde.add_webhook(ENDPOINT).unwrap();
    let id = api.user("ada@example.test").await;
    let code = api.organization("Acme").await;
    api.done(&format!("POST organizations/{code}/users"), json!({ "users": [{ "id": id }] })).await;
    let role = api.done("POST roles", json!({ "name": "Admin", "key": "admin" })).await;
    let role = role["role"]["id"].as_str().unwrap();
    api.done("POST permissions", json!({ "name": "Read", "key": "read" })).await;
    api.done("POST subscribers?first_name=Lea&email=lea@canal.example", Value::Null).await;
    let made = [
        "user.created",
        "organization.created",
        "user.updated",
        "role.created",
        "permission.created",
        "subscriber.created",
    ];
    assert_eq!(told(&kinde).await, made);
    api.done(&format!("PATCH roles/{role}"), json!({ "name": "Boss", "key": "boss" })).await;
    api.done(&format!("PATCH organization/{code}"), json!({ "name": "Acme 2" })).await;
    api.done(&format!("PATCH organization/{code}"), json!({ "name": "Acme 2" })).await;
    api.done(&format!("DELETE organization/{code}"), Value::Null).await;
    api.done(&format!("DELETE roles/{role}"), Value::Null).await;
    api.done(&format!("DELETE user?id={id}"), Value::Null).await;
    let changed = [
        "role.updated",
        "role.updated",
        "organization.updated",
        "organization.deleted",
        "role.deleted",
        "user.deleted",
    ];
    assert_eq!(told(&kinde).await, changed);
}

#[tokio::test]
async fn call_that_is_refused_tells_nothing() {
    let (kinde, api): (Environment, Api) = world().await;
    kinde.add_webhook(ENDPOINT).unwrap();
    api.refused("POST roles", json!({ "name": "Admin" })).await;
    api.refused("PATCH user?id=kp_nobody", json!({ "given_name": "A" })).await;
    let identity = json!({ "type": "email", "details": { "email": "ada@example.test" } });
    api.refused("POST user", json!({ "organization_code": "org_nowhere", "identities": [identity] })).await;
    assert_eq!(told(&kinde).await, Vec::<String>::new());
}

#[tokio::test]
async fn event_has_a_number_for_its_time_and_names_the_api_as_its_source() {
    let (kinde, api) = world().await;
    kinde.add_webhook(ENDPOINT).unwrap();
    kinde.set_time(1_790_000_000);
    let id = api.user("ada@example.test").await;
    kinde.settled().await;
    let event_id = kinde.webhook_attempts()[0].event_id.clone();
    let event = &api.got(&format!("events/{event_id}")).await["event"];
    assert_eq!((&event["type"], &event["source"]), (&json!("user.created"), &json!("api")));
    assert_eq!((&event["timestamp"], &event["data"]["user"]["id"]), (&json!(1_790_000_000), &json!(id)));
    assert_eq!(api.refused("GET events/event_1", Value::Null).await, (400, "EVENT_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn event_types_are_those_of_the_environment() {
    let (_kinde, api) = world().await;
    let types = api.got("event_types").await;
    assert_eq!(each(&types["event_types"], "code"), kinde_emulator::EVENT_TYPES);
    assert_eq!(types["event_types"][0]["name"], "User created");
}
