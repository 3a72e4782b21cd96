//! A store that is away, or hangs, when a sign-in comes back; and how long a store waits for its server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use http::Method;
use kinde_core::{Clock, SystemClock};
use kinde_login::{
    Lives, MemoryStore, PostgresStore, RedisStore, SessionId, SessionStore, StoreError, StoreFuture, Stored,
};
use kinde_tests::{
    servers::{self, Proxy},
    site::{NAVIGATION, Site},
};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use sqlx::postgres::PgPoolOptions;

/// A store that does as it is told: nothing wrong, refuse everything, or never answer to a load or to anything.
#[derive(Clone, Debug)]
struct Told {
    store: MemoryStore,
    mood: Arc<AtomicU8>,
}

const GOOD: u8 = 0;
const REFUSES: u8 = 1;
const HANGS: u8 = 2;
const HANGS_AT_LOADS: u8 = 3;
const REFUSES_DELETIONS: u8 = 4;

impl Told {
    fn does<'a, T: Send + 'static>(&self, is_load: bool, good: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        match self.mood.load(Ordering::SeqCst) {
            REFUSES => Box::pin(async { Err(StoreError::new("connection refused")) }),
            HANGS => Box::pin(std::future::pending()),
            HANGS_AT_LOADS if is_load => Box::pin(std::future::pending()),
            _ => good,
        }
    }
}

impl SessionStore for Told {
    fn create<'a>(&'a self, id: SessionId, data: &'a [u8], lives: Lives) -> StoreFuture<'a, ()> {
        // Asked first: what is refused, or hangs, is not kept either.
        if matches!(self.mood.load(Ordering::SeqCst), REFUSES | HANGS) {
            return self.does(false, Box::pin(std::future::ready(Ok(()))));
        }
        self.store.create(id, data, lives)
    }

    fn load(&self, id: SessionId, idle: Duration) -> StoreFuture<'_, Option<Stored>> {
        self.does(true, self.store.load(id, idle))
    }

    fn replace_if_version<'a>(
        &'a self,
        id: SessionId,
        version: u64,
        data: &'a [u8],
        idle: Duration,
    ) -> StoreFuture<'a, bool> {
        self.does(false, self.store.replace_if_version(id, version, data, idle))
    }

    fn delete(&self, id: SessionId) -> StoreFuture<'_, ()> {
        if self.mood.load(Ordering::SeqCst) == REFUSES_DELETIONS {
            return Box::pin(async { Err(StoreError::new("read only")) });
        }
        self.does(false, self.store.delete(id))
    }
}

/// Comes back from Kinde while the store is in a mood; gives up nothing of the session of before.
async fn come_back_while(name: &str, mood: u8, status: u16) {
    let told = Told { store: MemoryStore::new(10), mood: Arc::default() };
    let site = Site::start_with(|builder| builder.with_store(told.clone())).await;
    let [alice, bob] = ["alice", "bob"].map(|person| site.kinde.person(person));
    let (home, login) = (format!("{}/", site.url), format!("{}/api/auth/login", site.url));
    let mut browser = site.signed_in(&alice).await;
    let before = browser.jar.clone();
    let started = browser.go(&format!("{login}?post_login_redirect_url=%2Ftodos%3Fa%3Db")).await;
    let callback = site.kinde.sign_in(&started.location.unwrap(), &bob).unwrap();
    site.kinde.reset_requests();
    told.mood.store(mood, Ordering::SeqCst);
    let began = SystemClock.monotonic();
    let seen = browser.go(&callback).await;
    assert!(SystemClock.monotonic().saturating_sub(began) < Duration::from_secs(10), "{name}");
    told.mood.store(GOOD, Ordering::SeqCst);
    assert_eq!((seen.status, site.kinde.requests("/oauth2/token")), (status, 1), "{name}: {seen:?}");
    if status == 303 {
        assert_eq!(browser.go(&home).await.body, bob.id(), "{name}: who came is signed in");
        return;
    }
    assert!(seen.body.contains("store_unavailable"), "{name}: {}", seen.body);
    assert!(!seen.headers.contains_key("retry-after"), "{name}: the address works once");
    let session = (site.url.clone(), site.login.session_cookie_name().to_owned());
    assert_eq!(browser.jar[&session], before[&session], "{name}: the session of before stays");
    assert_eq!(browser.go(&home).await.body, alice.id(), "{name}");
    let again = "/api/auth/login?post_login_redirect_url=%2Ftodos%3Fa%3Db";
    assert!(seen.body.contains(&format!("href=\"{again}\"")), "{name}: {}", seen.body);
    let started = browser.go(&format!("{}{again}", site.url)).await.location.unwrap();
    let back = browser.go(&site.kinde.sign_in(&started, &bob).unwrap()).await;
    assert_eq!((back.status, back.location.as_deref()), (303, Some("/todos?a=b")), "{name}");
    assert_eq!(browser.go(&home).await.body, bob.id(), "{name}: signing in again works");
}

