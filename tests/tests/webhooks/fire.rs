//! Deliveries under fire: duplicates, failing handlers, and stores that are restarted in the middle.

use kinde_tests::scale::scaled;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kinde_emulator::{Environment, WebhookDelivery};
use kinde_tests::servers::{own_postgres, own_redis};
use kinde_webhook::{
    Event, ExactlyOnce, HandlerError, WebhookService,
    inbox::{PostgresInbox, RedisInbox},
};
use sqlx::{PgConnection, PgPool, Row};

use crate::receiver::{serve, verifier_of};

/// Numbers without a pattern, the same at each run.
#[derive(Clone, Default)]
struct Dice(Arc<AtomicU64>);

impl Dice {
    /// One time in `sides`.
    fn is_one_of(&self, sides: u64) -> bool {
        let thrown = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (thrown ^ (thrown >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 33).is_multiple_of(sides)
    }
}

/// Sends this many events, one in ten twice, twenty at a time, and lets `disturb` happen meanwhile; then lets the hours
/// of the retry plan go by until every event is acknowledged.
async fn fire(kinde: &Environment, events: u32, mut disturb: impl AsyncFnMut()) -> Vec<String> {
    kinde.set_webhook_delivery(WebhookDelivery::default().with_at_most(20));
    let dice = Dice::default();
    let mut ids = Vec::new();
    for number in 0..events {
        let id = kinde.trigger("user.updated");
        if dice.is_one_of(10) {
            kinde.resend(&id);
        }
        ids.push(id);
        if number % (events / 4).max(1) == events / 8 {
            disturb().await;
        }
    }
    kinde.settled().await;
    // Reservations end by the store's clock, which cannot be set: those of deliveries that were cut off end now.
    tokio::time::sleep(LEASE).await;
    // Attempts of 36 hours: whatever is not acknowledged by then is lost.
    for _ in 0..40 {
        kinde.settled().await;
        if kinde.pending_webhooks() == 0 {
            break;
        }
        kinde.advance(Duration::from_secs(3600));
    }
    assert_eq!(kinde.pending_webhooks(), 0);
    let acknowledged = kinde.webhook_attempts().iter().filter(|attempt| attempt.outcome.is_success()).count();
    assert!(acknowledged >= ids.len());
    ids
}

/// covers: H7 H8
#[tokio::test(flavor = "multi_thread")]
async fn events_whose_handler_joins_the_transaction_are_handled_exactly_once() {
    let events = scaled("events with a joined transaction, PostgreSQL restarted under them", 100_000);
    let (kinde, mut postgres) = (Environment::start().await, own_postgres().await);
    let pool = postgres.pool().await;
    let inbox = PostgresInbox::new(pool.clone());
    inbox.migrate().await.unwrap();
    sqlx::query("CREATE TABLE handled (event_id TEXT NOT NULL)").execute(&pool).await.unwrap();

    let dice = Dice::default();
    let verifier = verifier_of(&kinde);
    let process = ExactlyOnce::new(inbox, &verifier, move |event: Event, connection: &mut PgConnection| {
        let dice = dice.clone();
        Box::pin(async move {
            sqlx::query("INSERT INTO handled VALUES ($1)").bind(event.id()).execute(connection).await?;
            match dice.is_one_of(5) {
                true => Err(HandlerError::retryable("the dice say so")),
                false => Ok(()),
            }
        })
    });
    kinde.add_webhook(serve(WebhookService::processing(verifier, process)).await).unwrap();
    let ids = fire(&kinde, events, async || postgres.restart().await).await;

    let pool = postgres.pool().await;
    assert_eq!(counts(&pool).await, (i64::from(events), i64::from(events)));
    assert_eq!(ids.len(), events as usize);
}

/// covers: H7 H8
#[tokio::test(flavor = "multi_thread")]
async fn events_with_an_inbox_of_postgres_are_handled_and_none_is_lost() {
    let events = scaled("events with an inbox in PostgreSQL, restarted under them", 100_000);
    let (kinde, mut postgres) = (Environment::start().await, own_postgres().await);
    let inbox = PostgresInbox::new(postgres.pool().await);
    inbox.migrate().await.unwrap();
    let (handled, dice) = (Handled::default(), Dice::default());
    let noted = handled.clone();
    let service = WebhookService::from_fn(verifier_of(&kinde), inbox, move |event: Event| {
        noted.clone().handle(event, dice.clone())
    })
    // A process that loses its database keeps its reservation until the lease ends: let that be soon.
    .map_once(|once| once.with_time_limit(Duration::from_secs(1)).with_patience(Duration::from_millis(200)));
    kinde.add_webhook(serve(service).await).unwrap();
    let ids = fire(&kinde, events, async || postgres.restart().await).await;
    handled.each_at_least_once(&ids);
}

/// covers: H7 H8
#[tokio::test(flavor = "multi_thread")]
async fn events_with_an_inbox_of_redis_are_handled_and_none_is_lost() {
    let events = scaled("events with an inbox in Redis, restarted under them", 100_000);
    let (kinde, mut redis) = (Environment::start().await, own_redis(true).await);
    let inbox = RedisInbox::new(redis.connection().await);
    let (handled, dice) = (Handled::default(), Dice::default());
    let noted = handled.clone();
    let service = WebhookService::from_fn(verifier_of(&kinde), inbox, move |event: Event| {
        noted.clone().handle(event, dice.clone())
    })
    .map_once(|once| once.with_time_limit(Duration::from_secs(1)).with_patience(Duration::from_millis(200)));
    kinde.add_webhook(serve(service).await).unwrap();
    let ids = fire(&kinde, events, async || redis.restart().await).await;
    handled.each_at_least_once(&ids);
}

/// A second for the handler, five more, and one to spare.
const LEASE: Duration = Duration::from_secs(7);

/// Which events a handler succeeded with, and how often.
#[derive(Clone, Default)]
struct Handled(Arc<std::sync::Mutex<std::collections::HashMap<String, usize>>>);

impl Handled {
    async fn handle(self, event: Event, dice: Dice) -> Result<(), HandlerError> {
        if dice.is_one_of(5) {
            return Err("the dice say so".into());
        }
        *self.0.lock().unwrap().entry(event.id().to_owned()).or_default() += 1;
        Ok(())
    }

    fn each_at_least_once(&self, ids: &[String]) {
        let counts = self.0.lock().unwrap();
        let lost: Vec<_> = ids.iter().filter(|id| !counts.contains_key(*id)).collect();
        assert!(lost.is_empty(), "{} lost: {lost:?}", lost.len());
        let twice = counts.values().filter(|count| **count > 1).count();
        println!("{} events, {twice} of them handled more than once after a restart", ids.len());
        // Only what was under way when its store went away can come again: twenty at a time, four times.
        assert!(twice <= 4 * 20, "{twice}");
    }
}

/// Rows, and distinct ones among them.
async fn counts(pool: &PgPool) -> (i64, i64) {
    let row =
        sqlx::query("SELECT count(*), count(DISTINCT event_id) FROM handled").fetch_one(pool).await.unwrap();
    (row.get(0), row.get(1))
}
