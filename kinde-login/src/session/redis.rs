//! Sessions in Redis: shared by every process.

use std::{fmt, future::Future, sync::Arc, sync::LazyLock, time::Duration};

use redis::{FromRedisValue, Script, ScriptInvocation, aio::ConnectionLike};

use super::{
    record::SessionId,
    store::{Lives, SessionStore, StoreError, StoreFuture, Stored},
};

/// Keeps sessions in Redis 5 or newer (feature `redis`), for several processes.
///
/// `C` is a connection of the `redis` crate: its `ConnectionManager`, which comes back by itself after a restart of the
/// server, or its `ClusterConnection`. Every operation is one round trip to one key, atomic, and its times are the
/// server's; reading a session counts it as seen in the same round trip. The server sees neither tokens nor names, and
/// no id from which the cookie could be made.
///
/// ```no_run
/// use kinde_login::RedisStore;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = redis::Client::open("redis://localhost")?;
/// let store = RedisStore::new(client.get_connection_manager().await?);
/// # Ok(())
/// # }
/// ```
///
/// # What is lost with it
///
/// A Redis that forgets everything, by a restart without persistence, or a record, by evicting when its memory is short,
/// signs people out; Kinde's own session usually brings them back without a page.
///
/// # Security
///
/// A Redis that forgets its latest writes can bring a session back. After a crash it has an older record again: with RDB
/// snapshots alone one of some minutes ago, with `appendfsync everysec` of a second or two, after a failover what the
/// replica had. If what was lost is a sign-out, whoever still has the cookie is signed in, elsewhere than in the process
/// that saw it, until the access token ends; the refresh token was revoked. Run it with `appendonly yes` and
/// `appendfsync always`.
#[derive(Clone)]
pub struct RedisStore<C> {
    connection: C,
    prefix: Arc<str>,
    deadline: Duration,
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisStore<C> {
    /// Uses the connection, clones of it.
    pub fn new(connection: C) -> Self {
        Self { connection, prefix: PREFIX.into(), deadline: DEADLINE }
    }

    /// Sets what every key begins with, for a Redis that others use too. Default `kinde:session:`.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets for how long Redis may take for an answer before it counts as down, which is 503. Default 2 s; zero
    /// leaves it no time, so that hardly a call succeeds.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn key(&self, id: SessionId) -> String {
        format!("{}{}", self.prefix, id.to_text())
    }

    async fn ask<T: FromRedisValue>(&self, asked: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        let mut connection = self.connection.clone();
        within(self.deadline, asked.invoke_async(&mut connection)).await
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> SessionStore for RedisStore<C> {
    fn create<'a>(&'a self, id: SessionId, data: &'a [u8], lives: Lives) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut asked = CREATE.key(self.key(id));
            asked.arg(data).arg(millis(lives.idle)).arg(millis(lives.absolute));
            let is_created: bool = self.ask(&asked).await?;
            if is_created { Ok(()) } else { Err(StoreError::new("the session id is taken")) }
        })
    }

    fn load(&self, id: SessionId, idle: Duration) -> StoreFuture<'_, Option<Stored>> {
        Box::pin(async move {
            let mut asked = LOAD.key(self.key(id));
            asked.arg(millis(idle));
            let found: Option<(u64, Vec<u8>)> = self.ask(&asked).await?;
            Ok(found.map(|(version, data)| Stored { version, data }))
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
            let mut asked = REPLACE.key(self.key(id));
            asked.arg(version).arg(data).arg(millis(idle));
            self.ask(&asked).await
        })
    }

    fn delete(&self, id: SessionId) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            let mut command = redis::cmd("DEL");
            command.arg(self.key(id));
            within(self.deadline, command.query_async::<()>(&mut connection)).await
        })
    }
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

async fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, redis::RedisError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(deadline, answer).await {
        // What Redis says of a script can repeat its arguments; its category does not.
        Ok(answer) => answer.map_err(|error| StoreError::new(format!("redis: {}", error.category()))),
        Err(_) => Err(StoreError::new(format!("redis: no answer within {deadline:?}"))),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 12)
}

const PREFIX: &str = "kinde:session:";
const DEADLINE: Duration = Duration::from_secs(2);

// The fields: v version, d data, e the end in milliseconds since 1970. A key's own time to live is its idle time, and
// never reaches past its end.
static CREATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
        local now = redis.call('TIME')
        now = now[1] * 1000 + math.floor(now[2] / 1000)
        local lives = math.min(tonumber(ARGV[2]), tonumber(ARGV[3]))
        if lives <= 0 then return 1 end
        redis.call('HSET', KEYS[1], 'v', 1, 'd', ARGV[1], 'e', string.format('%.0f', now + tonumber(ARGV[3])))
        redis.call('PEXPIRE', KEYS[1], string.format('%.0f', lives))
        return 1",
    )
});
static LOAD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local found = redis.call('HMGET', KEYS[1], 'v', 'd', 'e')
        if not found[1] then return false end
        local now = redis.call('TIME')
        now = now[1] * 1000 + math.floor(now[2] / 1000)
        local lives = math.min(tonumber(ARGV[1]), tonumber(found[3]) - now)
        if lives <= 0 then redis.call('DEL', KEYS[1]) return false end
        redis.call('PEXPIRE', KEYS[1], string.format('%.0f', lives))
        return { tonumber(found[1]), found[2] }",
    )
});
static REPLACE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local found = redis.call('HMGET', KEYS[1], 'v', 'e')
        if not found[1] or found[1] ~= ARGV[1] then return 0 end
        local now = redis.call('TIME')
        now = now[1] * 1000 + math.floor(now[2] / 1000)
        local lives = math.min(tonumber(ARGV[3]), tonumber(found[2]) - now)
        if lives <= 0 then redis.call('DEL', KEYS[1]) return 0 end
        redis.call('HSET', KEYS[1], 'v', string.format('%.0f', tonumber(found[1]) + 1), 'd', ARGV[2])
        redis.call('PEXPIRE', KEYS[1], string.format('%.0f', lives))
        return 1",
    )
});
