//! The queue: apalis's tables in PostgreSQL, and how an event gets into them.

use std::{error::Error, time::Duration};

use apalis::prelude::TaskBuilder;
use apalis_postgres::{PostgresStorage, queries::push_tasks};
use kinde_webhook::{Event, HandlerError, StoredEvent, inbox::PostgresInbox};
use sqlx::{PgPool, postgres::PgPoolOptions};

/// The name under which the jobs stand in `apalis.jobs`.
pub const QUEUE: &str = "kinde-webhooks";

/// How often a job is tried: with the pauses between (see `work.rs`) for half a day.
pub const ATTEMPTS: usize = 25;

/// Connects to the database and makes what is missing: apalis's tables, the inbox's, and our own.
pub async fn connect(url: &str) -> Result<PgPool, Box<dyn Error>> {
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        // Kinde seems to hang up after five seconds: by then it must have heard a 503.
        .acquire_timeout(Duration::from_secs(2))
        // Asking whether a connection still lives would be a second round trip. Where one is dead, the answer is 503,
        // and Kinde comes again.
        .test_before_acquire(false)
        .connect(url)
        .await?;
    PostgresStorage::setup(&pool).await?;
    PostgresInbox::new(pool.clone()).migrate().await?;
    crate::handler::create_table(&pool).await?;
    Ok(pool)
}

/// Stores an event: one statement, so one round trip, and durable when it returns.
pub async fn push(pool: PgPool, event: Event) -> Result<(), HandlerError> {
    let job = serde_json::to_vec(&StoredEvent::new(&event))?;
    let task = TaskBuilder::new(job).idempotency_key(event.id()).max_attempts(ATTEMPTS).build();
    // `PostgresStorage::push_task` would begin a transaction before and commit it after: three round trips.
    match push_tasks(&mut *pool.acquire().await?, QUEUE, vec![task]).await {
        Err(error) if is_stored_already(&error) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Kinde sends an event more than once. That its row is there already is what we want.
fn is_stored_already(error: &apalis_postgres::Error) -> bool {
    let apalis_postgres::Error::Database(error) = error else { return false };
    error.as_database_error().and_then(|error| error.constraint()) == Some("idx_jobs_idempotency_key")
}

/// For the jobs that are worked on, the events that come in, and apalis itself.
const CONNECTIONS: u32 = 20;
