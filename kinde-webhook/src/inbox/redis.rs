//! An inbox in Redis: shared by every process, as durable as that Redis is.

use std::{fmt, sync::Arc, sync::LazyLock, time::Duration};

use kinde_core::{Random, Secret, SystemRandom};
use redis::{Script, ScriptInvocation, aio::ConnectionLike};

use super::{
    EventKey, Inbox, InboxError, Lease, ParkedEvent, Reservation, Terms, cut,
    deadline::{DEADLINE, within},
    nonce,
};
use crate::Event;

/// An [`Inbox`] in Redis 5 or newer (feature `redis`), for services of several processes without a database at hand.
///
/// `C` is a connection of the `redis` crate: its `ConnectionManager`, which comes back by itself after a restart of
/// the server, or its `ClusterConnection`. Every step about an event touches one key and is atomic; all times are the
/// server's.
///
/// ```no_run
/// use kinde_webhook::inbox::RedisInbox;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = redis::Client::open("redis://localhost")?;
/// let inbox = RedisInbox::new(client.get_connection_manager().await?);
/// # Ok(())
/// # }
/// ```
///
/// # What that Redis must be
///
/// - **Its `maxmemory-policy` is `noeviction`.** Any other forgets events when memory is short, silently, and one that
///   Kinde sends again runs again. A full Redis refuses, which is 503, and Kinde sends the event later.
/// - **It keeps what it was told**, by its append-only file. One without persistence has forgotten everything after a
///   restart, one with `appendfsync everysec` the last second, a replica that takes over what had not reached it.
///   Harmed is whoever an event acts upon twice, a customer who is charged or written to: Kinde's retries of the last
///   36 hours, and the replays of whoever recorded one within the verifier's window, are then new. No event is lost.
/// - Parked events are kept for 30 days ([`with_parked_for`](RedisInbox::with_parked_for)), and lost with the rest.
#[derive(Clone)]
pub struct RedisInbox<C> {
    connection: C,
    prefix: Arc<str>,
    parked_for: Duration,
    random: Arc<dyn Random>,
    deadline: Duration,
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisInbox<C> {
    /// Uses the connection, clones of it.
    pub fn new(connection: C) -> Self {
        Self {
            connection,
            prefix: PREFIX.into(),
            parked_for: PARKED_FOR,
            random: Arc::new(SystemRandom),
            deadline: DEADLINE,
        }
    }

    /// Sets what every key begins with, for a Redis that others use too.
    ///
    /// The default is `kinde:webhook:`. The key of an event ends with its parts in braces, so that in a cluster the
    /// events spread over all nodes; a prefix should have no braces of its own.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets for how long a parked event is kept, with its JWT and the personal data in it.
    ///
    /// The default is 30 days: long enough for somebody to come back from leave. It is never shorter than `keep` of
    /// the event's reservation, also with zero: a parked event counts as handled. Each event keeps the time that was set
    /// when it was parked.
    #[must_use]
    pub fn with_parked_for(mut self, time: Duration) -> Self {
        self.parked_for = time;
        self
    }

    /// Sets for how long Redis may take for an answer before it counts as down.
    ///
    /// The default is three seconds: the 503 should be out before Kinde gives up on the delivery. A shorter timeout of
    /// the connection's own holds as well. With zero every call fails.
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

    /// Gives events that were put aside and that nobody works on: those that Redis forgets first, first. Where
    /// [`with_parked_for`](RedisInbox::with_parked_for) was never changed these are the oldest.
    ///
    /// # Errors
    ///
    /// [`InboxError::Unavailable`].
    pub async fn parked(&self, limit: usize) -> Result<Vec<ParkedEvent>, InboxError> {
        let mut connection = self.connection.clone();
        let mut range = redis::cmd("ZRANGE");
        range.arg(self.parked_index()).arg(0).arg(-1);
        let members: Vec<String> = within(self.deadline, range.query_async(&mut connection)).await?;
        let mut parked = Vec::new();
        for member in members {
            if parked.len() >= limit {
                break;
            }
            let Some(key) = key_of(&member) else { continue };
            let looking = LOOK.key(self.event_key(&key));
            // Nothing comes back of one that was settled, is worked on, or was never parked after all.
            let found: Option<(String, String, u64)> = self.ask(&looking).await?;
            parked.extend(found.map(|(token, reason, at)| {
                ParkedEvent::new(key, Secret::new(token), reason, Duration::from_millis(at))
            }));
        }
        Ok(parked)
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
        // It may live longer by being reopened, and must be listed for as long.
        self.list(key, terms.lease.saturating_add(terms.keep)).await?;
        let mut reopening = REOPEN.key(self.event_key(key));
        reopening.arg(text(nonce)).arg(millis(terms.lease)).arg(millis(terms.keep));
        let is_taken: bool = self.ask(&reopening).await?;
        Ok(is_taken.then(|| Lease::new(key.clone(), nonce, terms)))
    }

    /// Lists a parked event for at least as long, before it is there: an entry without its event is passed over, an
    /// event without its entry would be lost.
    async fn list(&self, key: &EventKey, time: Duration) -> Result<(), InboxError> {
        let mut listing = LIST.key(self.parked_index());
        listing.arg(member(key)).arg(millis(time));
        self.ask(&listing).await
    }

    async fn ask<T: redis::FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, InboxError> {
        let mut connection = self.connection.clone();
        within(self.deadline, script.invoke_async(&mut connection)).await
    }

    fn event_key(&self, key: &EventKey) -> String {
        format!("{}event:{{{}}}", self.prefix, member(key))
    }

    fn parked_index(&self) -> String {
        format!("{}parked", self.prefix)
    }
}

impl<C> fmt::Debug for RedisInbox<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RedisInbox").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Inbox for RedisInbox<C> {
    async fn reserve(&self, key: &EventKey, terms: Terms) -> Result<Reservation, InboxError> {
        let nonce = nonce::draw(&*self.random);
        let mut reserving = RESERVE.key(self.event_key(key));
        reserving.arg(text(nonce)).arg(millis(terms.lease));
        let state: Option<String> = self.ask(&reserving).await?;
        Ok(match state.as_deref() {
            None => Reservation::Yours(Lease::new(key.clone(), nonce, terms)),
            Some("reserved") => Reservation::InFlight,
            Some(_) => Reservation::Handled,
        })
    }

