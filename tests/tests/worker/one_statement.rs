//! What an acknowledgement costs the database.

use std::time::Instant;

use kinde_emulator::{Environment, WebhookDelivery};
use kinde_tests::servers::{
    self,
    wire::{CONNECTION, EXECUTE, PARSE, QUERY, Wire},
};

use crate::{programs::Program, shop::eventually};

#[tokio::test(flavor = "multi_thread")]
async fn endpoint_stores_an_event_with_one_statement_and_no_transaction_around_it() {
    let postgres = servers::postgres().await;
    let wire = Wire::before(postgres.url()).await;
    let kinde = Environment::start().await;
    kinde.set_webhook_delivery(WebhookDelivery::default().with_at_most(1));
    let endpoint = Program::accept(&kinde, wire.url(), 0);
    kinde.add_webhook(endpoint.url()).unwrap();
    // The first event on a connection prepares the statement.
    kinde.trigger("user.created");
    kinde.settled().await;
    eventually("the first is stored", async || wire.count(EXECUTE) > 0).await;
    wire.reset();

    let started = now();
    (0..EVENTS).for_each(|_| drop(kinde.trigger("user.created")));
    let again = kinde.trigger("user.created");
    kinde.resend(&again);
    kinde.settled().await;
    let each = started.elapsed() / u32::try_from(EVENTS + 2).unwrap();

    assert!(kinde.webhook_attempts().iter().all(|attempt| attempt.outcome.is_success()));
    assert_eq!(wire.count(EXECUTE), EVENTS + 2, "one statement for each delivery");
    // A connection that has not stored anything yet looks up a type and prepares the statement, once.
    let prepared = wire.count(PARSE);
    assert!(prepared <= wire.count(CONNECTION), "{prepared} times prepared");
    assert_eq!(wire.count(QUERY), prepared, "no transaction around it");
    println!(
        "{} deliveries: {} statements, prepared {prepared} times, {each:?} each",
        EVENTS + 2,
        wire.count(EXECUTE)
    );
    let pool = postgres.pool().await;
    let jobs: i64 = sqlx::query_scalar("select count(*) from apalis.jobs").fetch_one(&pool).await.unwrap();
    assert_eq!(usize::try_from(jobs).unwrap(), EVENTS + 2, "the duplicate is stored once");
}

#[expect(clippy::disallowed_methods, reason = "measures the machine's time")]
fn now() -> Instant {
    Instant::now()
}

const EVENTS: usize = 50;
