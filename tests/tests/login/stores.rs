//! Every store keeps the same promises: in memory, in Redis, in PostgreSQL.

use std::{sync::Arc, time::Duration};

use kinde_core::ManualClock;
use kinde_login::{Lives, MemoryStore, PostgresStore, RedisStore, SessionId, SessionStore};
use kinde_tests::{servers, site::Site};

const LIVES: Lives = Lives { idle: Duration::from_secs(60), absolute: Duration::from_secs(600) };

fn id(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 16])
}

struct Stores {
    all: Vec<(&'static str, Arc<dyn SessionStore>)>,
    _servers: (servers::Redis, servers::Postgres),
}

async fn stores() -> Stores {
    let (redis_server, postgres_server) = (servers::redis().await, servers::postgres().await);
    let redis = redis_server.connection().await;
    let redis = RedisStore::new(redis).with_prefix(redis_server.prefix().to_owned());
    let postgres = PostgresStore::new(postgres_server.pool().await);
    postgres.migrate().await.unwrap();
    let all: Vec<(_, Arc<dyn SessionStore>)> = vec![
        ("memory", Arc::new(MemoryStore::new(100))),
        ("redis", Arc::new(redis)),
        ("postgres", Arc::new(postgres)),
    ];
    Stores { all, _servers: (redis_server, postgres_server) }
}

/// covers: G2 G7
#[tokio::test]
async fn record_is_created_once_and_replaced_by_its_version_alone() {
    let stores = stores().await;
    for (name, store) in &stores.all {
        let session = id(1);
        store.delete(session).await.unwrap();
        store.create(session, b"a\xff", LIVES).await.unwrap();
        assert!(store.create(session, b"b", LIVES).await.is_err(), "{name}: an id that is there");
        let loaded = store.load(session, LIVES.idle).await.unwrap().unwrap();
        assert_eq!(loaded.data, b"a\xff", "{name}");
        assert!(store.replace_if_version(session, loaded.version, b"c", LIVES.idle).await.unwrap(), "{name}");
        assert!(
            !store.replace_if_version(session, loaded.version, b"d", LIVES.idle).await.unwrap(),
            "{name}: the old version"
        );
        let newest = store.load(session, LIVES.idle).await.unwrap().unwrap();
        assert_eq!(newest.data, b"c", "{name}");
        store.delete(session).await.unwrap();
        store.delete(session).await.unwrap();
        assert!(
            !store.replace_if_version(session, newest.version, b"e", LIVES.idle).await.unwrap(),
            "{name}: deleted"
        );
        assert_eq!(store.load(session, LIVES.idle).await.unwrap(), None, "{name}");
    }
}

/// covers: G8
#[tokio::test]
async fn record_lives_while_it_is_seen_and_never_past_its_end() {
    let stores = stores().await;
    let mut running = tokio::task::JoinSet::new();
    for (name, store) in &stores.all {
        running.spawn(lives_while_it_is_seen(name, Arc::clone(store)));
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

async fn lives_while_it_is_seen(name: &str, store: Arc<dyn SessionStore>) {
    let (seen, changed, unseen) = (id(2), id(4), id(5));
    let idle = Duration::from_millis(1_500);
    for session in [seen, changed, unseen] {
        store.delete(session).await.unwrap();
    }
    let began = tokio::time::Instant::now();
    for session in [seen, changed, unseen] {
        store.create(session, b"a", Lives { idle, absolute: Duration::from_millis(4_000) }).await.unwrap();
    }
    for milliseconds in (400..=3_600).step_by(400) {
        tokio::time::sleep_until(began + Duration::from_millis(milliseconds)).await;
        for session in [seen, changed] {
            assert!(store.load(session, idle).await.unwrap().is_some(), "{name}: seen at {milliseconds} ms");
        }
        if milliseconds == 2_000 {
            assert_eq!(store.load(unseen, idle).await.unwrap(), None, "{name}: nobody came");
        }
    }
    let version = store.load(changed, idle).await.unwrap().unwrap().version;
    assert!(store.replace_if_version(changed, version, b"b", idle).await.unwrap(), "{name}");
    // The idle lifetime of both reaches to 5,100 ms.
    tokio::time::sleep_until(began + Duration::from_millis(4_200)).await;
    for (session, what) in [(seen, "seen"), (changed, "changed")] {
        assert_eq!(
            store.load(session, idle).await.unwrap(),
            None,
            "{name}: past its end, {what} at 3,600 ms"
        );
        store.create(session, b"c", LIVES).await.unwrap();
        store.delete(session).await.unwrap();
    }
}

#[tokio::test]
async fn full_memory_refuses_a_new_session_and_keeps_the_others() {
    let clock = ManualClock::at_unix_seconds(1_790_000_000);
    let store = MemoryStore::with_clock(2, clock.clone());
    store.create(id(1), b"a", LIVES).await.unwrap();
    store.create(id(2), b"b", LIVES).await.unwrap();
    assert!(store.create(id(3), b"c", LIVES).await.is_err());
    assert!(store.load(id(1), LIVES.idle).await.unwrap().is_some());
    clock.advance(LIVES.idle);
    store.create(id(3), b"c", LIVES).await.unwrap();
    assert_eq!(store.load(id(1), LIVES.idle).await.unwrap(), None);
}

/// covers: G8
#[tokio::test]
async fn purge_of_postgres_deletes_sessions_that_are_over_and_nothing_else() {
    let server = servers::postgres().await;
    let store = PostgresStore::new(server.pool().await);
    store.migrate().await.unwrap();
    let (short, long) = (Duration::from_millis(1), Duration::from_secs(600));
    for (byte, idle, absolute) in [(1, short, long), (2, long, short), (3, long, long), (4, short, short)] {
        store.create(id(byte), b"a", Lives { idle, absolute }).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(store.purge().await.unwrap(), 3);
    assert_eq!(store.purge().await.unwrap(), 0);
    let left: Vec<Vec<u8>> =
        sqlx::query_scalar("select id from kinde_sessions").fetch_all(&server.pool().await).await.unwrap();
    assert_eq!(left, [id(3).as_bytes()]);
    assert!(store.load(id(3), long).await.unwrap().is_some());
}

/// What another program wrote under our names, or took away.
///
/// covers: G10 I4
#[tokio::test]
async fn store_in_disorder_is_an_error_that_repeats_neither_id_nor_content() {
    let (redis_server, postgres_server) = (servers::redis().await, servers::postgres().await);
    let mut redis = redis_server.connection().await;
    let pool = postgres_server.pool().await;
    let (session, secret) = (id(9), b"sealed-but-nobodys-business".as_slice());
    let key = format!("{}{}", redis_server.prefix(), session.to_text());
    let () = redis::cmd("SET").arg(&key).arg(secret).query_async(&mut redis).await.unwrap();
    let in_redis = RedisStore::new(redis).with_prefix(redis_server.prefix().to_owned());
    let in_postgres = PostgresStore::new(pool.clone());
    in_postgres.migrate().await.unwrap();
    sqlx::query("alter table kinde_sessions rename column data to gone").execute(&pool).await.unwrap();
    let stores: [(&str, Arc<dyn SessionStore>); 2] =
        [("redis", Arc::new(in_redis)), ("postgres", Arc::new(in_postgres))];
    for (name, store) in stores {
        let mut errors = vec![
            store.load(session, LIVES.idle).await.map(drop).unwrap_err(),
            store.replace_if_version(session, 1, secret, LIVES.idle).await.map(drop).unwrap_err(),
        ];
        errors.extend(store.create(session, secret, LIVES).await.err());
        for error in errors {
            let told = format!("{error} {error:?}");
            assert!(told.starts_with(&format!("{name}: ")) || told.contains("taken"), "{told}");
            assert!(!told.contains("nobodys") && !told.contains(&session.to_text()), "{told}");
            assert!(!told.contains("WRONGTYPE"), "Redis' own words can repeat what it was sent: {told}");
        }
        store.delete(session).await.unwrap();
    }
}

/// covers: G1
#[tokio::test]
async fn id_in_the_cookie_is_random_and_says_nothing() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let site = Site::start_with(|builder| builder.with_store(MemoryStore::new(100))).await;
    let alice = site.kinde.person("alice");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let browser = site.signed_in(&alice).await;
        let id = &browser.jar[&(site.url.clone(), site.login.session_cookie_name().to_owned())];
        assert_eq!(URL_SAFE_NO_PAD.decode(id).unwrap().len(), 16, "128 bits");
        assert!(seen.insert(id.clone()), "the same person has another id each time");
    }
}
