//! Sessions are refreshed quietly, once, and end only when Kinde says so.

use std::{sync::Arc, time::Duration};

use http::Method;
use kinde_core::ManualClock;
use kinde_emulator::{Environment, Fault};
use kinde_login::MemoryStore;
use kinde_tests::site::{Browser, NAVIGATION, SCRIPT, Site};

const DAY: Duration = Duration::from_secs(86_400);

/// A site whose clock is moved together with the environment's.
async fn site(has_store: bool) -> (Site, ManualClock) {
    let kinde = Arc::new(Environment::start().await);
    let clock = kinde_tests::site::clock_of(&kinde);
    let site = Site::start_in(kinde, |builder| {
        let builder = builder.with_clock(clock.clone());
        if has_store { builder.with_store(MemoryStore::with_clock(100, clock.clone())) } else { builder }
    })
    .await;
    (site, clock)
}

fn pass(site: &Site, clock: &ManualClock, time: Duration) {
    clock.advance(time);
    site.kinde.set_time(site.kinde.now() + time.as_secs());
}

/// covers: F16 F17
#[tokio::test]
async fn session_is_refreshed_when_its_access_token_is_about_to_expire() {
    for has_store in [false, true] {
        let (site, clock) = site(has_store).await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        pass(&site, &clock, DAY - Duration::from_secs(61));
        assert_eq!(browser.go(&format!("{}/api/auth/me", site.url)).await.status, 200);
        assert_eq!(site.kinde.requests("/oauth2/token"), 1, "still good for 61 s");
        pass(&site, &clock, Duration::from_secs(1));
        assert_eq!(browser.go(&format!("{}/api/auth/me", site.url)).await.status, 200);
        assert_eq!(site.kinde.requests("/oauth2/token"), 2);
        pass(&site, &clock, DAY);
        assert_eq!(browser.go(&format!("{}/api/auth/me", site.url)).await.status, 200);
        assert_eq!(site.kinde.requests("/oauth2/token"), 3, "with the refresh token of the second time");
    }
}

/// covers: F16
#[tokio::test]
async fn many_requests_with_an_expired_token_cause_one_refresh() {
    for has_store in [false, true] {
        let (site, clock) = site(has_store).await;
        let browser = site.signed_in(&site.kinde.person("alice")).await;
        pass(&site, &clock, DAY);
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (mut browser, url) = (browser.clone(), format!("{}/api/auth/me", site.url));
            running.spawn(async move { browser.go(&url).await.status });
        }
        assert!(running.join_all().await.into_iter().all(|status| status == 200));
        assert_eq!(site.kinde.requests("/oauth2/token"), 2);
    }
}

/// covers: F16
#[tokio::test]
async fn answer_that_never_arrived_costs_nobody_the_session() {
    let (site, clock) = site(false).await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    pass(&site, &clock, DAY);
    let old = browser.clone();
    assert_eq!(browser.go(&format!("{}/api/auth/me", site.url)).await.status, 200);
    let mut late: Browser = old;
    assert_eq!(late.go(&format!("{}/api/auth/me", site.url)).await.status, 200, "with the cookie of before");
    assert_eq!(late.cookies(&site.url).len(), 1, "and it gets the new one");
}

/// A process that has just started knows no more than the cookie says.
///
/// covers: F16
#[tokio::test]
async fn answer_of_every_route_brings_the_cookie_with_the_new_tokens() {
    for path in
        ["/", "/me", "/call", "/api/auth/me", "/api/auth/me?fresh", "/api/auth/setup", "/api/auth/portal"]
    {
        // A refresh token that was sent twice ends the session.
        let kinde = Arc::new(Environment::builder().with_refresh_overlap(Duration::ZERO).start().await);
        let clock = kinde_tests::site::clock_of(&kinde);
        let site = Site::start_in(Arc::clone(&kinde), |builder| builder.with_clock(clock.clone())).await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        pass(&site, &clock, DAY);
        let seen = browser.go(&format!("{}{path}", site.url)).await;
        assert!(seen.status < 400 && seen.headers.contains_key("set-cookie"), "{path}: {seen:?}");
        let restarted = Site::start_in(kinde, |builder| builder.with_clock(clock.clone())).await;
        browser.moves(&site, &restarted);
        for _ in 0..2 {
            assert_eq!(browser.go(&format!("{}/", restarted.url)).await.body, alice.id(), "{path}");
            pass(&site, &clock, DAY);
        }
    }
}

