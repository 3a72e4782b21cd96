//! What the log says when a session ends: why, once, at a level that somebody reads.

use std::sync::Arc;

use kinde_core::ManualClock;
use kinde_emulator::{Environment, Fault, Person};
use kinde_login::MemoryStore;
use kinde_tests::site::{Browser, Site, clock_of};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{capture::Capture, fleet::DAY};

/// Why a session ends with the next request, a day later.
type Cause = fn(&Site, &Person);

fn answer_of(person: &Person) -> Fault {
    let access_token = person.access_token();
    let body = json!({
        "access_token": access_token, "id_token": person.id_token_for(&access_token), "refresh_token": "next",
        "token_type": "Bearer", "expires_in": 86_399, "scope": "openid profile email offline",
    });
    Fault::json(200, body.to_string()).times(1)
}

const ENDED: &str = "session ended: it cannot be refreshed";

/// The cause, and what is told: each a level and parts of its text.
const CAUSES: [(&str, Cause, &[&[&str]]); 3] = [
    (
        "its refresh token is refused",
        |_, alice| alice.update(|details| details.is_suspended = true),
        &[&["INFO", ENDED]],
    ),
    (
        "the refresh brings somebody else's tokens",
        |site, _| site.kinde.fault("/oauth2/token", answer_of(&site.kinde.person("mallory"))),
        &[&["WARN", "what a refresh brought is refused", "code=subject_mismatch"], &["INFO", ENDED]],
    ),
    (
        "the refresh brings another application's tokens",
        |site, alice| site.kinde.fault("/oauth2/token", answer_of(&alice.with_client_id("0123456789abcdef"))),
        &[&["WARN", "what a refresh brought is refused", "code=token_refused"], &["INFO", ENDED]],
    ),
];

/// A site whose clock is moved together with the environment's.
async fn site(kinde: &Arc<Environment>, clock: &ManualClock, store: Option<&MemoryStore>, api: &str) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let audience = [("KINDE_AUDIENCE", api)];
    Site::start_at(Arc::clone(kinde), url, listener, &audience, |builder| {
        let builder = builder.with_clock(clock.clone());
        store.into_iter().fold(builder, |builder, store| builder.with_store(store.clone()))
    })
}

/// Asks three times with the cookie of one session that is to end; gives what was told beside details.
async fn told_while_it_ends(name: &str, site: &Site, browser: &Browser, path: &str) -> Vec<String> {
    let (capture, _listening) = Capture::begin();
    for _ in 0..3 {
        let seen = browser.clone().go(&format!("{}{path}", site.url)).await;
        assert!(matches!((seen.status, seen.body.as_str()), (200, "nobody") | (401, _)), "{name}: {seen:?}");
    }
    let records = capture.records().into_iter().filter(|told| told.target == "kinde_login");
    records.map(|told| told.text).filter(|text| !text.starts_with("DEBUG")).collect()
}

fn is_told(name: &str, told: &[String], expected: &[&[&str]]) {
    assert_eq!(told.len(), expected.len(), "{name}: {told:#?}");
    for (told, parts) in told.iter().zip(expected) {
        assert!(told.starts_with(parts[0]), "{name}: {told}");
        assert!(parts.iter().all(|part| told.contains(part)), "{name}: {told}");
        assert!(!told.contains("kp_"), "{name}: who it was is nobody's business: {told}");
    }
}

/// covers: I6
#[tokio::test]
async fn refresh_that_ends_a_session_is_told_once_with_its_cause() {
    for (name, cause, expected) in CAUSES {
        for store in [None, Some(MemoryStore::new(10))] {
            let name = format!("{name}, store {}", store.is_some());
            let kinde = Arc::new(Environment::start().await);
            let clock = clock_of(&kinde);
            let site = site(&kinde, &clock, store.as_ref(), "").await;
            let alice = kinde.person("alice");
            let browser = site.signed_in(&alice).await;
            clock.advance(DAY);
            kinde.set_time(kinde.now() + DAY.as_secs());
            cause(&site, &alice);
            is_told(&name, &told_while_it_ends(&name, &site, &browser, "/").await, expected);
        }
    }
}

/// covers: I6
#[tokio::test]
async fn session_whose_access_token_is_refused_is_told_once_with_the_code() {
    for (path, has_store) in [("/", false), ("/", true), ("/api/auth/me", false), ("/api/auth/me", true)] {
        let store = has_store.then(|| MemoryStore::new(10));
        let name = format!("{path}, store {has_store}");
        let kinde = Arc::new(Environment::start().await);
        kinde.register_api("https://api.example.test", &[]);
        let clock = clock_of(&kinde);
        let before = site(&kinde, &clock, store.as_ref(), "").await;
        let mut browser = before.signed_in(&kinde.person("alice")).await;
        let site = site(&kinde, &clock, store.as_ref(), "https://api.example.test").await;
        browser.moves(&before, &site);
        let told = told_while_it_ends(&name, &site, &browser, path).await;
        is_told(
            &name,
            &told,
            &[&["INFO", "session ended: its access token is refused", "code=audience_absent"]],
        );
    }
}
