//! The inbox in PostgreSQL: what its store alone can do to it.

use std::time::Duration;

use kinde_tests::servers::{self, Proxy};
use kinde_webhook::{
    EventKey, Inbox, InboxError, Lease,
    inbox::{ParkedEvent, PostgresInbox},
};
use sqlx::{Executor, PgPool, postgres::PgPoolOptions};

use crate::{
    conformance::{self, Stage, TERMS, key, look, take},
    event, migrated,
};

/// covers: H7
#[tokio::test(flavor = "multi_thread")]
async fn postgres_does_what_every_inbox_must_do() {
    let server = servers::postgres().await;
    let pool = server.pool().await;
    let inbox = migrated(&pool).await;
    conformance::all(&InPostgres { inbox, pool }, &event().await).await;
}

/// A database whose transactions see one moment only refuses who came second; that is an event in flight.
///
/// covers: H7
#[tokio::test(flavor = "multi_thread")]
async fn serializable_postgres_does_what_every_inbox_must_do() {
    let server = servers::own_postgres().await;
    let pool = server.pool().await;
    pool.execute("alter database postgres set default_transaction_isolation = 'serializable'").await.unwrap();
    let strict = server.pool().await;
    let inbox = migrated(&strict).await;
    conformance::all(&InPostgres { inbox, pool: strict }, &event().await).await;
}

/// covers: H7
#[tokio::test]
async fn restart_of_postgres_between_reserve_and_confirm_loses_nothing() {
    let mut server = servers::own_postgres().await;
    let inbox = migrated(&server.pool().await).await;
    let (mine, done) = (take(&inbox, &key("mine")).await, take(&inbox, &key("done")).await);
    inbox.confirm(&done).await.unwrap();

    server.crash();
    server.start().await;

    // The first connections of the pool are broken; the pool notices by itself.
    assert_eq!(look(&inbox, &key("mine")).await, "in flight");
    assert_eq!(look(&inbox, &key("done")).await, "handled");
    inbox.confirm(&mine).await.unwrap();
    assert_eq!(look(&inbox, &key("mine")).await, "handled");
}

/// covers: H8
#[tokio::test]
async fn postgres_that_is_down_is_unavailable_by_the_deadline() {
    let mut server = servers::own_postgres().await;
    let inbox = migrated(&server.pool().await).await.with_deadline(Duration::from_millis(200));
    server.stop();
    let down = inbox.reserve(&key("one"), TERMS).await;
    assert!(matches!(down, Err(InboxError::Unavailable(_))), "{down:?}");
}

/// The answer to a confirmation is lost. The event is handled although nobody was told: at the next delivery it is
/// known, and a confirmation that is repeated holds.
#[tokio::test]
async fn connection_cut_during_confirm_leaves_an_outcome_that_can_be_asked_for() {
    let server = servers::own_postgres().await;
    let direct = migrated(&server.pool().await).await;
    let proxy = Proxy::to(server.port()).await;
    let (behind, inbox) = through(&proxy).await;
    // Each statement is prepared once; the next time it is one message.
    inbox.confirm(&take(&inbox, &key("warm-up")).await).await.unwrap();
    let lease = take(&inbox, &key("cut")).await;

    at_rest(&behind).await;
    proxy.swallow_answers();
    let cut = inbox.confirm(&lease).await;
    proxy.heal();

    assert!(matches!(cut, Err(InboxError::Unavailable(_))), "{cut:?}");
    assert_eq!(look(&direct, &key("cut")).await, "handled");
    inbox.confirm(&lease).await.unwrap();
}

/// The same before the handler ran: the reservation stands although nobody holds its lease, and ends with it.
#[tokio::test]
async fn connection_cut_during_reserve_delays_the_event_by_a_lease() {
    let server = servers::own_postgres().await;
    let pool = server.pool().await;
    let direct = migrated(&pool).await;
    let proxy = Proxy::to(server.port()).await;
    let (behind, inbox) = through(&proxy).await;
    take(&inbox, &key("warm-up")).await;

    at_rest(&behind).await;
    proxy.swallow_answers();
    assert!(matches!(inbox.reserve(&key("cut"), TERMS).await, Err(InboxError::Unavailable(_))));
    proxy.heal();

    let stage = InPostgres { inbox: direct, pool };
    assert_eq!(look(stage.inbox(), &key("cut")).await, "in flight");
    stage.pass(TERMS.lease).await;
    assert_eq!(look(&inbox, &key("cut")).await, "yours");
}

