//! A session store that goes away, comes back, and was restarted in the middle.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::Method;
use kinde_emulator::Environment;
use kinde_tests::{
    fleet::Fleet,
    servers::{self, Postgres, Redis},
    site::{Browser, NAVIGATION},
};
use serde_json::json;

use crate::fleet::{DAY, PROGRAM, recovered};

/// A store of one's own, to be crashed.
enum Store {
    Redis(Redis),
    Postgres(Postgres),
}

impl Store {
    fn orders(&self) -> serde_json::Value {
        match self {
            Self::Redis(redis) => json!({"redis": redis.url(), "prefix": redis.prefix()}),
            Self::Postgres(postgres) => json!({"postgres": postgres.url()}),
        }
    }

    fn crash(&mut self) {
        match self {
            Self::Redis(redis) => redis.crash(),
            Self::Postgres(postgres) => postgres.crash(),
        }
    }

    async fn start(&mut self) {
        match self {
            Self::Redis(redis) => redis.start().await,
            Self::Postgres(postgres) => postgres.start().await,
        }
    }
}

async fn durable_stores() -> [(&'static str, Store); 2] {
    [
        ("redis", Store::Redis(servers::own_redis(true).await)),
        ("postgres", Store::Postgres(servers::own_postgres().await)),
    ]
}

/// covers: G10
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn store_that_is_down_is_503_and_everybody_is_back_when_it_is() {
    for (name, mut store) in durable_stores().await {
        let fleet = Fleet::start(PROGRAM, Environment::start().await, store.orders()).await;
        let alice = fleet.kinde.person("alice");
        let mut browser = fleet.signed_in(&alice).await;
        let (home, me) = (format!("{}/", fleet.url), format!("{}/api/auth/me", fleet.url));
        let before = browser.jar.clone();
        store.crash();
        for url in [&home, &home, &me, &me] {
            let seen = browser.go(url).await;
            assert_eq!(seen.status, 503, "{name}: {seen:?}");
            assert!(seen.headers.contains_key("retry-after"), "{name}");
        }
        let logout = browser.ask(Method::POST, &format!("{}/api/auth/logout", fleet.url), &NAVIGATION).await;
        assert_eq!(logout.status, 503, "{name}: a sign-out that does not hold is not told as one");
        assert!(browser.jar == before, "{name}: no cookie was touched");
        let mut stranger = Browser::default();
        assert_eq!(stranger.go(&home).await.body, "nobody", "{name}: nobody needs the store to be nobody");
        assert_eq!(stranger.go(&format!("{}/api/auth/login", fleet.url)).await.status, 303, "{name}");
        store.start().await;
        for _ in 0..2 {
            let seen = recovered(&mut browser, &home).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "{name}");
        }
        assert!(browser.jar == before, "{name}: with the cookie of before");
    }
}

/// covers: G7 G10
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn store_that_is_restarted_in_the_middle_serves_nobody_something_wrong() {
    for (name, mut store) in durable_stores().await {
        let mut fleet = Fleet::start(PROGRAM, Environment::start().await, store.orders()).await;
        let people = ["alice", "bob", "carol"].map(|person| fleet.kinde.person(person));
        let mut browsers = Vec::new();
        for person in &people {
            browsers.push(fleet.signed_in(person).await);
        }
        let gone = browsers[2].clone();
        let out = browsers[2].ask(Method::POST, &format!("{}/api/auth/logout", fleet.url), &NAVIGATION).await;
        assert_eq!(out.status, 303, "{name}");
        fleet.pass(DAY).await;
        let outages = Arc::new(AtomicU32::new(0));
        let mut running = tokio::task::JoinSet::new();
        for (browser, person) in [(&browsers[0], &people[0]), (&browsers[1], &people[1]), (&gone, &people[2])]
        {
            for _ in 0..3 {
                let (mut browser, home) = (browser.clone(), format!("{}/", fleet.url));
                let outages = Arc::clone(&outages);
                let (own, has_left) = (person.id().to_owned(), person.id() == people[2].id());
                running.spawn(async move {
                    let began = tokio::time::Instant::now();
                    while began.elapsed() < Duration::from_secs(8) {
                        let seen = browser.go(&home).await;
                        let is_right = match (seen.status, has_left) {
                            (503, _) => true,
                            (200, true) => seen.body == "nobody",
                            (200, false) => seen.body == own,
                            _ => false,
                        };
                        assert!(is_right, "{name}: {seen:?}");
                        outages.fetch_add(u32::from(seen.status == 503), Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                });
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = tokio::time::Instant::now();
        store.crash();
        while outages.load(Ordering::SeqCst) == 0 && !running.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(began.elapsed() < Duration::from_secs(30), "{name}: the crash is noticed");
        }
        store.start().await;
        running.join_all().await;
        let outages = outages.load(Ordering::SeqCst);
        for (browser, person) in browsers.iter_mut().zip(&people).take(2) {
            let seen = recovered(browser, &format!("{}/", fleet.url)).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, person.id()), "{name}");
        }
        println!("{name}: {outages} answers of 503 around a crash, nobody signed out, nobody mistaken");
    }
}

/// A Redis without persistence forgets everybody: they are signed out, and nothing else.
///
/// covers: G10
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn store_that_forgets_signs_people_out_cleanly() {
    let mut redis = servers::own_redis(false).await;
    let orders = json!({"redis": redis.url(), "prefix": redis.prefix()});
    let fleet = Fleet::start(PROGRAM, Environment::start().await, orders).await;
    let mut browser = fleet.signed_in(&fleet.kinde.person("alice")).await;
    redis.restart().await;
    let seen = recovered(&mut browser, &format!("{}/", fleet.url)).await;
    assert_eq!((seen.status, seen.body.as_str()), (200, "nobody"));
    assert!(browser.cookies(&fleet.url).is_empty());
    assert_eq!(browser.go(&format!("{}/dashboard", fleet.url)).await.status, 303);
}
