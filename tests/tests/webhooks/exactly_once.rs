//! A handler that joins the inbox's transaction, and what it can do wrong.

use std::time::Duration;

use kinde_emulator::Environment;
use kinde_tests::servers;
use kinde_webhook::{
    Disposition, Event, EventKey, ExactlyOnce, HandlerError, Joined, Process, WebhookError,
    inbox::{Begun, PostgresInbox, Terms},
};
use sqlx::{Connection, PgConnection, PgPool, Row};

use crate::receiver::verifier_of;

struct Stage {
    kinde: Environment,
    pool: PgPool,
    _server: servers::Postgres,
}

impl Stage {
    async fn set() -> Self {
        let (kinde, server) = (Environment::start().await, servers::postgres().await);
        let pool = server.pool().await;
        PostgresInbox::new(pool.clone()).migrate().await.unwrap();
        sqlx::query("CREATE TABLE handled (event_id TEXT PRIMARY KEY)").execute(&pool).await.unwrap();
        Self { kinde, pool, _server: server }
    }

    async fn event(&self, id: &str) -> Event {
        let token = self.kinde.event("user.created").set("event_id", id).token();
        verifier_of(&self.kinde).verify(token).await.unwrap()
    }

    async fn process<F>(&self, event: &Event, handler: F) -> Result<Disposition, WebhookError>
    where
        F: for<'c> Fn(Event, &'c mut PgConnection) -> Joined<'c> + Clone + Send + Sync + 'static,
    {
        let inbox = PostgresInbox::new(self.pool.clone());
        ExactlyOnce::new(inbox, &verifier_of(&self.kinde), handler).process(event.clone()).await
    }

    async fn handled(&self) -> i64 {
        sqlx::query("SELECT count(*) FROM handled").fetch_one(&self.pool).await.unwrap().get(0)
    }
}

async fn insert(connection: &mut PgConnection, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO handled VALUES ($1)").bind(id).execute(connection).await.map(drop)
}

fn writes(event: Event, connection: &mut PgConnection) -> Joined<'_> {
    Box::pin(async move { Ok(insert(connection, event.id()).await?) })
}

/// covers: H7 H8
#[tokio::test]
async fn handler_that_swallows_a_failed_statement_is_not_acknowledged_and_comes_again() {
    let stage = Stage::set().await;
    let event = stage.event("event_1").await;
    insert(&mut stage.pool.acquire().await.unwrap(), "event_1").await.unwrap();
    fn swallowing(event: Event, connection: &mut PgConnection) -> Joined<'_> {
        Box::pin(async move {
            // "It is there already" is what it thinks; PostgreSQL has aborted the transaction.
            let _ = insert(connection, event.id()).await;
            Ok(())
        })
    }
    let refused = stage.process(&event, swallowing).await.unwrap_err();
    assert_eq!((refused.code(), refused.is_temporary()), ("transaction_aborted", true));
    sqlx::query("DELETE FROM handled").execute(&stage.pool).await.unwrap();
    assert_eq!(stage.process(&event, writes).await.unwrap(), Disposition::Handled);
    assert_eq!(stage.handled().await, 1);
}

/// covers: H7 H8
#[tokio::test]
async fn handler_that_ends_the_transaction_itself_is_not_acknowledged() {
    let stage = Stage::set().await;
    for (id, statement) in [("event_1", "ROLLBACK"), ("event_2", "COMMIT"), ("event_3", "ROLLBACK; BEGIN")] {
        let event = stage.event(id).await;
        let outcome = stage.process(&event, move |_, connection| {
            Box::pin(async move {
                sqlx::raw_sql(statement).execute(connection).await?;
                Ok(())
            })
        });
        let refused = outcome.await.unwrap_err();
        assert_eq!(refused.code(), "transaction_aborted", "{statement}");
    }
    // None of that went back to the pool as an open transaction.
    let again = stage.event("event_4").await;
    assert_eq!(stage.process(&again, writes).await.unwrap(), Disposition::Handled);
    assert_eq!(stage.handled().await, 1);
}