/// covers: G10 F11
#[tokio::test]
async fn sign_in_that_no_store_takes_is_503_in_time_and_the_next_one_works() {
    tokio::join!(
        come_back_while("refuses", REFUSES, 503),
        come_back_while("hangs", HANGS, 503),
        // What was before is only looked for to be ended: nobody is kept out for it.
        come_back_while("hangs at loads", HANGS_AT_LOADS, 303),
    );
}

/// covers: G6 G7 G10
#[tokio::test]
async fn sign_out_that_the_store_does_not_take_is_503_and_holds_here_all_the_same() {
    for route in ["logout", "end_session"] {
        let told = Told { store: MemoryStore::new(10), mood: Arc::default() };
        let site = Site::start_with(|builder| builder.with_store(told.clone())).await;
        let mut browser = site.signed_in(&site.kinde.person("alice")).await;
        let (before, mut copy) = (browser.jar.clone(), browser.clone());
        told.mood.store(REFUSES_DELETIONS, Ordering::SeqCst);
        let url = format!("{}/api/auth/{route}", site.url);
        let seen = browser.ask(Method::POST, &url, &NAVIGATION).await;
        assert_eq!((seen.status, seen.headers.contains_key("retry-after")), (503, true), "{route}: {seen:?}");
        assert!(seen.body.contains("store_unavailable") && browser.jar == before, "{route}: {seen:?}");
        assert_eq!(site.kinde.requests("/oauth2/revoke"), 1, "{route}: nothing more can be had for it");
        assert_eq!(copy.go(&format!("{}/", site.url)).await.body, "nobody", "{route}: this process knows");
        told.mood.store(GOOD, Ordering::SeqCst);
        assert!(browser.ask(Method::POST, &url, &NAVIGATION).await.status < 400, "{route}: and once more");
        assert!(browser.jar.is_empty(), "{route}");
        assert_eq!(format!("{:?}", told.store), "MemoryStore(0 of 10 sessions)", "{route}");
    }
}

/// Fails to load within a deadline, while the server answers nobody; then loads again.
async fn waits<S>(name: &str, proxy: &Proxy, store: S, with_deadline: fn(S, Duration) -> S)
where
    S: SessionStore + Clone,
{
    let (id, idle) = (SessionId::from_bytes([7; 16]), Duration::from_secs(60));
    let patient = with_deadline(store.clone(), Duration::from_secs(60));
    let lives = Lives { idle, absolute: idle };
    patient.create(id, b"sealed", lives).await.unwrap();
    assert!(patient.load(id, idle).await.unwrap().is_some(), "{name}");
    proxy.hold_answers();
    let hasty = with_deadline(store, Duration::from_millis(400));
    let began = SystemClock.monotonic();
    for error in [
        hasty.load(id, idle).await.map(drop).unwrap_err(),
        hasty.create(SessionId::from_bytes([8; 16]), b"sealed", lives).await.unwrap_err(),
        hasty.replace_if_version(id, 1, b"sealed", idle).await.map(drop).unwrap_err(),
        hasty.delete(SessionId::from_bytes([9; 16])).await.unwrap_err(),
    ] {
        assert_eq!(error.to_string(), format!("{name}: no answer within 400ms"));
    }
    assert!(SystemClock.monotonic().saturating_sub(began) < Duration::from_secs(20), "{name}");
    proxy.heal();
    assert!(patient.load(id, idle).await.unwrap().is_some(), "{name}: as soon as it answers again");
}

/// covers: G10
#[tokio::test(flavor = "multi_thread")]
async fn store_waits_for_its_server_as_long_as_it_was_told_and_says_so() {
    let (redis, postgres) = (servers::own_redis(false).await, servers::own_postgres().await);
    let proxy = Proxy::to(redis.port()).await;
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", proxy.port())).unwrap();
    let patient = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
    let connection = ConnectionManager::new_with_config(client, patient).await.unwrap();
    waits("redis", &proxy, RedisStore::new(connection), RedisStore::with_deadline).await;

    let proxy = Proxy::to(postgres.port()).await;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port());
    let store = PostgresStore::new(PgPoolOptions::new().max_connections(5).connect(&url).await.unwrap());
    store.migrate().await.unwrap();
    waits("postgres", &proxy, store, PostgresStore::with_deadline).await;
}
