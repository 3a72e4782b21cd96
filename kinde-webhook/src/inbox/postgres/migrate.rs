//! The inbox's tables, made and changed beside those of the application.

use sqlx::{Connection, Row};

use super::{PostgresInbox, unavailable};
use crate::InboxError;

impl PostgresInbox {
    /// Makes the tables, or brings them up to date; call it at every start.
    ///
    /// It keeps its own list, `_kinde_webhook_migrations`, so that it stands beside the migrations of the application
    /// and of other libraries. Processes that start at once wait for each other, and a failed migration leaves
    /// nothing behind. Where a service may not change tables, run the files of this crate's `migrations` folder in
    /// their order instead; then this need not be called.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`] with what the database said.
    pub async fn migrate(&self) -> Result<(), InboxError> {
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        migrate(&mut connection).await.map_err(unavailable)
    }
}

async fn migrate(connection: &mut sqlx::PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // Held to the end of the transaction: one process migrates, the others wait, then find nothing to do.
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql(LIST).execute(&mut *transaction).await?;
    let newest = "select coalesce(max(version), 0) as newest from _kinde_webhook_migrations";
    let newest: i32 = sqlx::query(newest).fetch_one(&mut *transaction).await?.try_get("newest")?;
    for (version, sql) in MIGRATIONS.iter().filter(|(version, _)| *version > newest) {
        sqlx::raw_sql(*sql).execute(&mut *transaction).await?;
        let done = "insert into _kinde_webhook_migrations (version) values ($1)";
        sqlx::query(done).bind(*version).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// A number that nobody else is likely to lock: `kinde-wh` as bytes.
const LOCK: i64 = i64::from_be_bytes(*b"kinde-wh");

const LIST: &str = "
create table if not exists _kinde_webhook_migrations (
    version integer primary key,
    applied_at timestamptz not null default clock_timestamp()
)";

/// In ascending order. A migration that was released is never changed; a newer version's tables still serve this one.
const MIGRATIONS: &[(i32, &str)] = &[(1, include_str!("../../../migrations/0001_inbox.sql"))];
