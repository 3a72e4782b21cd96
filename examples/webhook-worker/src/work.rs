//! The worker: takes jobs from the queue, verifies each again, and has it handled once.

use std::{convert::Infallible, time::Duration};

use apalis::{
    layers::retry::{
        HasherRng, RetryPolicy,
        backoff::{ExponentialBackoff, ExponentialBackoffMaker, InvalidBackoff, MakeBackoff},
    },
    prelude::{
        AbortError, BackendExt, BoxDynError, Codec, RandomId, WorkerBuilder, WorkerBuilderExt, WorkerError,
    },
};
use apalis_postgres::{Config, PostgresStorage};
use example_environment::ctrl_c;
use kinde_webhook::{ExactlyOnce, Process, StoredEvent, WebhookVerifier, inbox::PostgresInbox};
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
        .build({
            let (process, verifier) = (process(pool, verifier), verifier.clone());
            move |job: Vec<u8>| work(job, verifier.clone(), process.clone())
        })
        .run_until(async {
            ctrl_c().await;
            Ok::<_, WorkerError>(())
        })
        .await
}

/// Runs the handler in the transaction that remembers its event. A panic is an error like any other.
fn process(pool: &PgPool, verifier: &WebhookVerifier) -> impl Process {
    ExactlyOnce::new(PostgresInbox::new(pool.clone()), verifier, |event, connection| {
        Box::pin(async move { handler::handle(connection, &event).await })
    })
    .with_endpoint(QUEUE)
    .with_time_limit(HANDLER_TIME_LIMIT)
}

/// Verifies a job again: a queue is storage, not proof, and others may write to its table.
async fn work(job: Vec<u8>, verifier: WebhookVerifier, process: impl Process) -> Result<(), BoxDynError> {
    let stored: StoredEvent =
        serde_json::from_slice(&job).map_err(|error| refused("job_malformed", error))?;
    let event = match verifier.verify(stored.token()).await {
        // This worker may not have heard of a new key yet, or its clock may be behind: a later attempt finds out.
        Err(error) if !error.is_temporary() && !MAY_PASS.contains(&error.code()) => {
            return Err(refused(error.code(), error));
        }
        outcome => outcome?,
    };
    process.process(event.clone()).await.map(drop).map_err(|error| {
        tracing::warn!(event_id = ?event.id(), reason = %error, "event postponed");
        error.into()
    })
}

/// Ends a job for good: its row stays, with the status `Killed` and the reason.
fn refused(code: &str, error: impl std::error::Error + Send + Sync + 'static) -> BoxDynError {
    tracing::error!(code, reason = %error, "job refused");
    AbortError::new(error).into()
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

const MAY_PASS: [&str; 2] = ["key_unknown", "token_not_yet_valid"];
const JOBS_AT_A_TIME: usize = 10;
const HANDLER_TIME_LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_last_for_half_a_day() {
        let pauses = (0..ATTEMPTS - 1).map(|pause| (1_u64 << pause).min(60 * 60));
        let hours = pauses.sum::<u64>() / (60 * 60);
        assert!((12..=14).contains(&hours), "{hours}");
    }
}
