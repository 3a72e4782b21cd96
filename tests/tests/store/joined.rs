//! The handler's writes and the event in one transaction: both or neither.

use std::time::Duration;

use kinde_tests::servers;
use kinde_webhook::{
    Inbox, InboxError,
    inbox::{Begun, InboxTransaction, PostgresInbox},
};
use sqlx::{Executor, PgPool, Row, postgres::PgPoolOptions};

use crate::{
    conformance::{Stage, TERMS, key, look, take},
    event, migrated,
    postgres::InPostgres,
};

/// covers: H7
#[tokio::test]
async fn writes_and_event_become_durable_with_one_commit() {
    let server = servers::postgres().await;
    let (pool, inbox) = shop(&server).await;

    let mut transaction = begin(&inbox, "one").await;
    welcome(&mut transaction).await;
    assert_eq!(welcomed(&pool).await, 0);
    transaction.commit().await.unwrap();

    assert_eq!((welcomed(&pool).await, look(&inbox, &key("one")).await), (1, "handled"));
    assert!(matches!(inbox.begin(&key("one"), TERMS).await.unwrap(), Begun::Handled));
}

#[tokio::test]
async fn transaction_that_is_dropped_or_rolled_back_leaves_neither() {
    let server = servers::postgres().await;
    let (pool, inbox) = shop(&server).await;

    let mut dropped = begin(&inbox, "one").await;
    welcome(&mut dropped).await;
    drop(dropped);
    let mut rolled_back = begin(&inbox, "one").await;
    welcome(&mut rolled_back).await;
    rolled_back.rollback().await.unwrap();

    assert_eq!((welcomed(&pool).await, look(&inbox, &key("one")).await), (0, "yours"));
}

/// covers: H7
#[tokio::test]
async fn crash_of_postgres_before_the_commit_leaves_neither() {
    let mut server = servers::own_postgres().await;
    let (pool, inbox) = shop(&server).await;
    let mut transaction = begin(&inbox, "one").await;
    welcome(&mut transaction).await;

    server.crash();
    server.start().await;

    assert!(matches!(transaction.commit().await, Err(InboxError::Unavailable(_))));
    assert_eq!((welcomed(&pool).await, look(&inbox, &key("one")).await), (0, "yours"));
}

#[tokio::test(flavor = "multi_thread")]
async fn second_delivery_waits_for_the_commit_and_learns_of_it() {
    let server = servers::postgres().await;
    let (pool, inbox) = shop(&server).await;
    let first = begin(&inbox, "one").await;
    let second = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.begin(&key("one"), TERMS).await.unwrap() }
    });
    until_somebody_waits(&pool).await;
    first.commit().await.unwrap();
    assert!(matches!(second.await.unwrap(), Begun::Handled));
}

#[tokio::test(flavor = "multi_thread")]
async fn second_delivery_gets_the_event_that_the_first_rolled_back() {
    let server = servers::postgres().await;
    let (pool, inbox) = shop(&server).await;
    let first = begin(&inbox, "one").await;
    let second = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.begin(&key("one"), TERMS).await.unwrap() }
    });
    until_somebody_waits(&pool).await;
    first.rollback().await.unwrap();
    assert!(matches!(second.await.unwrap(), Begun::New(_)));
}

#[tokio::test]
async fn second_delivery_waits_no_longer_than_the_deadline() {
    let server = servers::postgres().await;
    let (_, inbox) = shop(&server).await;
    let _first = begin(&inbox, "one").await;
    let hasty = inbox.clone().with_deadline(Duration::from_millis(300));
    assert!(matches!(hasty.begin(&key("one"), TERMS).await.unwrap(), Begun::InFlight));
}

/// A delivery that only reserves has the next question to ask, and no connection to spare for a wait.
#[tokio::test]
async fn reservation_beside_a_transaction_is_in_flight_and_leaves_nothing_waiting() {
    let server = servers::postgres().await;
    let (pool, inbox) = shop(&server).await;
    let first = begin(&inbox, "one").await;
    let options = (*pool.connect_options()).clone();
    let one = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let reserving = PostgresInbox::new(one.clone()).with_deadline(Duration::from_secs(60));

    assert_eq!(look(&reserving, &key("one")).await, "in flight");

    assert_eq!(waiting(&pool).await, 0);
    let timeout = sqlx::query("show lock_timeout").fetch_one(&one).await.unwrap().get::<String, _>(0);
    assert_eq!(timeout, "0", "the connection is as it was");
    first.commit().await.unwrap();
    assert_eq!(look(&reserving, &key("one")).await, "handled");
}

