//! The tables in PostgreSQL.

use kinde_core::AccessToken;
use sqlx::{Executor, PgConnection, PgPool, Postgres, Row, query::Query};

use super::{
    Applied, SyncError, UserState,
    ensure::{Users, ensure_user},
    statements::{self, FIND_USER, Plan, Statement, TABLES, Value},
};
use crate::{Event, HandlerError};

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
            let mut transaction = self.pool.begin().await?;
            // Two processes that create one table at the same moment: the second would fail.
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
            for table in TABLES {
                transaction.execute(table).await?;
            }
            transaction.commit().await
        };
        migrate.await.map_err(failed)
    }

    /// Applies an event in a transaction of its own.
    ///
    /// # Errors
    ///
    /// Permanent for a payload of another shape, retryable when the database fails.
    pub async fn apply(&self, event: &Event) -> Result<Applied, HandlerError> {
        let mut transaction = self.pool.begin().await?;
        let applied = self.apply_in(&mut transaction, event).await?;
        transaction.commit().await?;
        Ok(applied)
    }

    /// Applies an event in a transaction of the caller's, such as the inbox's: then it is applied exactly once.
    ///
    /// # Errors
    ///
    /// As [`apply`](PostgresSync::apply).
    pub async fn apply_in(
        &self,
        transaction: &mut sqlx::PgConnection,
        event: &Event,
    ) -> Result<Applied, HandlerError> {
        match statements::plan(event).map_err(HandlerError::permanent)? {
            Some(plan) => Ok(run(transaction, plan).await?),
            None => Ok(Applied::NotSynced),
        }
    }

    /// Makes sure that whoever calls has a row, and tells what is known of them.
    ///
    /// One query for a person who is known.
    ///
    /// # Errors
    ///
    /// [`SyncError`] when the database does not answer. Refuse the request then: it is not known whether the person
    /// was deleted.
    pub async fn ensure_user(&self, token: &AccessToken) -> Result<UserState, SyncError> {
        ensure_user(self, token).await.map_err(failed)
    }
}

impl Users for PostgresSync {
    type Error = sqlx::Error;

    async fn find(&self, id: &str) -> Result<Option<(UserState, i64)>, sqlx::Error> {
        let row = sqlx::query(FIND_USER).bind(id).fetch_optional(&self.pool).await?;
        row.map(|row| {
            let state = UserState::of(row.try_get("is_suspended")?, row.try_get("is_deleted")?);
            Ok((state, row.try_get("email_changed_at")?))
        })
        .transpose()
    }

    async fn write(&self, statement: &Statement) -> Result<(), sqlx::Error> {
        bound(statement).execute(&self.pool).await.map(drop)
    }
}

async fn run(connection: &mut PgConnection, plan: Plan) -> Result<Applied, sqlx::Error> {
    let mut applied = Applied::Outdated;
    for part in &plan {
        if bound(&part.guard).execute(&mut *connection).await?.rows_affected() == 0 {
            continue;
        }
        applied = Applied::Written;
        for statement in &part.rest {
            bound(statement).execute(&mut *connection).await?;
        }
    }
    Ok(applied)
}

fn bound(statement: &Statement) -> Query<'_, Postgres, sqlx::postgres::PgArguments> {
    statement.values.iter().fold(sqlx::query(statement.sql), |query, value| match value {
        Value::Text(text) => query.bind(text.as_deref()),
        Value::Integer(number) => query.bind(*number),
        Value::Boolean(flag) => query.bind(*flag),
    })
}

fn failed(error: sqlx::Error) -> SyncError {
    SyncError(error.into())
}

/// Any number that nobody else locks: the letters `kindesyn`.
const LOCK: i64 = i64::from_be_bytes(*b"kindesyn");
