//! An inbox in PostgreSQL: shared by every process, and able to join the handler's transaction.

use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

use kinde_core::{Random, Secret, SystemRandom};
use sqlx::{Postgres, Row, postgres::PgArguments, query::Query};

use super::{
    EventKey, Inbox, InboxError, Lease, ParkedEvent, Reservation, Terms, cut,
    deadline::{DEADLINE, within},
    nonce,
};
use crate::Event;

mod joined;
mod migrate;

pub use joined::{Begun, InboxTransaction};

/// An [`Inbox`] in a table of a PostgreSQL database (feature `postgres`, which needs Rust 1.94 as sqlx 0.9 does).
///
/// Every process that shares the database shares the inbox, and nothing that was committed is lost by a restart.
/// Reserving, confirming, releasing and parking are one statement and one round trip each; sqlx adds one where its
/// pool tests a connection first (`test_before_acquire`). All times are the server's.
///
/// ```no_run
/// use kinde_webhook::inbox::PostgresInbox;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::PgPool::connect("postgres://localhost/shop").await?;
/// let inbox = PostgresInbox::new(pool);
/// inbox.migrate().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Exactly once
///
/// Between a handler's last effect and its confirmation a process may die. A handler that writes to the same database
/// avoids that: [`begin`](PostgresInbox::begin) reserves the event in a transaction that the handler writes in, and
/// both become durable at once. Where the event was reserved before, [`confirm_in`](PostgresInbox::confirm_in) joins
/// the confirmation to the handler's own transaction.
///
/// # Upkeep
///
/// Call [`purge`](PostgresInbox::purge) now and then, for example once a day; nothing else deletes rows, and without it
/// the table grows for ever: rows that may be forgotten are ignored from then on, but they stay until it deletes them.
/// Parked events hold a JWT and with it personal data, and stay until somebody settles them.
#[derive(Clone)]
pub struct PostgresInbox {
    pool: sqlx::PgPool,
    random: Arc<dyn Random>,
    deadline: Duration,
}

impl PostgresInbox {
    /// Uses the tables in the first schema of the pool's `search_path`; [`migrate`](PostgresInbox::migrate) makes them.
    ///
    /// TLS and credentials are the pool's: this crate turns on no TLS feature of sqlx.
    pub fn new(pool: sqlx::PgPool) -> Self {
        Self { pool, random: Arc::new(SystemRandom), deadline: DEADLINE }
    }

    /// Gives for how long a statement, or a wait for another delivery, may take.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Sets for how long the database may take for an answer, a free connection included, before it counts as down.
    ///
    /// The default is three seconds: the 503 should be out before Kinde gives up on the delivery. With zero every
    /// call fails.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets where nonces come from; for tests.
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Confirms an event in a transaction of the handler's: with its commit the writes and the outcome are durable
    /// together, and the event is handled exactly once.
    ///
    /// Until the commit the row is locked, and for another delivery the event is in flight. Confirming again afterwards
    /// does no harm.
    ///
    /// # Errors
    ///
    /// [`InboxError::LeaseLost`] when the event is another's now: roll the transaction back.
    pub async fn confirm_in(&self, lease: &Lease, joined: &mut sqlx::PgConnection) -> Result<(), InboxError> {
        let settled = within(self.deadline, settle(lease, "handled", None).execute(joined)).await?;
        not_lost(settled.rows_affected())
    }

    /// Gives events that were put aside and that nobody works on, the oldest first.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`].
    pub async fn parked(&self, limit: u32) -> Result<Vec<ParkedEvent>, InboxError> {
        let listing = sqlx::query(PARKED).bind(i64::from(limit));
        let rows = within(self.deadline, listing.fetch_all(&self.pool)).await?;
        let parked: Result<_, sqlx::Error> = rows.iter().map(parked_event).collect();
        parked.map_err(unavailable)
    }

    /// Takes a parked event to handle it after all; `None` when it is not parked, or somebody works on it.
    ///
    /// [`confirm`](Inbox::confirm) settles it; when the lease is released or ends, it is parked again.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`].
    pub async fn reopen(&self, key: &EventKey, terms: Terms) -> Result<Option<Lease>, InboxError> {
        let nonce = nonce::draw(&*self.random);
        let taking =
            about(REOPEN, key).bind(nonce.to_be_bytes()).bind(seconds(terms.lease)).bind(seconds(terms.keep));
        let taken = within(self.deadline, taking.execute(&self.pool)).await?.rows_affected();
        Ok((taken > 0).then(|| Lease::new(key.clone(), nonce, terms)))
    }

    /// Deletes what may be forgotten, 1,000 rows at a time, and tells how many rows that were.
    ///
    /// Several processes may do it at once: each passes over the rows of the other.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`]; what was deleted before stays deleted.
    pub async fn purge(&self) -> Result<u64, InboxError> {
        let mut purged = 0_u64;
        loop {
            let batch = within(self.deadline, sqlx::query(PURGE).execute(&self.pool)).await?.rows_affected();
            purged = purged.saturating_add(batch);
            if batch < PURGED_AT_ONCE {
                return Ok(purged);
            }
        }
    }