/// A database whose transactions see one moment only: the second cannot see what the first did meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn second_delivery_is_told_the_outcome_under_serializable_isolation_too() {
    let server = servers::own_postgres().await;
    let (pool, inbox) = shop(&server).await;
    pool.execute("alter database postgres set default_transaction_isolation = 'serializable'").await.unwrap();
    let strict = PostgresInbox::new(server.pool().await);
    let first = begin(&inbox, "one").await;
    let second = tokio::spawn(async move { strict.begin(&key("one"), TERMS).await.unwrap() });
    until_somebody_waits(&pool).await;
    first.commit().await.unwrap();
    let told = second.await.unwrap();
    assert!(matches!(told, Begun::InFlight | Begun::Handled), "{told:?}");
}

#[tokio::test]
async fn reserved_event_is_in_flight_for_a_transaction() {
    let server = servers::postgres().await;
    let (_, inbox) = shop(&server).await;
    take(&inbox, &key("one")).await;
    assert!(matches!(inbox.begin(&key("one"), TERMS).await.unwrap(), Begun::InFlight));
}

#[tokio::test]
async fn handler_whose_statement_failed_can_park_its_event() {
    let server = servers::postgres().await;
    let (pool, inbox) = shop(&server).await;
    let mut transaction = begin(&inbox, "one").await;
    welcome(&mut transaction).await;
    transaction.connection().execute("insert into welcomed (number) values ('no number')").await.unwrap_err();

    transaction.park(&event().await, "no number").await.unwrap();

    assert_eq!((welcomed(&pool).await, look(&inbox, &key("one")).await), (0, "handled"));
    assert_eq!(inbox.parked(10).await.unwrap()[0].reason(), "no number");
}

/// covers: H7
#[tokio::test]
async fn confirmation_in_the_handlers_transaction_is_durable_with_its_writes() {
    let server = servers::postgres().await;
    let (pool, inbox) = shop(&server).await;
    let lease = take(&inbox, &key("one")).await;

    let mut transaction = pool.begin().await.unwrap();
    transaction.execute("insert into welcomed values (1)").await.unwrap();
    inbox.confirm_in(&lease, &mut transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!((welcomed(&pool).await, look(&inbox, &key("one")).await), (0, "in flight"));

    let mut transaction = pool.begin().await.unwrap();
    transaction.execute("insert into welcomed values (1)").await.unwrap();
    inbox.confirm_in(&lease, &mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    inbox.confirm(&lease).await.unwrap();
    assert_eq!((welcomed(&pool).await, look(&inbox, &key("one")).await), (1, "handled"));
}

#[tokio::test]
async fn late_handler_is_told_in_its_transaction_that_the_event_is_anothers() {
    let server = servers::postgres().await;
    let (pool, inbox) = shop(&server).await;
    let late = take(&inbox, &key("one")).await;
    let stage = InPostgres { inbox: inbox.clone(), pool: pool.clone() };
    stage.pass(TERMS.lease).await;
    take(&inbox, &key("one")).await;
    let mut transaction = pool.begin().await.unwrap();
    let lost = inbox.confirm_in(&late, &mut transaction).await;
    assert!(matches!(lost, Err(InboxError::LeaseLost)), "{lost:?}");
}

pub(crate) async fn shop(server: &servers::Postgres) -> (PgPool, PostgresInbox) {
    let pool = server.pool().await;
    pool.execute("create table welcomed (number bigint)").await.unwrap();
    let inbox = migrated(&pool).await;
    (pool, inbox)
}

async fn begin(inbox: &PostgresInbox, name: &str) -> InboxTransaction {
    match inbox.begin(&key(name), TERMS).await.unwrap() {
        Begun::New(transaction) => transaction,
        other => panic!("{name} is not new: {other:?}"),
    }
}

async fn welcome(transaction: &mut InboxTransaction) {
    transaction.connection().execute("insert into welcomed values (1)").await.unwrap();
}

async fn welcomed(pool: &PgPool) -> i64 {
    sqlx::query("select count(*) from welcomed").fetch_one(pool).await.unwrap().get(0)
}

async fn until_somebody_waits(pool: &PgPool) {
    while waiting(pool).await == 0 {
        tokio::task::yield_now().await;
    }
}

async fn waiting(pool: &PgPool) -> i64 {
    let waiting = "select count(*) from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()";
    sqlx::query(waiting).fetch_one(pool).await.unwrap().get(0)
}
