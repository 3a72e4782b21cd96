//! Two processes share sessions over a real Redis and a real PostgreSQL.

use std::{collections::BTreeSet, time::Duration};

use http::Method;
use kinde_emulator::Environment;
use kinde_tests::{
    fleet::Fleet,
    servers,
    site::{Browser, NAVIGATION, Seen},
};
use redis::AsyncCommands;
use serde_json::{Value, json};
use sqlx::Connection;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_shared-site");
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Both servers; each gives its orders and counts its sessions.
pub(crate) struct Servers {
    redis: servers::Redis,
    postgres: servers::Postgres,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        Self { redis: servers::redis().await, postgres: servers::postgres().await }
    }

    pub(crate) fn orders(&self) -> [(&'static str, Value); 2] {
        [
            ("redis", json!({"redis": self.redis.url(), "prefix": self.redis.prefix()})),
            ("postgres", json!({"postgres": self.postgres.url()})),
        ]
    }

    pub(crate) async fn count(&self, name: &str) -> usize {
        if name == "redis" {
            let keys: Vec<String> =
                self.redis.connection().await.keys(format!("{}*", self.redis.prefix())).await.unwrap();
            return keys.len();
        }
        let mut connection = sqlx::PgConnection::connect(self.postgres.url()).await.unwrap();
        let count: i64 = sqlx::query_scalar("select count(*) from kinde_sessions")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        usize::try_from(count).unwrap()
    }
}

/// Asks for a page many times at once, each time over a connection of its own.
pub(crate) async fn crowd(browser: &Browser, url: &str, size: usize) -> Vec<Seen> {
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..size {
        let (mut browser, url) = (browser.clone(), url.to_owned());
        running.spawn(async move { browser.go(&url).await });
    }
    running.join_all().await
}

/// covers: F16 G7
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn crowd_with_an_expired_token_over_two_processes_is_refreshed_once() {
    let servers = Servers::start().await;
    for (name, orders) in servers.orders() {
        let mut fleet = Fleet::start(PROGRAM, Environment::start().await, orders).await;
        let alice = fleet.kinde.person("alice");
        let browser = fleet.signed_in(&alice).await;
        // Two days in a row: a refresh token that was sent twice ends the session at the next refresh, not at once.
        for day in 1..=2 {
            fleet.pass(DAY).await;
            fleet.kinde.reset_requests();
            let seen = crowd(&browser, &format!("{}/", fleet.url), 200).await;
            for seen in &seen {
                assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "{name}, day {day}");
                assert!(!seen.headers.contains_key("set-cookie"), "{name}: the id stays");
            }
            let calls = fleet.kinde.requests("/oauth2/token");
            println!("{name}, day {day}: 200 requests, {calls} calls of the token endpoint");
            assert!((1..=2).contains(&calls), "{name}, day {day}: {calls} calls");
            let answered: BTreeSet<_> =
                seen.iter().map(|seen| seen.headers["x-process"].to_str().unwrap().to_owned()).collect();
            assert_eq!(answered, BTreeSet::from_iter(fleet.ids()), "{name}: both processes answer");
            assert_eq!(servers.count(name).await, 1, "{name}: one session");
        }
    }
}

/// covers: F16
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn outage_of_the_token_endpoint_signs_nobody_out_of_two_processes() {
    let servers = Servers::start().await;
    let [redis, postgres] = servers.orders();
    tokio::join!(outage(redis), outage(postgres));
}