    async fn confirm(&self, lease: &Lease) -> Result<(), InboxError> {
        let mut settling = SETTLE.key(self.event_key(lease.key()));
        settling.arg(text(lease.nonce())).arg(millis(lease.keep())).arg("handled");
        let before: String = self.ask(&settling).await?;
        match before.as_str() {
            "lost" => Err(InboxError::LeaseLost),
            // The index is another key and may be on another node. What stays in it by accident is passed over.
            "parked" => {
                let mut forget = redis::cmd("ZREM");
                forget.arg(self.parked_index()).arg(member(lease.key()));
                let mut connection = self.connection.clone();
                within(self.deadline, forget.query_async(&mut connection)).await
            }
            _ => Ok(()),
        }
    }

    async fn release(&self, lease: &Lease) -> Result<(), InboxError> {
        let mut releasing = RELEASE.key(self.event_key(lease.key()));
        releasing.arg(text(lease.nonce()));
        self.ask(&releasing).await
    }

    async fn park(&self, lease: &Lease, event: &Event, reason: &str) -> Result<(), InboxError> {
        let time = self.parked_for.max(lease.keep());
        self.list(lease.key(), time).await?;
        let mut settling = SETTLE.key(self.event_key(lease.key()));
        settling.arg(text(lease.nonce())).arg(millis(time)).arg("parked");
        settling.arg(event.token().expose()).arg(cut(reason));
        let before: String = self.ask(&settling).await?;
        if before == "lost" { Err(InboxError::LeaseLost) } else { Ok(()) }
    }
}

/// Joins the parts of a key by colons that no part holds.
fn member(key: &EventKey) -> String {
    [key.environment(), key.endpoint(), key.event_id()].map(escaped).join(":")
}

fn key_of(member: &str) -> Option<EventKey> {
    let mut parts = member.split(':').map(restored);
    let key = EventKey::from_parts(parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(key)
}

/// Writes what has a meaning in a key as percent and digits: the escape itself, our separator, Redis's hash tag.
fn escaped(part: &str) -> String {
    ESCAPES.iter().fold(part.to_owned(), |part, (character, escape)| part.replace(*character, escape))
}

/// In the opposite order, the escape itself last.
fn restored(part: &str) -> String {
    ESCAPES.iter().rev().fold(part.to_owned(), |part, (character, escape)| part.replace(escape, character))
}

const ESCAPES: [(&str, &str); 4] = [("%", "%25"), (":", "%3A"), ("{", "%7B"), ("}", "%7D")];

fn text(nonce: u128) -> String {
    format!("{nonce:032x}")
}

/// A century is as good as for ever.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).map_or(CENTURY_MILLIS, |millis| millis.min(CENTURY_MILLIS))
}