/// The old refresh token is used up, so that a lost cookie is a lost session.
///
/// covers: F16
#[tokio::test]
async fn answer_of_an_error_brings_the_cookie_with_the_new_tokens() {
    let forged = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")];
    for (method, path, headers, away, status) in [
        (Method::GET, "/api/auth/me?fresh", &SCRIPT[..], "/oauth2/v2/user_profile", 502),
        (Method::GET, "/api/auth/portal", &NAVIGATION[..], "/account_api/v1/portal_link", 502),
        (Method::POST, "/", &forged[..], "/none", 403),
    ] {
        let kinde = Arc::new(Environment::builder().with_refresh_overlap(Duration::ZERO).start().await);
        let clock = kinde_tests::site::clock_of(&kinde);
        let site = Site::start_in(Arc::clone(&kinde), |builder| builder.with_clock(clock.clone())).await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        pass(&site, &clock, DAY);
        kinde.fault(away, Fault::Status(500));
        let seen = browser.ask(method, &format!("{}{path}", site.url), headers).await;
        assert_eq!(seen.status, status, "{path}: {seen:?}");
        let restarted = Site::start_in(kinde, |builder| builder.with_clock(clock.clone())).await;
        browser.moves(&site, &restarted);
        assert_eq!(browser.go(&format!("{}/", restarted.url)).await.body, alice.id(), "{path}");
    }
}

/// covers: F16 G10
#[tokio::test]
async fn outage_of_the_token_endpoint_signs_nobody_out() {
    for has_store in [false, true] {
        let (site, clock) = site(has_store).await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        site.kinde.fault("/oauth2/token", Fault::Status(503));
        pass(&site, &clock, DAY - Duration::from_secs(30));
        let me = format!("{}/api/auth/me", site.url);
        assert_eq!(browser.go(&me).await.status, 200, "the token is still good");
        let before = browser.jar.clone();
        pass(&site, &clock, Duration::from_secs(30));
        for path in ["/", "/me", "/api/auth/me", "/api/auth/setup", "/api/auth/portal"] {
            let waiting = browser.go(&format!("{}{path}", site.url)).await;
            assert_eq!(waiting.status, 503, "{path}, store {has_store}: {waiting:?}");
            assert!(waiting.headers.contains_key("retry-after"), "{path}, store {has_store}");
        }
        assert!(browser.jar == before, "the cookie is as it was");
    }
}

/// covers: F16
#[tokio::test]
async fn refresh_token_that_was_revoked_ends_the_session_once() {
    for has_store in [false, true] {
        let (site, clock) = site(has_store).await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        alice.update(|details| details.is_suspended = true);
        pass(&site, &clock, DAY);
        assert_eq!(browser.go(&format!("{}/", site.url)).await.body, "nobody");
        assert!(browser.cookies(&site.url).is_empty());
    }
}

/// covers: F16
#[tokio::test]
async fn refresh_by_a_clock_that_is_behind_signs_nobody_out() {
    // Each rests for ten seconds after a refresh that came to nothing.
    tokio::join!(refresh_by_a_clock_that_is_behind(false), refresh_by_a_clock_that_is_behind(true));
}

async fn refresh_by_a_clock_that_is_behind(has_store: bool) {
    let (site, clock) = site(has_store).await;
    let alice = site.kinde.person("alice");
    let mut browser = site.signed_in(&alice).await;
    let home = format!("{}/", site.url);
    pass(&site, &clock, DAY - Duration::from_secs(30));
    site.kinde.set_token_clock_offset(300);
    assert_eq!(browser.go(&home).await.body, alice.id(), "the token is still good, store {has_store}");
    assert_eq!(site.kinde.requests("/oauth2/token"), 2);
    pass(&site, &clock, Duration::from_secs(30));
    assert_eq!(browser.go(&home).await.status, 503, "store {has_store}");
    site.kinde.set_token_clock_offset(0);
    pass(&site, &clock, DAY);
    let seen = crate::fleet::recovered(&mut browser, &home).await;
    assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "store {has_store}");
}

/// covers: G8
#[tokio::test]
async fn session_ends_when_nobody_comes_for_a_week() {
    for has_store in [false, true] {
        let (site, clock) = site(has_store).await;
        let mut browser = site.signed_in(&site.kinde.person("alice")).await;
        let mut other = browser.clone();
        pass(&site, &clock, 7 * DAY - Duration::from_secs(1));
        assert_eq!(browser.go(&format!("{}/api/auth/me", site.url)).await.status, 200);
        pass(&site, &clock, 7 * DAY);
        assert_eq!(other.go(&format!("{}/api/auth/me", site.url)).await.status, 401);
    }
}

/// covers: G3
#[tokio::test]
async fn session_that_outgrows_its_cookie_ends_at_the_refresh_and_the_next_sign_in_says_why() {
    let (site, clock) = site(false).await;
    let alice = site.kinde.person("alice").in_org("acme").remember();
    let mut browser = site.signed_in(&alice).await;
    let alice =
        (0..300).fold(alice, |alice, number| alice.with(format!("create:resource{number}"))).remember();
    pass(&site, &clock, DAY);
    let seen = browser.go(&format!("{}/", site.url)).await;
    assert_eq!((seen.status, seen.body.as_str()), (200, "nobody"));
    assert!(browser.cookies(&site.url).is_empty(), "the end is open, not some minutes later");
    assert_eq!(site.kinde.requests("/oauth2/revoke"), 1, "and nobody can use what came");
    let started = browser.go(&format!("{}/api/auth/login", site.url)).await;
    let told = browser.go(&site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap()).await;
    assert!(told.body.contains("session_too_large"), "{}", told.body);
}