async fn outage((name, orders): (&str, Value)) {
    let mut fleet = Fleet::start(PROGRAM, Environment::start().await, orders).await;
    let alice = fleet.kinde.person("alice");
    let mut browser = fleet.signed_in(&alice).await;
    let home = format!("{}/", fleet.url);
    fleet.pass(DAY).await;
    fleet.kinde.fault("/oauth2/token", kinde_emulator::Fault::Status(503));
    fleet.kinde.reset_requests();
    let began = tokio::time::Instant::now();
    let before = browser.jar.clone();
    while began.elapsed() < OUTAGE {
        for seen in crowd(&browser, &home, 10).await {
            assert_eq!(seen.status, 503, "{name}");
            assert!(seen.headers.contains_key("retry-after") && !seen.headers.contains_key("set-cookie"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let calls = fleet.kinde.requests("/oauth2/token");
    assert!(calls <= 2 + 2 * usize::try_from(OUTAGE.as_secs() / 10).unwrap(), "{name}: {calls} calls");
    fleet.kinde.clear_faults();
    let seen = recovered(&mut browser, &home).await;
    assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "{name}");
    assert!(browser.jar == before, "{name}: with the cookie of before");
    println!("{name}: {OUTAGE:?} without a token endpoint, {calls} calls, recovered");
}

/// In every tier: other tests run beside it.
const OUTAGE: Duration = Duration::from_secs(30);

/// Asks until the answer is no longer 503.
pub(crate) async fn recovered(browser: &mut Browser, url: &str) -> Seen {
    let began = tokio::time::Instant::now();
    loop {
        let seen = browser.go(url).await;
        if !matches!(seen.status, 500 | 503) || began.elapsed() > Duration::from_secs(30) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// covers: G6 G7
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_out_in_one_process_wins_against_a_refresh_in_the_other() {
    let servers = Servers::start().await;
    let [redis, postgres] = servers.orders();
    tokio::join!(sign_outs(&servers, redis), sign_outs(&servers, postgres));
}

async fn sign_outs(servers: &Servers, (name, orders): (&str, Value)) {
    let mut fleet = Fleet::start(PROGRAM, Environment::start().await, orders).await;
    let alice = fleet.kinde.person("alice");
    let home = format!("{}/", fleet.url);
    let logout = format!("{}/api/auth/logout", fleet.url);
    let mut served = 0;
    for round in 0..SIGN_OUTS {
        let mut leaving = fleet.signed_in(&alice).await;
        let mut staying = leaving.clone();
        fleet.pass(DAY).await;
        // A little later each time, so that the sign-out meets every step of the refresh.
        let later = Duration::from_millis(u64::from(round % 20));
        let leave = async {
            tokio::time::sleep(later).await;
            leaving.ask(Method::POST, &logout, &NAVIGATION).await
        };
        let (out, stayed) = tokio::join!(leave, staying.go(&home));
        assert_eq!(out.status, 303, "{name}, round {round}");
        assert_ne!(out.headers["x-process"], stayed.headers["x-process"], "{name}");
        assert!(stayed.body == alice.id() || stayed.body == "nobody", "{name}, round {round}: {stayed:?}");
        served += u32::from(stayed.body == alice.id());
        for _ in 0..2 {
            assert_eq!(staying.clone().go(&home).await.body, "nobody", "{name}, round {round}");
        }
        assert_eq!(servers.count(name).await, 0, "{name}, round {round}: nothing is left");
    }
    println!("{name}: {served} of {SIGN_OUTS} requests beside a sign-out came first");
    assert!(
        (1..SIGN_OUTS).contains(&served),
        "{name}: sometimes the one comes first and sometimes the other"
    );
}

/// For each store, a thousand with both, in every tier.
const SIGN_OUTS: u32 = 500;

/// covers: G2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_sign_in_ends_the_session_before_it_in_every_process() {
    let servers = Servers::start().await;
    for (name, orders) in servers.orders() {
        let fleet = Fleet::start(PROGRAM, Environment::start().await, orders).await;
        let (alice, bob) = (fleet.kinde.person("alice"), fleet.kinde.person("bob"));
        let mut browser = fleet.signed_in(&alice).await;
        let copy = browser.clone();
        let started = browser.go(&format!("{}/api/auth/login", fleet.url)).await.location.unwrap();
        browser.go(&fleet.kinde.sign_in(&started, &bob).unwrap()).await;
        for seen in crowd(&copy, &format!("{}/", fleet.url), 4).await {
            assert_eq!(seen.body, "nobody", "{name}");
        }
        assert_eq!(browser.go(&format!("{}/", fleet.url)).await.body, bob.id(), "{name}");
        assert_eq!(servers.count(name).await, 1, "{name}");
    }
}
