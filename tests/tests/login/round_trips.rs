//! What a session costs the store, counted on the wire.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::Method;
use kinde_core::ManualClock;
use kinde_emulator::{Environment, Person};
use kinde_login::{PostgresStore, RedisStore};
use kinde_tests::{
    servers::{
        self,
        redis_wire::RedisWire,
        wire::{EXECUTE, PARSE, QUERY, SYNC, Wire},
    },
    site::{Browser, NAVIGATION, SCRIPT, Site, clock_of},
};
use redis::{AsyncCommands, aio::ConnectionManager};
use sqlx::postgres::PgPoolOptions;

use crate::fleet::DAY;

/// Requests that need the session, and those that do not.
const WITH_SESSION: [&str; 6] = ["/", "/me", "/profile", "/dashboard", "/api/auth/me", "/api/auth/setup"];
const LOAD: [&str; 1] = ["EVALSHA"];

/// A site with sessions in Redis, a listener between the two, and a way around the listener.
struct OnRedis {
    site: Site,
    alice: Person,
    clock: ManualClock,
    wire: RedisWire,
    around: ConnectionManager,
    prefix: String,
    _server: servers::Redis,
}

impl OnRedis {
    async fn start() -> Self {
        let server = servers::redis().await;
        let wire = RedisWire::before(server.url()).await;
        let connection = ConnectionManager::new(redis::Client::open(wire.url()).unwrap()).await.unwrap();
        let store = RedisStore::new(connection).with_prefix(server.prefix().to_owned());
        let kinde = Arc::new(Environment::start().await);
        let clock = clock_of(&kinde);
        let site = Site::start_in(kinde, |builder| builder.with_clock(clock.clone()).with_store(store)).await;
        let alice = site.kinde.person("alice");
        let (around, prefix) = (server.connection().await, server.prefix().to_owned());
        let on_redis = Self { site, alice, clock, wire, around, prefix, _server: server };
        // The first use of a script brings it to the server.
        on_redis.leave(&mut on_redis.due().await).await;
        on_redis.wire.take();
        on_redis
    }

    /// A browser whose session was refreshed once.
    async fn due(&self) -> Browser {
        let mut browser = self.site.signed_in(&self.alice).await;
        self.pass(DAY);
        assert_eq!(browser.go(&self.at("/")).await.body, self.alice.id());
        browser
    }

    async fn leave(&self, browser: &mut Browser) {
        let out = browser.ask(Method::POST, &self.at("/api/auth/logout"), &NAVIGATION).await;
        assert_eq!(out.status, 303);
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.site.kinde.set_time(self.site.kinde.now() + time.as_secs());
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.site.url)
    }

    /// The only record there is: its key and its fields.
    async fn record(&self) -> (String, BTreeMap<String, Vec<u8>>) {
        let mut around = self.around.clone();
        let keys: Vec<String> = around.keys(format!("{}*", self.prefix)).await.unwrap();
        assert_eq!(keys.len(), 1);
        (keys[0].clone(), around.hgetall(&keys[0]).await.unwrap())
    }
}

#[tokio::test]
async fn request_with_a_session_in_redis_is_one_round_trip_that_writes_nothing() {
    let on_redis = OnRedis::start().await;
    let mut browser = on_redis.site.signed_in(&on_redis.alice).await;
    let before = on_redis.record().await;
    on_redis.wire.take();
    for path in WITH_SESSION {
        let seen = browser.ask(Method::GET, &on_redis.at(path), &SCRIPT).await;
        assert_eq!((seen.status, on_redis.wire.take()), (200, LOAD.map(str::to_owned).to_vec()), "{path}");
    }
    let changed = browser.ask(Method::POST, &on_redis.at("/change"), &NAVIGATION).await;
    assert_eq!((changed.status, on_redis.wire.take().len()), (200, 1), "what the application changes");
    for _ in 0..100 {
        browser.go(&on_redis.at("/")).await;
    }
    assert_eq!(on_redis.wire.take().len(), 100);
    assert_eq!(on_redis.record().await, before, "the record and its version are as they were");
}

#[tokio::test]
async fn request_with_a_session_in_redis_counts_it_as_seen_in_the_same_round_trip() {
    let on_redis = OnRedis::start().await;
    let mut browser = on_redis.site.signed_in(&on_redis.alice).await;
    let (key, _) = on_redis.record().await;
    let mut around = on_redis.around.clone();
    let () = around.expire(&key, 60).await.unwrap();
    on_redis.wire.take();
    browser.go(&on_redis.at("/")).await;
    assert_eq!(on_redis.wire.take(), LOAD);
    let lives: u64 = around.ttl(&key).await.unwrap();
    assert!(lives > 6 * DAY.as_secs(), "{lives} s");
}

