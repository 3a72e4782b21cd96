//! Sessions in PostgreSQL: shared by every process, and as durable as the application's own data.

use std::{fmt, future::Future, time::Duration};

use sqlx::{Connection, Row};

use super::{
    record::SessionId,
    store::{Lives, SessionStore, StoreError, StoreFuture, Stored},
};

/// Keeps sessions in a table of a PostgreSQL database (feature `postgres`, which needs Rust 1.94 as sqlx 0.9 does).
///
/// Every operation is one statement; all times are the server's. Reading a session writes only when a tenth of its idle
/// time has gone by. Call [`purge`](Self::purge) now and then: nothing else deletes sessions that are over.
///
/// ```no_run
/// use kinde_login::PostgresStore;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresStore::new(sqlx::PgPool::connect("postgres://localhost/shop").await?);
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pool: sqlx::PgPool,
    deadline: Duration,
}

impl PostgresStore {
    /// Uses the tables in the first schema of the pool's `search_path`; [`migrate`](Self::migrate) makes them.
    ///
    /// TLS and credentials are the pool's: this crate turns on no TLS feature of sqlx.
    pub fn new(pool: sqlx::PgPool) -> Self {
        Self { pool, deadline: DEADLINE }
    }

    /// Sets for how long the database may take for an answer, a free connection included, before it counts as down,
    /// which is 503. Default 3 s; zero leaves it no time, so that hardly a call succeeds.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes the tables, or brings them up to date; call it at every start.
    ///
    /// It keeps its own list, `_kinde_login_migrations`. Processes that start at once wait for each other. Where a
    /// service may not change tables, run the files of this crate's `migrations` folder instead.
    ///
    /// # Errors
    ///
    /// What the database said.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        migrate(&mut connection).await.map_err(unavailable)
    }

    /// Deletes sessions that are over, and gives how many there were; for example once a day.
    ///
    /// # Errors
    ///
    /// What the database said.
    pub async fn purge(&self) -> Result<u64, StoreError> {
        let purged = sqlx::query(PURGE).execute(&self.pool).await;
        purged.map(|purged| purged.rows_affected()).map_err(unavailable)
    }
}

impl SessionStore for PostgresStore {
    fn create<'a>(&'a self, id: SessionId, data: &'a [u8], lives: Lives) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let creating = sqlx::query(CREATE)
                .bind(id.as_bytes())
                .bind(data)
                .bind(lives.idle.as_secs_f64())
                .bind(lives.absolute.as_secs_f64());
            let created = within(self.deadline, creating.execute(&self.pool)).await?;
            if created.rows_affected() == 1 {
                Ok(())
            } else {
                Err(StoreError::new("the session id is taken"))
            }
        })
    }

    fn load(&self, id: SessionId, idle: Duration) -> StoreFuture<'_, Option<Stored>> {
        Box::pin(async move {
            let loading = sqlx::query(LOAD).bind(id.as_bytes()).bind(idle.as_secs_f64());
            let Some(row) = within(self.deadline, loading.fetch_optional(&self.pool)).await? else {
                return Ok(None);
            };
            let version: i64 = row.try_get("version").map_err(unavailable)?;
            let data = row.try_get("data").map_err(unavailable)?;
            Ok(Some(Stored { version: version.cast_unsigned(), data }))
        })
    }

    fn replace_if_version<'a>(
        &'a self,
        id: SessionId,
        version: u64,
        data: &'a [u8],
        idle: Duration,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let replacing = sqlx::query(REPLACE)
                .bind(id.as_bytes())
                .bind(version.cast_signed())
                .bind(data)
                .bind(idle.as_secs_f64());
            let replaced = within(self.deadline, replacing.execute(&self.pool)).await?;
            Ok(replaced.rows_affected() == 1)
        })
    }

    fn delete(&self, id: SessionId) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let deleting = sqlx::query("delete from kinde_sessions where id = $1").bind(id.as_bytes());
            within(self.deadline, deleting.execute(&self.pool)).await.map(drop)
        })
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresStore").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

async fn migrate(connection: &mut sqlx::PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // Held to the end of the transaction: one process migrates, the others wait, then find nothing to do.
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql(LIST).execute(&mut *transaction).await?;
    let newest = "select coalesce(max(version), 0) as newest from _kinde_login_migrations";
    let newest: i32 = sqlx::query(newest).fetch_one(&mut *transaction).await?.try_get("newest")?;
    for (version, sql) in MIGRATIONS.iter().filter(|(version, _)| *version > newest) {
        sqlx::raw_sql(*sql).execute(&mut *transaction).await?;
        let done = "insert into _kinde_login_migrations (version) values ($1)";
        sqlx::query(done).bind(*version).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

async fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(deadline, answer).await {
        Ok(answer) => answer.map_err(unavailable),
        Err(_) => Err(StoreError::new(format!("postgres: no answer within {deadline:?}"))),
    }
}

/// No statement holds a value in its text, so that no message can repeat one.
fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::new(format!("postgres: {error}"))
}

const DEADLINE: Duration = Duration::from_secs(3);

/// A number that nobody else is likely to lock: `kinde-lo` as bytes.
const LOCK: i64 = i64::from_be_bytes(*b"kinde-lo");

const LIST: &str = "
create table if not exists _kinde_login_migrations (
    version integer primary key,
    applied_at timestamptz not null default clock_timestamp()
)";

/// In ascending order. A migration that was released is never changed; a newer version's tables still serve this one.
const MIGRATIONS: &[(i32, &str)] = &[(1, include_str!("../../migrations/0001_sessions.sql"))];

// An id whose session is over is free again.
const CREATE: &str = "
insert into kinde_sessions (id, version, data, idle_until, ends_at)
values ($1, 1, $2, clock_timestamp() + $3 * interval '1 second', clock_timestamp() + $4 * interval '1 second')
on conflict (id) do update
set version = 1, data = excluded.data, idle_until = excluded.idle_until, ends_at = excluded.ends_at
where least(kinde_sessions.idle_until, kinde_sessions.ends_at) <= clock_timestamp()";

// The row is written only when a tenth of its idle time has gone by; either way it is read once.
const LOAD: &str = "
with touched as (
    update kinde_sessions set idle_until = clock_timestamp() + $2 * interval '1 second'
    where id = $1 and least(idle_until, ends_at) > clock_timestamp()
        and idle_until < clock_timestamp() + $2 * interval '0.9 seconds'
    returning version, data
)
select version, data from touched
union all
select version, data from kinde_sessions
where id = $1 and least(idle_until, ends_at) > clock_timestamp() and not exists (select from touched)";

const REPLACE: &str = "
update kinde_sessions
set version = version + 1, data = $3, idle_until = clock_timestamp() + $4 * interval '1 second'
where id = $1 and version = $2 and least(idle_until, ends_at) > clock_timestamp()";

const PURGE: &str = "delete from kinde_sessions where least(idle_until, ends_at) <= clock_timestamp()";
