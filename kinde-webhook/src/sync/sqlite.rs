//! The tables in SQLite.

use sqlx::{Executor, Sqlite, SqlitePool, Transaction, sqlite::SqliteArguments};

use super::{SyncError, database::in_database, statements::TABLES};

/// Keeps the tables in SQLite. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SqliteSync {
    pool: SqlitePool,
}

impl SqliteSync {
    /// Uses a pool of yours.
    pub fn new(pool: sqlx::SqlitePool) -> Self {
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
            for table in TABLES {
                transaction.execute(table).await?;
            }
            transaction.commit().await
        };
        migrate.await.map_err(failed)
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.pool.begin_with(IMMEDIATE).await
    }
}

in_database!(SqliteSync, sqlx::SqliteConnection, Sqlite, SqliteArguments);

/// Takes the write lock at once: a transaction that reads first and writes then fails when another wrote between.
const IMMEDIATE: &str = "BEGIN IMMEDIATE";