    fn reserving<'key>(
        &self,
        key: &'key EventKey,
        terms: Terms,
        state: &'static str,
    ) -> (Lease, PgQuery<'key>) {
        let nonce = nonce::draw(&*self.random);
        let query = about(RESERVE, key)
            .bind(nonce.to_be_bytes())
            .bind(seconds(terms.lease))
            .bind(seconds(terms.keep))
            .bind(state);
        (Lease::new(key.clone(), nonce, terms), query)
    }
}

impl fmt::Debug for PostgresInbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresInbox").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Inbox for PostgresInbox {
    async fn reserve(&self, key: &EventKey, terms: Terms) -> Result<Reservation, InboxError> {
        let (lease, query) = self.reserving(key, terms, "reserved");
        let row = match within(self.deadline, query.fetch_one(&self.pool)).await {
            Err(InboxError::Unavailable(cause)) if is_waiting_in_vain(&*cause) => {
                return Ok(Reservation::InFlight);
            }
            row => row?,
        };
        let (is_taken, is_handled) = taken_or_handled(&row).map_err(unavailable)?;
        Ok(match (is_taken, is_handled) {
            (true, _) => Reservation::Yours(lease),
            (false, true) => Reservation::Handled,
            (false, false) => Reservation::InFlight,
        })
    }

    async fn confirm(&self, lease: &Lease) -> Result<(), InboxError> {
        let settled = within(self.deadline, settle(lease, "handled", None).execute(&self.pool)).await?;
        not_lost(settled.rows_affected())
    }

    async fn release(&self, lease: &Lease) -> Result<(), InboxError> {
        let query = about(RELEASE, lease.key()).bind(lease.nonce().to_be_bytes());
        within(self.deadline, query.execute(&self.pool)).await.map(drop)
    }

    async fn park(&self, lease: &Lease, event: &Event, reason: &str) -> Result<(), InboxError> {
        let query = settle(lease, "parked", Some((event, reason)));
        let settled = within(self.deadline, query.execute(&self.pool)).await?;
        not_lost(settled.rows_affected())
    }
}

type PgQuery<'query> = Query<'query, Postgres, PgArguments>;

/// Writes an outcome; an event that is put aside comes with its reason.
fn settle<'lease>(
    lease: &'lease Lease,
    state: &'static str,
    aside: Option<(&'lease Event, &'lease str)>,
) -> PgQuery<'lease> {
    about(SETTLE, lease.key())
        .bind(lease.nonce().to_be_bytes())
        .bind(seconds(lease.keep()))
        .bind(state)
        .bind(aside.map(|(event, _)| event.token().expose()))
        // PostgreSQL's text holds every character but this one.
        .bind(aside.map(|(_, reason)| cut(reason).replace('\0', " ")))
}

/// Binds the key as the first three parameters.
fn about<'key>(sql: &'static str, key: &'key EventKey) -> PgQuery<'key> {
    sqlx::query(sql).bind(stored(key.environment())).bind(stored(key.endpoint())).bind(stored(key.event_id()))
}

/// Text in PostgreSQL holds every character but NUL: it is written `\0`, and a backslash is doubled.
fn stored(part: &str) -> Cow<'_, str> {
    match part.contains(['\\', '\0']) {
        true => part.replace('\\', r"\\").replace('\0', r"\0").into(),
        false => part.into(),
    }
}

fn restored(stored: &str) -> String {
    let mut part = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        part.push(match character {
            '\\' if characters.next() == Some('0') => '\0',
            other => other,
        });
    }
    part
}

fn taken_or_handled(row: &sqlx::postgres::PgRow) -> Result<(bool, bool), sqlx::Error> {
    Ok((row.try_get("is_taken")?, row.try_get("is_handled")?))
}

fn parked_event(row: &sqlx::postgres::PgRow) -> Result<ParkedEvent, sqlx::Error> {
    let part = |name: &str| row.try_get::<&str, _>(name).map(restored);
    let key = EventKey::from_parts(part("environment")?, part("endpoint")?, part("event_id")?);
    let since_epoch = Duration::try_from_secs_f64(row.try_get("parked_at")?).unwrap_or_default();
    let token = Secret::new(row.try_get::<String, _>("token")?);
    Ok(ParkedEvent::new(key, token, row.try_get::<String, _>("reason")?, since_epoch))
}

fn not_lost(rows: u64) -> Result<(), InboxError> {
    if rows == 0 { Err(InboxError::LeaseLost) } else { Ok(()) }
}

fn unavailable(error: sqlx::Error) -> InboxError {
    InboxError::Unavailable(Box::new(error))
}