/// covers: H7
#[tokio::test]
async fn statement_that_may_fail_has_a_savepoint() {
    let stage = Stage::set().await;
    let event = stage.event("event_1").await;
    insert(&mut stage.pool.acquire().await.unwrap(), "other").await.unwrap();
    fn careful(event: Event, connection: &mut PgConnection) -> Joined<'_> {
        Box::pin(async move {
            let mut savepoint = connection.begin().await?;
            let _ = insert(&mut savepoint, "other").await;
            savepoint.rollback().await?;
            Ok(insert(connection, event.id()).await?)
        })
    }
    assert_eq!(stage.process(&event, careful).await.unwrap(), Disposition::Handled);
    assert_eq!(stage.process(&event, careful).await.unwrap(), Disposition::Duplicate);
    assert_eq!(stage.handled().await, 2);
}

/// covers: H8
#[tokio::test]
async fn handler_that_panics_fails_or_takes_too_long_leaves_nothing() {
    let stage = Stage::set().await;
    let event = stage.event("event_1").await;
    fn panics_before(_: Event, _: &mut PgConnection) -> Joined<'_> {
        panic!("before its future")
    }
    assert_eq!(stage.process(&event, panics_before).await.unwrap_err().code(), "handler_failed");
    fn panics(event: Event, connection: &mut PgConnection) -> Joined<'_> {
        Box::pin(async move {
            insert(connection, event.id()).await?;
            panic!("after a write")
        })
    }
    assert_eq!(stage.process(&event, panics).await.unwrap_err().code(), "handler_failed");
    fn hangs(event: Event, connection: &mut PgConnection) -> Joined<'_> {
        Box::pin(async move {
            insert(connection, event.id()).await?;
            std::future::pending().await
        })
    }
    let inbox = PostgresInbox::new(stage.pool.clone());
    let slow =
        ExactlyOnce::new(inbox, &verifier_of(&stage.kinde), hangs).with_time_limit(Duration::from_millis(50));
    assert_eq!(slow.process(event.clone()).await.unwrap_err().code(), "handler_failed");
    assert_eq!(stage.handled().await, 0);
    fn refuses(event: Event, connection: &mut PgConnection) -> Joined<'_> {
        Box::pin(async move {
            insert(connection, event.id()).await?;
            Err(HandlerError::permanent("no such plan"))
        })
    }
    assert_eq!(stage.process(&event, refuses).await.unwrap(), Disposition::Parked);
    assert_eq!(stage.process(&event, writes).await.unwrap(), Disposition::Duplicate);
    assert_eq!(stage.handled().await, 0);
    assert_eq!(PostgresInbox::new(stage.pool.clone()).parked(10).await.unwrap().len(), 1);
}

/// covers: H7
#[tokio::test]
async fn late_answer_of_the_database_leaves_no_open_transaction_in_the_pool() {
    let server = servers::own_postgres().await;
    let proxy = servers::Proxy::to(server.port()).await;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port());
    let one = sqlx::postgres::PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = one.connect(&url).await.unwrap();
    PostgresInbox::new(pool.clone()).migrate().await.unwrap();
    sqlx::query("CREATE TABLE handled (event_id TEXT PRIMARY KEY)").execute(&pool).await.unwrap();
    let inbox = PostgresInbox::new(pool.clone());
    let key = |id: &str| EventKey::from_parts("environment", "endpoint", id);
    let terms = Terms { lease: Duration::from_secs(60), keep: Duration::from_secs(600) };
    // What is prepared once is prepared now, so that the next answer is the one to BEGIN.
    let Begun::New(warm) = inbox.begin(&key("warm"), terms).await.unwrap() else { panic!("it is new") };
    warm.rollback().await.unwrap();
    // The pool says something to a connection that comes back; that must be over, too.
    while pool.num_idle() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    proxy.hold_answers();
    let hasty = inbox.clone().with_deadline(Duration::from_millis(100));
    assert!(hasty.begin(&key("one"), terms).await.is_err());
    proxy.heal();

    // What the application writes next on the same connection is durable at once.
    sqlx::query("INSERT INTO handled VALUES ('mine')").execute(&pool).await.unwrap();
    let direct = server.pool().await;
    let count: i64 = sqlx::query("SELECT count(*) FROM handled").fetch_one(&direct).await.unwrap().get(0);
    assert_eq!(count, 1);
}
