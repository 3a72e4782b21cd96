//! People of a Kinde environment in a table of yours: `cargo run -p example-webhook-axum`.
//!
//! It starts an emulated environment and an endpoint for its webhooks, creates, changes and deletes a person, and
//! prints the table after each step. With `KINDE_ISSUER_URL` set it uses that environment instead and serves until
//! Ctrl-C: register `https://<your tunnel>/webhooks/kinde` in Kinde.

use std::{env, error::Error};

use axum::Router;
use kinde_axum::{Kinde, Settings};
use kinde_emulator::Environment;
use kinde_webhook::{
    Event, HandlerError, WebhookService, WebhookVerifier, inbox::MemoryInbox, sync::SqliteSync,
};
use sqlx::{Row, SqlitePool, sqlite::SqlitePoolOptions};
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let database = database().await?;
    if is_set("KINDE_ISSUER_URL") {
        let app = webhooks(&Kinde::from_env()?, &database).await?;
        let listener = TcpListener::bind("127.0.0.1:3000").await?;
        println!("listening on http://{}/webhooks/kinde", listener.local_addr()?);
        axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
        return Ok(());
    }
    tell_a_story(&database).await
}

/// The endpoint: verified, once, into the tables.
async fn webhooks(kinde: &Kinde, database: &SqlitePool) -> Result<Router, Box<dyn Error>> {
    let sync = SqliteSync::new(database.clone());
    sync.migrate().await?;
    let handler = move |event: Event| {
        let sync = sync.clone();
        async move {
            let applied = sync.apply(&event).await?;
            println!("  {} -> {applied:?}", event.event_type());
            Ok::<_, HandlerError>(())
        }
    };
    // In memory the inbox is forgotten at a restart: the sync's own guard then still keeps the tables right.
    let service = WebhookService::from_fn(WebhookVerifier::new(kinde), MemoryInbox::new(), handler);
    Ok(Router::new().route_service("/webhooks/kinde", service))
}

async fn tell_a_story(database: &SqlitePool) -> Result<(), Box<dyn Error>> {
    let environment = Environment::start().await;
    let kinde = Kinde::from_settings(Settings::from_variables(environment.variables())?)?;
    let app = webhooks(&kinde, database).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/webhooks/kinde", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    environment.add_webhook(url.as_str())?;
    println!("a Kinde environment at {} sends webhooks to {url}", environment.issuer());

    println!("\nalice is created:");
    let alice = environment.person("alice");
    show(&environment, database).await?;

    println!("\nalice joins Acme and gets a phone:");
    alice.add_to_org("acme");
    alice.update(|details| details.phone = Some("+49 30 1234".to_owned()));
    show(&environment, database).await?;

    println!("\nevery event is sent again, the oldest last:");
    let mut events: Vec<_> =
        environment.webhook_attempts().into_iter().map(|attempt| attempt.event_id).collect();
    events.reverse();
    for event_id in events {
        environment.resend(&event_id);
    }
    show(&environment, database).await?;

    println!("\nalice is deleted; the tombstone stays:");
    alice.delete();
    show(&environment, database).await
}

/// Waits until everything is delivered, and prints the tables.
async fn show(environment: &Environment, database: &SqlitePool) -> Result<(), Box<dyn Error>> {
    environment.settled().await;
    let people = sqlx::query(
        "SELECT id, email, phone, is_deleted,
            (SELECT group_concat(org_code) FROM kinde_memberships WHERE user_id = id) AS orgs
         FROM kinde_users",
    );
    println!("  | person | e-mail | phone | organizations | deleted |");
    for row in people.fetch_all(database).await? {
        let text = |column: &str| row.get::<Option<String>, _>(column).unwrap_or_else(|| "-".to_owned());
        println!(
            "  | {} | {} | {} | {} | {} |",
            text("id"),
            text("email"),
            text("phone"),
            text("orgs"),
            row.get::<bool, _>("is_deleted")
        );
    }
    Ok(())
}

/// A database in memory, on one connection, for another would see another database.
async fn database() -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await
}

#[expect(clippy::disallowed_methods, reason = "which of two stories to tell is the program's own question")]
fn is_set(name: &str) -> bool {
    env::var(name).is_ok_and(|value| !value.is_empty())
}

async fn stopped() {
    // Without a signal handler the program ends at once instead of gracefully.
    if signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
