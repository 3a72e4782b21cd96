//! The inboxes against real servers: the suite of every inbox, restarts, broken networks, many at once.

#[path = "../../../kinde-webhook/src/inbox/tests/conformance.rs"]
mod conformance;
mod fire;
mod joined;
mod migrations;
mod postgres;
mod redis;

use std::time::Duration;

use kinde_core::{EventVerifier, Issuer, Jwks};
use kinde_emulator::Environment;
use kinde_webhook::{
    Event, EventKey, Inbox, InboxError, Lease, Reservation, WebhookVerifier,
    inbox::{ParkedEvent, PostgresInbox, Terms},
};
use serde_json::json;
use sqlx::PgPool;

/// An event that Kinde signed.
async fn event() -> Event {
    let kinde = Environment::start().await;
    let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).build().unwrap();
    let verifier = WebhookVerifier::from(EventVerifier::new(jwks));
    let data = json!({ "user": { "id": "kp_1", "email": "zoë@example.com" } });
    verifier.verify(kinde.webhook_token("user.created", data)).await.unwrap()
}

/// An inbox with its tables, and patience for a machine that is busy with compilers.
async fn migrated(pool: &PgPool) -> PostgresInbox {
    let inbox = PostgresInbox::new(pool.clone()).with_deadline(Duration::from_secs(60));
    inbox.migrate().await.unwrap();
    inbox
}