/// Says whether the database gave up a wait for another transaction that holds the event.
fn is_waiting_in_vain(cause: &(dyn Error + 'static)) -> bool {
    let database = cause.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    database.and_then(|error| error.code()).is_some_and(|code| WAITED_IN_VAIN.contains(&&*code))
}

/// PostgreSQL's timestamps end in the year 294276; a century is as good as for ever.
fn seconds(duration: Duration) -> f64 {
    duration.min(CENTURY).as_secs_f64()
}

/// PostgreSQL's `lock_not_available`, `serialization_failure` (where the database's default isolation is a higher one)
/// and `deadlock_detected`.
const WAITED_IN_VAIN: [&str; 3] = ["55P03", "40001", "40P01"];

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A row that another transaction holds is in flight: whoever only reserves asks again rather than wait with a
/// connection.
/// The timeout is that of this statement alone; a transaction that takes the event has set its own, which stays.
///
/// Times are those of `clock_timestamp()`, for `now()` is as old as the transaction. What the last part reads is as old
/// as the statement: another's row that came since is not seen, and counts as in flight, which is what it was.
const RESERVE: &str = "
with taken as (
    insert into kinde_webhook_inbox as held
        (environment, endpoint, event_id, nonce, state, reserved_at, lease_until, keep_until)
    select $1, $2, $3, $4, $7, clock_timestamp(),
        clock_timestamp() + $5 * interval '1 second', clock_timestamp() + $6 * interval '1 second'
    from set_config('lock_timeout', case $7 when 'reserved' then '100ms' else current_setting('lock_timeout') end, true)
    on conflict (environment, endpoint, event_id) do update set
        nonce = excluded.nonce, state = excluded.state, reserved_at = excluded.reserved_at,
        lease_until = excluded.lease_until, keep_until = excluded.keep_until
    where held.state = 'reserved' and held.lease_until <= clock_timestamp()
        or held.state = 'handled' and held.keep_until <= clock_timestamp()
    returning 1
)
select exists (select from taken) as is_taken, exists (
    select from kinde_webhook_inbox
    where (environment, endpoint, event_id) = ($1, $2, $3)
        and (state = 'parked' or state = 'handled' and keep_until > clock_timestamp())
) as is_handled";

/// The row may be gone: then nobody else has the event. A parked event stays parked since the first time.
const SETTLE: &str = "
insert into kinde_webhook_inbox as held
    (environment, endpoint, event_id, nonce, state, token, reason, parked_at, reserved_at, lease_until, keep_until)
values ($1, $2, $3, $4, $6, $7, $8, case when $7 is not null then clock_timestamp() end,
    clock_timestamp(), clock_timestamp(), clock_timestamp() + $5 * interval '1 second')
on conflict (environment, endpoint, event_id) do update set
    nonce = excluded.nonce, state = excluded.state, token = excluded.token, reason = excluded.reason,
    parked_at = case when excluded.token is not null then coalesce(held.parked_at, excluded.parked_at) end,
    lease_until = excluded.lease_until,
    keep_until = case when held.nonce = excluded.nonce then held.keep_until else excluded.keep_until end
where held.nonce = excluded.nonce
    or held.state = 'reserved' and held.lease_until <= clock_timestamp()
    or held.state = 'handled' and held.keep_until <= clock_timestamp()";

/// A reservation is given up; a parked event that was reopened is parked again.
const RELEASE: &str = "
with given_up as (
    delete from kinde_webhook_inbox
    where (environment, endpoint, event_id) = ($1, $2, $3) and nonce = $4 and state = 'reserved'
)
update kinde_webhook_inbox set lease_until = clock_timestamp()
where (environment, endpoint, event_id) = ($1, $2, $3) and nonce = $4 and state = 'parked'";

const REOPEN: &str = "
update kinde_webhook_inbox set
    nonce = $4, lease_until = clock_timestamp() + $5 * interval '1 second',
    keep_until = greatest(keep_until, clock_timestamp() + $6 * interval '1 second')
where (environment, endpoint, event_id) = ($1, $2, $3)
    and state = 'parked' and lease_until <= clock_timestamp()";

const PARKED: &str = "
select environment, endpoint, event_id, token, reason, extract(epoch from parked_at)::float8 as parked_at
from kinde_webhook_inbox
where parked_at is not null and lease_until <= clock_timestamp()
order by parked_at limit $1";

/// Rows that another deletes or takes at this moment are passed over.
const PURGE: &str = "
delete from kinde_webhook_inbox
where (environment, endpoint, event_id) in (
    select environment, endpoint, event_id from kinde_webhook_inbox
    where keep_until <= clock_timestamp() and lease_until <= clock_timestamp() and parked_at is null
    order by keep_until limit 1000 for update skip locked
)";

const PURGED_AT_ONCE: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_key_is_restored_as_it_was() {
        for part in ["", "event_1", "\\", "\\0", "\0", "\\\\", "a\0\\0\\\\b", "\u{1f980}"] {
            let stored = stored(part);
            assert!(!stored.contains('\0'));
            assert_eq!(restored(&stored), part);
        }
    }

    #[test]
    fn an_endless_time_is_one_that_the_server_can_write() {
        assert!((seconds(Duration::MAX) - 3_153_600_000.0).abs() < 1.0);
        assert!((seconds(Duration::from_millis(1500)) - 1.5).abs() < f64::EPSILON);
    }
}