#[tokio::test]
async fn purge_deletes_what_may_be_forgotten_and_nothing_else() {
    let server = servers::postgres().await;
    let pool = server.pool().await;
    let stage = InPostgres { inbox: migrated(&pool).await, pool: pool.clone() };
    let inbox = stage.inbox();
    inbox.park(&take(inbox, &key("parked")).await, &event().await, "no such plan").await.unwrap();
    let fill = "insert into kinde_webhook_inbox
        (environment, endpoint, event_id, state, nonce, reserved_at, lease_until, keep_until)
        select 'e', '/', n::text, 'handled', '\\x00', now(), now(), now() + interval '1 hour'
        from generate_series(1, 2500) n";
    sqlx::query(fill).execute(&pool).await.unwrap();
    stage.pass(Duration::from_secs(30 * 24 * 3600)).await;
    inbox.confirm(&take(inbox, &key("handled")).await).await.unwrap();
    take(inbox, &key("in flight")).await;

    assert_eq!(inbox.purge().await.unwrap(), 2500);

    assert_eq!(inbox.purge().await.unwrap(), 0);
    assert_eq!(look(inbox, &key("parked")).await, "handled");
    assert_eq!(look(inbox, &key("handled")).await, "handled");
    assert_eq!(look(inbox, &key("in flight")).await, "in flight");
    assert_eq!(inbox.parked(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn parked_events_are_listed_oldest_first_and_not_more_than_asked_for() {
    let server = servers::postgres().await;
    let inbox = migrated(&server.pool().await).await;
    let event = event().await;
    for name in ["c", "a", "b"] {
        inbox.park(&take(&inbox, &key(name)).await, &event, name).await.unwrap();
    }
    let reasons =
        |parked: Vec<ParkedEvent>| parked.iter().map(|it| it.reason().to_owned()).collect::<Vec<_>>();
    assert_eq!(reasons(inbox.parked(2).await.unwrap()), ["c", "a"]);
    assert_eq!(reasons(inbox.parked(0).await.unwrap()), Vec::<String>::new());
    assert_eq!(reasons(inbox.parked(u32::MAX).await.unwrap()), ["c", "a", "b"]);
}

/// An inbox with one connection, through a network that can fail.
async fn through(proxy: &Proxy) -> (PgPool, PostgresInbox) {
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port());
    let pool =
        PgPoolOptions::new().max_connections(1).test_before_acquire(false).connect(&url).await.unwrap();
    (pool.clone(), PostgresInbox::new(pool).with_deadline(Duration::from_secs(60)))
}

/// The pool tests a connection that comes back to it; what is cut shall be the statement and not that.
async fn at_rest(pool: &PgPool) {
    while pool.num_idle() == 0 {
        tokio::task::yield_now().await;
    }
}

/// Time passes by moving every row into the past.
pub(crate) struct InPostgres {
    pub(crate) inbox: PostgresInbox,
    pub(crate) pool: PgPool,
}

impl Stage for InPostgres {
    type Inbox = PostgresInbox;

    fn inbox(&self) -> &PostgresInbox {
        &self.inbox
    }

    async fn pass(&self, time: Duration) {
        let pass = "update kinde_webhook_inbox set lease_until = lease_until - $1 * interval '1 second',
            keep_until = keep_until - $1 * interval '1 second'";
        sqlx::query(pass).bind(time.as_secs_f64()).execute(&self.pool).await.unwrap();
    }

    async fn parked(&self) -> Vec<ParkedEvent> {
        self.inbox.parked(1000).await.unwrap()
    }

    async fn reopen(&self, key: &EventKey) -> Option<Lease> {
        self.inbox.reopen(key, TERMS).await.unwrap()
    }
}
