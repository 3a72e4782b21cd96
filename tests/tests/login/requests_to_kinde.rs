//! What signing in, being signed in and signing out cost at Kinde: no more requests than the protocol needs.

use std::{sync::Arc, time::Duration};

use http::Method;
use kinde_core::{Clock, ManualClock, SystemClock};
use kinde_emulator::{Environment, Fault};
use kinde_login::MemoryStore;
use kinde_tests::site::{Browser, NAVIGATION, SCRIPT, Site, clock_of};
use tokio::net::TcpListener;

use crate::fleet::DAY;

/// A site that asked Kinde for nothing yet.
async fn cold(has_store: bool, more: &[(&str, &str)]) -> (Site, ManualClock) {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let site = Site::start_at(kinde, url, listener, more, |builder| {
        let builder = builder.with_clock(clock.clone());
        if has_store { builder.with_store(MemoryStore::with_clock(10, clock.clone())) } else { builder }
    });
    (site, clock)
}

/// Gives the requests that arrived since the last call.
fn asked(site: &Site) -> Vec<String> {
    let requests = site.kinde.recent_requests();
    site.kinde.reset_requests();
    requests.into_iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

const NOTHING: [&str; 0] = [];
const TOKEN: &str = "POST /oauth2/token";
const KEYS: &str = "GET /.well-known/jwks";
const REVOKE: &str = "POST /oauth2/revoke";

/// covers: F11
#[tokio::test]
async fn sign_in_asks_kinde_for_tokens_once_and_for_keys_once_in_the_life_of_the_process() {
    for has_store in [false, true] {
        let (site, _) = cold(has_store, &[]).await;
        let mut browser = Browser::default();
        for (round, expected) in [(1, [TOKEN, KEYS].as_slice()), (2, &[TOKEN]), (3, &[TOKEN])] {
            let person = site.kinde.person(["alice", "bob", "carol"][round - 1]);
            let started = browser.go(&format!("{}/api/auth/login", site.url)).await.location.unwrap();
            assert_eq!(asked(&site), NOTHING, "the start, round {round}");
            let callback = site.kinde.sign_in(&started, &person).unwrap();
            assert_eq!(browser.go(&callback).await.status, 303);
            assert_eq!(asked(&site), expected, "the callback, round {round}, store {has_store}");
            browser.jar.clear();
        }
    }
}

#[tokio::test]
async fn every_start_is_without_a_request_to_kinde() {
    let (site, _) = cold(false, &[]).await;
    for is_warm in [false, true] {
        for path in ["login", "register", "create_org?org_name=Acme", "switch_org?org_code=org_1"] {
            let seen = Browser::default().go(&format!("{}/api/auth/{path}", site.url)).await;
            assert_eq!((seen.status, asked(&site)), (303, Vec::new()), "{path}, warm: {is_warm}");
        }
        site.signed_in(&site.kinde.person("alice")).await;
        asked(&site);
    }
}

/// covers: F3 F4
#[tokio::test]
async fn callback_that_cannot_succeed_is_without_a_request_to_kinde() {
    let (site, _) = cold(false, &[]).await;
    let mut browser = Browser::default();
    let started = browser.go(&format!("{}/api/auth/login", site.url)).await.location.unwrap();
    let state = started.split_once("&state=").unwrap().1.split('&').next().unwrap();
    for query in [
        "code=a&state=stranger".to_owned(),
        "code=a".to_owned(),
        "error=access_denied&state=stranger".to_owned(),
        format!("code=a&code=b&state={state}"),
        format!("code=a&iss=https%3A%2F%2Fevil.example&state={state}"),
        format!("error=access_denied&state={state}"),
    ] {
        let seen = browser.go(&format!("{}/api/auth/kinde_callback?{query}", site.url)).await;
        assert!(seen.status >= 400, "{query}: {seen:?}");
        assert_eq!(asked(&site), NOTHING, "{query}");
    }
}

#[tokio::test]
async fn signed_in_person_costs_kinde_nothing_until_the_token_is_due_and_one_request_then() {
    for has_store in [false, true] {
        let (site, clock) = cold(has_store, &[]).await;
        let mut browser = site.signed_in(&site.kinde.person("alice")).await;
        asked(&site);
        let pages = ["/", "/me", "/profile", "/dashboard", "/call", "/api/auth/me", "/api/auth/setup"];
        for path in pages {
            let seen = browser.ask(Method::GET, &format!("{}{path}", site.url), &SCRIPT).await;
            assert_eq!((seen.status, asked(&site)), (200, Vec::new()), "{path}");
        }
        for path in pages {
            let wait = DAY - Duration::from_secs(30);
            clock.advance(wait);
            site.kinde.set_time(site.kinde.now() + wait.as_secs());
            let seen = browser.ask(Method::GET, &format!("{}{path}", site.url), &SCRIPT).await;
            let asked = asked(&site);
            // Keys are fetched again when they are old, beside the request.
            let tokens: Vec<_> =
                asked.iter().map(String::as_str).filter(|request| !request.starts_with(KEYS)).collect();
            assert_eq!((seen.status, tokens), (200, vec![TOKEN]), "{path}, store {has_store}");
        }
        let fresh = browser.ask(Method::GET, &format!("{}/api/auth/me?fresh", site.url), &SCRIPT).await;
        assert_eq!((fresh.status, asked(&site)), (200, vec!["GET /oauth2/v2/user_profile".to_owned()]));
    }
}

/// covers: G6
#[tokio::test]
async fn sign_out_removes_the_cookie_while_kinde_hangs_and_revokes_all_the_same() {
    let (site, _) = cold(false, &[]).await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    site.kinde.fault("/oauth2/revoke", Fault::Delay(Duration::from_secs(5)).times(1));
    asked(&site);
    let began = SystemClock.monotonic();
    let url = format!("{}/api/auth/logout", site.url);
    assert_eq!(browser.ask(Method::POST, &url, &NAVIGATION).await.status, 303);
    assert!(SystemClock.monotonic().saturating_sub(began) < Duration::from_secs(4), "Kinde takes five");
    assert!(browser.cookies(&site.url).is_empty());
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(asked(&site), [REVOKE]);
}

/// Signing out revokes the refresh token, where there is one, and asks for nothing else.
///
/// covers: G6
#[tokio::test]
async fn sign_out_asks_kinde_to_revoke_and_for_nothing_else() {
    for (more, expected) in
        [([].as_slice(), [REVOKE].as_slice()), (&[("KINDE_SCOPES", "openid profile email")], &[])]
    {
        for path in ["logout", "end_session"] {
            let (site, _) = cold(false, more).await;
            let mut browser = site.signed_in(&site.kinde.person("alice")).await;
            asked(&site);
            let url = format!("{}/api/auth/{path}", site.url);
            assert!(browser.ask(Method::POST, &url, &NAVIGATION).await.status < 400);
            assert_eq!(asked(&site), expected, "{path}, {more:?}");
            assert!(browser.ask(Method::POST, &url, &NAVIGATION).await.status < 400);
            assert_eq!(asked(&site), NOTHING, "{path}: nobody is signed in");
        }
    }
}
