//! Workers are killed while they handle events, endpoints while they accept them.

use kinde_tests::scale::scaled;
use std::collections::BTreeSet;

use kinde_emulator::WebhookDelivery;
use sqlx::{Executor, PgPool};

use crate::shop::{Shop, eventually};

/// covers: H7 H10
#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_again_and_again_in_a_handler_handles_every_event_exactly_once() {
    let deliveries = scaled("deliveries to a worker that is killed", 100_000);
    let shop = Shop::open().await;
    shop.kinde.set_webhook_delivery(WebhookDelivery::default().with_at_most(20));
    shop.pool.execute(SOMETIMES_FAIL).await.unwrap();
    let mut worker = shop.worker();
    let sent = send_with_duplicates(&shop, deliveries);

    let (kills, mut interrupted) = (4 + deliveries / 10_000, 0);
    for kill in 1..=kills {
        let before = i64::from(kill) * i64::try_from(sent.len()).unwrap() / i64::from(kills + 1);
        let handled = "select count(*) from handled";
        eventually("the worker gets on", async || shop.count(handled).await >= before).await;
        let gate = Gate::close(&shop.pool).await;
        eventually("a handler waits", async || shop.count(WAITING).await > 0).await;
        interrupted += shop.count(WAITING).await;
        worker.kill();
        gate.open().await;
        worker = shop.worker();
    }
    shop.kinde.settled().await;
    shop.worked_off().await;

    let attempts = shop.kinde.webhook_attempts();
    assert_eq!(attempts.len(), usize::try_from(deliveries).unwrap());
    assert!(
        attempts.iter().all(|attempt| attempt.outcome.is_success()),
        "every delivery is answered with 200"
    );
    shop.assert_handled_exactly_once(&sent).await;
    let jobs = shop.count("select count(*) from apalis.jobs").await;
    let retried = shop.count("select count(*) from apalis.jobs where attempts > 1").await;
    println!(
        "{deliveries} deliveries of {} events: {jobs} jobs, {} rows; {kills} kills interrupted {interrupted} handlers; \
         {retried} jobs took more than one attempt",
        sent.len(),
        shop.handled().await.len(),
    );
    assert!(interrupted >= i64::from(kills) && retried >= interrupted);
}

/// covers: H8
#[tokio::test(flavor = "multi_thread")]
async fn endpoint_killed_while_kinde_delivers_costs_no_event() {
    let deliveries = scaled("deliveries to an endpoint that is killed", 20_000);
    let mut shop = Shop::open().await;
    shop.kinde.set_webhook_delivery(WebhookDelivery::default().with_at_most(20));
    let _worker = shop.worker();
    let sent = send_with_duplicates(&shop, deliveries);
    eventually("the endpoint begins", async || shop.count("select count(*) from apalis.jobs").await > 0)
        .await;
    shop.kill_endpoint();
    shop.kinde.settled().await;
    let in_vain =
        shop.kinde.webhook_attempts().iter().filter(|attempt| !attempt.outcome.is_success()).count();
    shop.try_again().await;
    shop.worked_off().await;

    assert!(in_vain > 0, "the endpoint was killed too late");
    shop.assert_handled_exactly_once(&sent).await;
    println!("{deliveries} deliveries, {in_vain} of them at first in vain: {} rows", sent.len());
}

/// Sends events, one in ten deliveries of them a duplicate, and gives the events' ids.
fn send_with_duplicates(shop: &Shop, deliveries: u32) -> BTreeSet<String> {
    let duplicates = deliveries / 10;
    let events: Vec<_> = (0..deliveries - duplicates).map(|_| shop.kinde.trigger("user.created")).collect();
    for event in events.iter().step_by(9).take(usize::try_from(duplicates).unwrap()) {
        assert!(shop.kinde.resend(event));
    }
    events.into_iter().collect()
}

/// Holds up every handler at its insert.
struct Gate(sqlx::Transaction<'static, sqlx::Postgres>);

impl Gate {
    async fn close(pool: &PgPool) -> Self {
        let mut transaction = pool.begin().await.unwrap();
        transaction.execute("lock table handled in exclusive mode").await.unwrap();
        Self(transaction)
    }

    async fn open(self) {
        self.0.rollback().await.unwrap();
    }
}

const WAITING: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into handled%'";

/// One insert in twenty fails, as a handler does whose database or neighbour is in trouble.
const SOMETIMES_FAIL: &str = "
    create function sometimes_fail() returns trigger language plpgsql as $$
    begin
        if random() < 0.05 then raise exception 'a random failure'; end if;
        return new;
    end $$;
    create trigger sometimes_fail before insert on handled for each row execute function sometimes_fail()";
