//! The tables in PostgreSQL.

use sqlx::{Executor, PgPool, Postgres, Transaction, postgres::PgArguments};

use super::{SyncError, database::in_database, statements::TABLES};

/// Keeps the tables in PostgreSQL. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PostgresSync {
    pool: PgPool,
}

impl PostgresSync {
    /// Uses a pool of yours.
    pub fn new(pool: sqlx::PgPool) -> Self {
        Self { pool }
    }

    /// Creates the tables where they are not there. Several processes may do so at once.
    ///
    /// # Errors
    ///
    /// [`SyncError`] when the database does not do it.
    pub async fn migrate(&self) -> Result<(), SyncError> {
        let migrate = async {
            let mut transaction = self.begin().await?;
            // Two processes that create one table at the same moment: the second would fail.
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
            for table in TABLES {
                transaction.execute(table).await?;
            }
            transaction.commit().await
        };
        migrate.await.map_err(failed)
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool.begin().await
    }
}

in_database!(PostgresSync, sqlx::PgConnection, Postgres, PgArguments);

/// Any number that nobody else locks: the letters `kindesyn`.
const LOCK: i64 = i64::from_be_bytes(*b"kindesyn");
