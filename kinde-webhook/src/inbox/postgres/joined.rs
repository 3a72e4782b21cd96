//! Handled exactly once: the event's row and the handler's writes in one transaction.

use std::{fmt, time::Duration};

use sqlx::{AssertSqlSafe, Executor, Postgres, Row, Transaction};

use super::{PostgresInbox, about, is_waiting_in_vain, not_lost, settle, taken_or_handled, within};
use crate::{
    Event, EventKey, InboxError,
    inbox::{Lease, Terms},
};

impl PostgresInbox {
    /// Takes an event in a new transaction for the handler to write in: its commit makes both durable at once.
    ///
    /// There is no lease: the event is the transaction's until that ends, and a worker that dies loses its
    /// connection and with it the transaction. Another delivery of the event waits for that, at most for the
    /// deadline, and is then told what became of it. Locks that the handler takes wait no longer either
    /// (`lock_timeout`). A handler should be short: it holds a connection.
    ///
    /// ```no_run
    /// use kinde_webhook::{Event, EventKey, HandlerError};
    /// use kinde_webhook::inbox::{Begun, PostgresInbox, Terms};
    ///
    /// async fn welcome(inbox: &PostgresInbox, event: &Event, terms: Terms) -> Result<(), HandlerError> {
    ///     let key = EventKey::new(event, "/webhook");
    ///     let mut transaction = match inbox.begin(&key, terms).await? {
    ///         Begun::New(transaction) => transaction,
    ///         Begun::Handled => return Ok(()),
    ///         Begun::InFlight => return Err("another delivery of the event is being handled".into()),
    ///     };
    ///     sqlx::query("insert into welcomed (event_id) values ($1)")
    ///         .bind(event.id())
    ///         .execute(transaction.connection())
    ///         .await?;
    ///     transaction.commit().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`]; nothing is then taken.
    pub async fn begin(&self, key: &EventKey, terms: Terms) -> Result<Begun, InboxError> {
        // A wait for a lock may use up the deadline; the other statements get as long again.
        let deadline = self.deadline.saturating_mul(2);
        let (this, key) = (self.clone(), key.clone());
        // Only the wait is given up, not the attempt: a connection that went back to the pool in the middle of its
        // BEGIN would carry the open transaction to whoever has it next. One that comes late is rolled back.
        let attempt = tokio::spawn(async move { this.try_begin(&key, terms).await });
        let attempt =
            async { attempt.await.unwrap_or_else(|lost| Err(sqlx::Error::Io(std::io::Error::other(lost)))) };
        match within(deadline, attempt).await {
            Err(InboxError::Unavailable(cause)) if is_waiting_in_vain(&*cause) => Ok(Begun::InFlight),
            begun => begun,
        }
    }

    async fn try_begin(&self, key: &EventKey, terms: Terms) -> Result<Begun, sqlx::Error> {
        // The number is ours; `SET` takes no parameters.
        let start =
            format!("BEGIN; SET LOCAL lock_timeout = {}", self.deadline.as_millis().clamp(1, MILLIS_LIMIT));
        let mut transaction = self.pool.begin_with(AssertSqlSafe(start)).await?;
        // Nobody sees the row before the commit, and then the event is handled.
        let (lease, query) = self.reserving(key, terms, "handled");
        let (is_taken, is_handled) = taken_or_handled(&query.fetch_one(&mut *transaction).await?)?;
        if is_taken {
            transaction.execute("SAVEPOINT kinde_webhook").await?;
            return Ok(Begun::New(InboxTransaction { transaction, lease, deadline: self.deadline }));
        }
        if is_handled {
            return Ok(Begun::Handled);
        }
        // After a wait the answer is as old as the question; a second look sees what the other committed.
        transaction.rollback().await?;
        let is_handled = about(LOOK, key).fetch_one(&self.pool).await?.try_get("is_handled")?;
        Ok(if is_handled { Begun::Handled } else { Begun::InFlight })
    }
}

/// What came of [`PostgresInbox::begin`]. Complete by nature.
#[derive(Debug)]
pub enum Begun {
    /// It is new: handle it in this transaction.
    New(InboxTransaction),
    /// Another is handling it now.
    InFlight,
    /// It is handled, or parked.
    Handled,
}

/// A transaction that holds an event. Dropping it rolls both back: the event is new again.
#[must_use = "without a commit nothing of it stays"]
pub struct InboxTransaction {
    transaction: Transaction<'static, Postgres>,
    lease: Lease,
    deadline: Duration,
}

impl InboxTransaction {
    /// Gives the connection for the handler's statements.
    ///
    /// A `COMMIT` or `ROLLBACK` of its own would end the transaction under the event; use
    /// [`Connection::begin`](sqlx::Connection::begin) on it for a part that may fail, which is a savepoint.
    pub fn connection(&mut self) -> &mut sqlx::PgConnection {
        &mut self.transaction
    }

    /// Makes the handler's writes and the event's being handled durable together.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`] when it is unknown whether they are. Answer with 503: at the next delivery
    /// [`begin`](PostgresInbox::begin) knows. [`InboxError::TransactionAborted`] when the handler went on after a failed
    /// statement, or ended the transaction itself: PostgreSQL then answers a `COMMIT` as if all were well.
    pub async fn commit(mut self) -> Result<(), InboxError> {
        let release = self.transaction.execute("RELEASE SAVEPOINT kinde_webhook");
        within(self.deadline, release).await.map_err(lost_if_gone)?;
        within(self.deadline, self.transaction.commit()).await
    }

    /// Takes the handler's writes back; the event is new again.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`]; the server then rolls back when it misses the connection.
    pub async fn rollback(self) -> Result<(), InboxError> {
        within(self.deadline, self.transaction.rollback()).await
    }

    /// Takes the handler's writes back and puts the event aside, at once.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`]; the event is then new again, or parked.
    pub async fn park(mut self, event: &Event, reason: &str) -> Result<(), InboxError> {
        within(self.deadline, self.transaction.execute("ROLLBACK TO SAVEPOINT kinde_webhook")).await?;
        let query = settle(&self.lease, "parked", Some((event, reason)));
        let parked = within(self.deadline, query.execute(&mut *self.transaction)).await?;
        not_lost(parked.rows_affected())?;
        self.commit().await
    }
}

/// The savepoint is gone, or nothing but a rollback is heard: classes 25 (transaction state) and 3B (savepoint).
fn lost_if_gone(error: InboxError) -> InboxError {
    let InboxError::Unavailable(cause) = &error else { return error };
    let code = cause.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    match code.and_then(|error| error.code()) {
        Some(code) if code.starts_with("25") || code.starts_with("3B") => InboxError::TransactionAborted,
        _ => error,
    }
}

impl fmt::Debug for InboxTransaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("InboxTransaction").field("lease", &self.lease).finish_non_exhaustive()
    }
}

/// `lock_timeout` is a 32-bit number, and zero means for ever.
const MILLIS_LIMIT: u128 = i32::MAX as u128;

const LOOK: &str = "
select exists (
    select from kinde_webhook_inbox
    where (environment, endpoint, event_id) = ($1, $2, $3)
        and (state = 'parked' or state = 'handled' and keep_until > clock_timestamp())
) as is_handled";