#[tokio::test]
async fn request_that_needs_no_session_does_not_go_to_redis() {
    let on_redis = OnRedis::start().await;
    let mut browser = on_redis.site.signed_in(&on_redis.alice).await;
    on_redis.wire.take();
    let bearer = format!("Bearer {}", on_redis.alice.access_token());
    let seen = browser.ask(Method::GET, &on_redis.at("/me"), &[("authorization", &bearer)]).await;
    assert_eq!(seen.status, 200);
    for path in ["/api/auth/login", "/api/auth/register", "/api/auth/create_org?org_name=A"] {
        assert_eq!(browser.go(&on_redis.at(path)).await.status, 303, "{path}");
    }
    let mut stranger = Browser::default();
    for path in
        ["/", "/dashboard", "/api/auth/me", "/api/auth/health", "/api/auth/kinde_callback?code=a&state=b"]
    {
        stranger.go(&on_redis.at(path)).await;
    }
    assert_eq!(on_redis.wire.take(), Vec::<String>::new());
}

/// No step may become dearer unnoticed.
#[tokio::test]
async fn steps_of_a_session_in_redis_cost_what_they_have_to() {
    let on_redis = OnRedis::start().await;
    let mut browser = on_redis.site.signed_in(&on_redis.alice).await;
    assert_eq!(on_redis.wire.take(), ["EVALSHA"], "a sign-in creates");
    browser.sign_in(&on_redis.site, &on_redis.alice).await;
    assert_eq!(on_redis.wire.take(), ["EVALSHA", "EVALSHA", "DEL"], "another creates, looks and deletes");
    on_redis.pass(DAY);
    assert_eq!(browser.go(&on_redis.at("/")).await.body, on_redis.alice.id());
    assert_eq!(on_redis.wire.take(), ["EVALSHA"; 4], "a refresh looks twice, claims and replaces");
    on_redis.leave(&mut browser).await;
    assert_eq!(on_redis.wire.take(), ["EVALSHA", "DEL"], "a sign-out looks and deletes");
}

/// sqlx asks a connection whether it lives before it lends it, unless the pool is told not to, and when it is given
/// back, which nobody waits for: with the statement, three round trips or two.
#[tokio::test]
async fn request_with_a_session_in_postgres_is_one_statement_that_writes_only_what_is_due() {
    let server = servers::postgres().await;
    for (asks_first, most_round_trips) in [(true, 3), (false, 2)] {
        let wire = Wire::before(server.url()).await;
        let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(asks_first);
        let store = PostgresStore::new(pool.connect(wire.url()).await.unwrap());
        store.migrate().await.unwrap();
        let site = Site::start_with(|builder| builder.with_store(store)).await;
        let mut browser = site.signed_in(&site.kinde.person("alice")).await;
        // The first look prepares its statement.
        browser.go(&format!("{}/", site.url)).await;
        let around = server.pool().await;
        let version = "select xmin::text || ' ' || version || ' ' || idle_until from kinde_sessions";
        let row = async || sqlx::query_scalar::<_, String>(version).fetch_one(&around).await.unwrap();
        let before = row().await;
        let statements = || {
            assert!(wire.count(SYNC) <= most_round_trips, "asks first: {asks_first}: {}", wire.count(SYNC));
            [EXECUTE, PARSE, QUERY].map(|kind| wire.count(kind))
        };
        for path in WITH_SESSION {
            wire.reset();
            let seen = browser.ask(Method::GET, &format!("{}{path}", site.url), &SCRIPT).await;
            assert_eq!((seen.status, statements()), (200, [1, 0, 0]), "{path}, asks first: {asks_first}");
        }
        assert_eq!(row().await, before, "no row was written");
        let late = "update kinde_sessions set idle_until = idle_until - interval '1 day'";
        sqlx::query(late).execute(&around).await.unwrap();
        wire.reset();
        browser.go(&format!("{}/", site.url)).await;
        assert_eq!(statements(), [1, 0, 0], "the statement that looks counts it as seen");
        let idle = "select extract(epoch from idle_until - now())::bigint from kinde_sessions";
        let idle: i64 = sqlx::query_scalar(idle).fetch_one(&around).await.unwrap();
        assert!(idle > 6 * 86_400 + 80_000, "{idle} s");
        browser.ask(Method::POST, &format!("{}/api/auth/logout", site.url), &NAVIGATION).await;
    }
}