const CENTURY_MILLIS: u64 = 100 * 365 * 24 * 3600 * 1000;

const PREFIX: &str = "kinde:webhook:";

const PARKED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// An event is a hash that expires: a reservation with its lease, an outcome with its time. Gives the state that was
/// there before, nothing for a new one.
static RESERVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local state = redis.call('HGET', KEYS[1], 'state')
         if state then return state end
         redis.call('HSET', KEYS[1], 'state', 'reserved', 'nonce', ARGV[1])
         redis.call('PEXPIRE', KEYS[1], ARGV[2])
         return nil",
    )
});

/// The event may be gone: then nobody else has it. A parked event stays parked since the first time.
static SETTLE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local held = redis.call('HMGET', KEYS[1], 'state', 'nonce', 'parked_at')
         if held[1] and held[2] ~= ARGV[1] then return 'lost' end
         redis.call('HSET', KEYS[1], 'state', ARGV[3], 'nonce', ARGV[1])
         if ARGV[3] == 'parked' then
             local time = redis.call('TIME')
             local now = time[1] * 1000 + math.floor(time[2] / 1000)
             redis.call('HSET', KEYS[1], 'token', ARGV[4], 'reason', ARGV[5], 'taken_until', 0,
                 'parked_at', held[3] or now)
         else
             redis.call('HDEL', KEYS[1], 'token', 'reason', 'taken_until', 'parked_at')
         end
         redis.call('PEXPIRE', KEYS[1], ARGV[2])
         return held[1] or 'gone'",
    )
});

static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local held = redis.call('HMGET', KEYS[1], 'state', 'nonce')
         if held[2] ~= ARGV[1] then return end
         if held[1] == 'reserved' then redis.call('DEL', KEYS[1]) end
         if held[1] == 'parked' then redis.call('HSET', KEYS[1], 'taken_until', 0) end",
    )
});

static REOPEN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local held = redis.call('HMGET', KEYS[1], 'state', 'taken_until')
         local time = redis.call('TIME')
         local now = time[1] * 1000 + math.floor(time[2] / 1000)
         if held[1] ~= 'parked' or tonumber(held[2]) > now then return 0 end
         redis.call('HSET', KEYS[1], 'nonce', ARGV[1], 'taken_until', now + ARGV[2])
         if redis.call('PTTL', KEYS[1]) < ARGV[2] + ARGV[3] then
             redis.call('PEXPIRE', KEYS[1], ARGV[2] + ARGV[3])
         end
         return 1",
    )
});

static LOOK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local held = redis.call('HMGET', KEYS[1], 'token', 'reason', 'parked_at', 'taken_until', 'state')
         local time = redis.call('TIME')
         local now = time[1] * 1000 + math.floor(time[2] / 1000)
         if held[5] ~= 'parked' or tonumber(held[4]) > now then return nil end
         return { held[1], held[2], held[3] }",
    )
});

/// An entry's score is the time at which its event is gone, and the index lives as long as the last of them: inboxes
/// that keep their events for different times share it. A minute more, for the event may be on a node with another
/// clock.
static LIST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000 + math.floor(time[2] / 1000)
         local left = ARGV[2] + 60000
         redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
         local listed = redis.call('ZSCORE', KEYS[1], ARGV[1])
         if not listed or tonumber(listed) < now + left then
             redis.call('ZADD', KEYS[1], now + left, ARGV[1])
         end
         if redis.call('PTTL', KEYS[1]) < left then redis.call('PEXPIRE', KEYS[1], left) end",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_has_one_hash_tag_and_is_restored_from_it() {
        for parts in
            [["https://acme.kinde.com", "/a{b}?c=%7B:", "event_1"], ["", "", ""], ["%", "%25", "%253A"]]
        {
            let [environment, endpoint, event_id] = parts;
            let key = EventKey::from_parts(environment, endpoint, event_id);
            let member = member(&key);
            assert!(!member.contains(['{', '}']) && member.matches(':').count() == 2, "{member}");
            assert_eq!(key_of(&member), Some(key));
        }
        assert_eq!(key_of("two:parts"), None);
        assert_eq!(key_of("four:parts:are:many"), None);
    }

    #[test]
    fn an_endless_time_is_one_that_redis_can_write() {
        assert_eq!(millis(Duration::MAX), CENTURY_MILLIS);
        assert_eq!(millis(Duration::from_secs(u64::MAX / 1000)), CENTURY_MILLIS);
        assert_eq!(millis(Duration::from_millis(1500)), 1500);
    }
}
