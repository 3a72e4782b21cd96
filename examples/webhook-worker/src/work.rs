//! The worker: takes jobs from the queue, verifies each again, and has it handled once.

use std::{any::Any, convert::Infallible, time::Duration};

use apalis::{
    layers::{
        catch_panic::{CatchPanicLayer, PanicError},
        retry::{
            HasherRng, RetryPolicy,
            backoff::{ExponentialBackoff, ExponentialBackoffMaker, InvalidBackoff, MakeBackoff},
        },
    },
    prelude::{
        AbortError, BackendExt, BoxDynError, Codec, RandomId, WorkerBuilder, WorkerBuilderExt, WorkerError,
    },
};
use apalis_postgres::{Config, PostgresStorage};
use example_environment::ctrl_c;
use kinde_webhook::{
    Event, EventKey, HandlerError, StoredEvent, WebhookVerifier,
    inbox::{Begun, PostgresInbox, Terms},
};
use sqlx::PgPool;

use crate::{
    handler,
    queue::{ATTEMPTS, QUEUE},
};

/// Works until Ctrl-C. Where the database goes away, it begins anew.
pub async fn run(pool: PgPool, verifier: WebhookVerifier) -> Result<(), InvalidBackoff> {
    let backoff = backoff()?;
    while let Err(error) = run_once(&pool, &verifier, &backoff).await {
        tracing::warn!(%error, "the worker lost its queue and begins anew");
        tokio::select! {
            () = ctrl_c() => break,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
    Ok(())
}

async fn run_once(
    pool: &PgPool,
    verifier: &WebhookVerifier,
    backoff: &ExponentialBackoff,
) -> Result<(), WorkerError> {
    let config = Config::default()
        .queue(QUEUE)
        // A worker that was killed misses five heartbeats; then any other, or its successor, puts its jobs back.
        // apalis's own setting is ten of 30 s each.
        .heartbeat_interval(Duration::from_secs(1))
        .missed_heartbeats(5)
        // apalis sends no heartbeat while it holds jobs that it has fetched and cannot start: so it holds none.
        .batch_size(1);
    let queue = PostgresStorage::new(pool).with_config(config).with_pubsub().with_codec(AsStored);
    // A new name at each start: under the old one, what it left behind would count as being worked on.
    WorkerBuilder::new(format!("{QUEUE}-{}", RandomId::default()).as_str())
        .backend(queue)
        // Outermost, so that a job that waits for its next attempt holds up no other.
        .retry(RetryPolicy::retries(ATTEMPTS - 1).with_backoff(backoff.clone()))
        .concurrency(JOBS_AT_A_TIME)
        .timeout(HANDLER_TIME_LIMIT)
        .layer(CatchPanicLayer::with_panic_handler(retry_a_panic))
        .build({
            let (inbox, verifier) = (PostgresInbox::new(pool.clone()), verifier.clone());
            move |job: Vec<u8>| work(job, verifier.clone(), inbox.clone())
        })
        .run_until(async {
            ctrl_c().await;
            Ok::<_, WorkerError>(())
        })
        .await
}

/// Verifies a job again: a queue is storage, not proof, and others may write to its table.
async fn work(job: Vec<u8>, verifier: WebhookVerifier, inbox: PostgresInbox) -> Result<(), BoxDynError> {
    let stored: StoredEvent =
        serde_json::from_slice(&job).map_err(|error| refused("job_malformed", error))?;
    let event = match verifier.verify(stored.token()).await {
        Err(error) if !error.is_temporary() => return Err(refused(error.code(), error)),
        outcome => outcome?,
    };
    let terms = Terms { lease: HANDLER_TIME_LIMIT, keep: verifier.window() + A_DAY };
    handle_once(&event, &inbox, terms).await.map_err(|error| {
        tracing::warn!(event_id = ?event.id(), reason = %error, "event postponed");
        error.to_string().into()
    })
}

/// Has an event handled in the transaction that remembers it.
async fn handle_once(event: &Event, inbox: &PostgresInbox, terms: Terms) -> Result<(), HandlerError> {
    let mut transaction = match inbox.begin(&EventKey::new(event, QUEUE), terms).await? {
        Begun::New(transaction) => transaction,
        Begun::Handled => return Ok(()),
        Begun::InFlight => return Err("another worker has it".into()),
    };
    match handler::handle(transaction.connection(), event).await {
        Ok(()) => Ok(transaction.commit().await?),
        Err(error) if error.is_permanent() => {
            tracing::error!(event_id = ?event.id(), reason = %error, "event parked");
            Ok(transaction.park(event, &error.to_string()).await?)
        }
        // The transaction is dropped, and with it whatever the handler wrote.
        Err(error) => Err(error),
    }
}

/// Ends a job for good: its row stays, with the status `Killed` and the reason.
fn refused(code: &str, error: impl std::error::Error + Send + Sync + 'static) -> BoxDynError {
    tracing::error!(code, reason = %error, "job refused");
    AbortError::new(error).into()
}

/// apalis would end the job; but what made the handler panic may be gone at the next attempt.
fn retry_a_panic(panic: &Box<dyn Any + Send>) -> PanicError {
    let said = panic.downcast_ref::<&str>().map(ToString::to_string);
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(said, "the handler panicked");
    PanicError(said)
}

/// Pauses of 1 s, 2 s, 4 s … up to an hour.
fn backoff() -> Result<ExponentialBackoff, InvalidBackoff> {
    let (shortest, longest) = (Duration::from_secs(1), Duration::from_secs(60 * 60));
    Ok(ExponentialBackoffMaker::new(shortest, longest, 0.1, HasherRng::default())?.make_backoff())
}

/// Hands the job's bytes on, for apalis ends the worker that meets a job it cannot decode.
#[derive(Clone)]
struct AsStored;

impl Codec<Vec<u8>> for AsStored {
    type Compact = Vec<u8>;
    type Error = Infallible;

    fn encode(&self, job: &Vec<u8>) -> Result<Vec<u8>, Infallible> {
        Ok(job.clone())
    }

    fn decode(&self, job: &Vec<u8>) -> Result<Vec<u8>, Infallible> {
        Ok(job.clone())
    }
}

const JOBS_AT_A_TIME: usize = 10;
const HANDLER_TIME_LIMIT: Duration = Duration::from_secs(60);
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use apalis::prelude::{Attempt, MemoryStorage, TaskSink, WorkerContext};

    use super::*;

    #[tokio::test]
    async fn handler_that_panics_is_tried_again_by_a_worker_that_lives() {
        async fn panics_at_first(_: u32, attempt: Attempt, worker: WorkerContext) -> Result<(), BoxDynError> {
            assert!(attempt.current() > 1, "a panic, as this test wants it");
            Ok(worker.stop()?)
        }
        let mut queue = MemoryStorage::new();
        queue.push(1).await.unwrap();
        let worker = WorkerBuilder::new("worker")
            .backend(queue)
            .retry(RetryPolicy::retries(1))
            .layer(CatchPanicLayer::with_panic_handler(retry_a_panic))
            .build(panics_at_first);
        tokio::time::timeout(Duration::from_secs(60), worker.run()).await.unwrap().unwrap();
    }

    #[test]
    fn attempts_last_for_half_a_day() {
        let pauses = (0..ATTEMPTS - 1).map(|pause| (1_u64 << pause).min(60 * 60));
        let hours = pauses.sum::<u64>() / (60 * 60);
        assert!((12..=14).contains(&hours), "{hours}");
    }
}
