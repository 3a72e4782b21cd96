//! An environment, a database, and what stands in its tables.

use std::{collections::BTreeSet, time::Duration};

use kinde_emulator::Environment;
use kinde_tests::servers::{self, Postgres};
use serde_json::json;
use sqlx::{PgPool, Row};

use crate::programs::Program;

/// A shop that takes webhooks of an environment: its database, and its endpoint, which made the tables.
pub(crate) struct Shop {
    pub(crate) kinde: Environment,
    pub(crate) postgres: Postgres,
    pub(crate) pool: PgPool,
    /// The half that Kinde talks to.
    pub(crate) endpoint: Program,
}

impl Shop {
    /// Opens on a database for this test alone.
    pub(crate) async fn open() -> Self {
        Self::open_on(servers::postgres().await).await
    }

    /// Opens on a server for this test alone, which can be stopped.
    pub(crate) async fn open_on_a_server_of_its_own() -> Self {
        Self::open_on(servers::own_postgres().await).await
    }

    async fn open_on(postgres: Postgres) -> Self {
        let kinde = Environment::start().await;
        let endpoint = Program::accept(&kinde, postgres.url(), 0);
        kinde.add_webhook(endpoint.url()).unwrap();
        let pool = postgres.pool().await;
        Self { kinde, postgres, pool, endpoint }
    }

    /// Kills the endpoint, and starts another in its place.
    pub(crate) fn kill_endpoint(&mut self) {
        self.endpoint.kill();
        self.endpoint = Program::accept(&self.kinde, self.postgres.url(), self.endpoint.port());
    }

    /// Lets Kinde try again what it could not deliver, four times.
    pub(crate) async fn try_again(&self) {
        for pause in [5, 25, 90, 8 * 60] {
            self.kinde.elapse(Duration::from_secs(pause)).await;
            self.kinde.settled().await;
        }
    }

    /// Starts a worker.
    pub(crate) fn worker(&self) -> Program {
        Program::work(&self.kinde, self.postgres.url())
    }

    /// Writes a job straight into the queue's table, as whoever can reach the database could.
    pub(crate) async fn put(&self, id: &str, job: &[u8]) {
        let insert =
            "insert into apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority)
            values ($1, 'kinde-webhooks', $2, 'Pending', 0, 25, now(), 0)";
        sqlx::query(insert).bind(id).bind(job).execute(&self.pool).await.unwrap();
    }

    /// Writes a job with this token.
    pub(crate) async fn put_token(&self, id: &str, token: &str) {
        self.put(id, json!({ "token": token }).to_string().as_bytes()).await;
    }

    /// Counts, with a query of one number.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.pool).await.unwrap()
    }

    /// Gives the handled events' ids, each as often as it was handled.
    pub(crate) async fn handled(&self) -> Vec<String> {
        let rows =
            sqlx::query("select event_id from handled order by 1").fetch_all(&self.pool).await.unwrap();
        rows.iter().map(|row| row.get("event_id")).collect()
    }

    /// Waits until every job is done, or ended for good.
    pub(crate) async fn worked_off(&self) {
        let open = "select count(*) from apalis.jobs where status not in ('Done', 'Killed')";
        eventually("every job is done", async || self.count(open).await == 0).await;
    }

    /// Shows that these events were handled, each once, and no other.
    pub(crate) async fn assert_handled_exactly_once(&self, sent: &BTreeSet<String>) {
        let handled = self.handled().await;
        let distinct: BTreeSet<_> = handled.iter().cloned().collect();
        let lost: Vec<_> = sent.difference(&distinct).collect();
        assert!(lost.is_empty(), "{} of {} events were lost: {lost:?}", lost.len(), sent.len());
        assert_eq!(handled.len(), distinct.len(), "events were handled twice");
        assert_eq!(distinct.len(), sent.len(), "events were handled that were not sent");
    }
}

/// Waits until something is so, for at most five minutes: the machine may be busy with compilers.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..6000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come to pass within five minutes that {what}");
}
