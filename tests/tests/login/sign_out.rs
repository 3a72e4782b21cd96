//! What signing out ends beside the session that the browser shows: flows under way, and tokens that it does not know of.

use std::{sync::Arc, time::Duration};

use http::Method;
use kinde_core::ManualClock;
use kinde_emulator::{Environment, Fault};
use kinde_tests::site::{Browser, NAVIGATION, Site, clock_of};
use tokio::net::TcpListener;

use crate::fleet::DAY;

/// covers: F3 G6
#[tokio::test]
async fn sign_ins_under_way_end_with_the_session() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    for route in ["logout", "end_session"] {
        let mut browser = site.signed_in(&alice).await;
        let mut callbacks = Vec::new();
        for _ in 0..3 {
            let started = browser.go(&format!("{}/api/auth/login", site.url)).await;
            callbacks.push(site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap());
        }
        let url = format!("{}/api/auth/{route}", site.url);
        assert!(browser.ask(Method::POST, &url, &NAVIGATION).await.status < 400, "{route}");
        assert!(browser.jar.is_empty(), "{route}: {:?}", browser.jar.keys());
        site.kinde.reset_requests();
        for callback in callbacks {
            let seen = browser.go(&callback).await;
            assert_eq!(seen.status, 400, "{route}: {seen:?}");
            assert!(seen.body.contains("flow_unknown"), "{route}: {}", seen.body);
        }
        assert_eq!(site.kinde.requests("/oauth2/token"), 0, "{route}");
        assert_eq!(browser.go(&format!("{}/", site.url)).await.body, "nobody", "{route}");
    }
}

/// Starts the site again, without its memory.
async fn restarted(site: &Site, clock: &ManualClock) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    Site::start_at(Arc::clone(&site.kinde), url, listener, &[], |builder| builder.with_clock(clock.clone()))
}

fn pass_a_day(site: &Site, clock: &ManualClock) {
    clock.advance(DAY);
    site.kinde.set_time(site.kinde.now() + DAY.as_secs());
}

/// The tab that signs out may have missed a refresh; the tokens of that one are what is left.
///
/// covers: G6 G7
#[tokio::test]
async fn signing_out_with_the_cookie_of_before_a_refresh_revokes_the_newest_refresh_token() {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let site = Site::start_in(kinde, |builder| builder.with_clock(clock.clone())).await;
    let alice = site.kinde.person("alice");
    let mut newest = site.signed_in(&alice).await;
    let mut leaving = newest.clone();
    pass_a_day(&site, &clock);
    assert_eq!(newest.go(&format!("{}/", site.url)).await.body, alice.id());
    assert!(newest.jar != leaving.jar, "the other tab has not seen it");
    let logout = format!("{}/api/auth/logout", site.url);
    assert_eq!(leaving.ask(Method::POST, &logout, &NAVIGATION).await.status, 303);
    assert_eq!(newest.clone().go(&format!("{}/", site.url)).await.body, "nobody");
    // What the documentation does not promise away: elsewhere the copy lasts as long as its access token.
    let elsewhere = restarted(&site, &clock).await;
    newest.moves(&site, &elsewhere);
    assert_eq!(newest.clone().go(&format!("{}/", elsewhere.url)).await.body, alice.id());
    pass_a_day(&site, &clock);
    assert_eq!(newest.go(&format!("{}/", elsewhere.url)).await.body, "nobody", "the newest was revoked");
}

/// covers: G2
#[tokio::test]
async fn signing_in_again_revokes_the_refresh_token_of_the_session_before() {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let site = Site::start_in(kinde, |builder| builder.with_clock(clock.clone())).await;
    let alice = site.kinde.person("alice");
    let mut browser = site.signed_in(&alice).await;
    let mut copy = browser.clone();
    browser.sign_in(&site, &alice).await;
    let began = tokio::time::Instant::now();
    while site.kinde.requests("/oauth2/revoke") == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody waits for it, but it is revoked");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let elsewhere = restarted(&site, &clock).await;
    copy.moves(&site, &elsewhere);
    pass_a_day(&site, &clock);
    assert_eq!(copy.go(&format!("{}/", elsewhere.url)).await.body, "nobody");
    assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id(), "and the new one lasts");
}

/// covers: G6
#[tokio::test]
async fn kinde_that_refuses_to_revoke_keeps_nobody_signed_in() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    for fault in [Fault::Status(500), Fault::Status(401), Fault::Reset, Fault::EndlessBody] {
        for route in ["logout", "end_session"] {
            let mut browser: Browser = site.signed_in(&alice).await;
            let mut copy = browser.clone();
            site.kinde.fault("/oauth2/revoke", fault.clone());
            let seen =
                browser.ask(Method::POST, &format!("{}/api/auth/{route}", site.url), &NAVIGATION).await;
            site.kinde.clear_faults();
            assert_eq!(seen.status, if route == "logout" { 303 } else { 200 }, "{fault:?}: {seen:?}");
            assert!(browser.jar.is_empty(), "{fault:?}, {route}");
            assert_eq!(copy.go(&format!("{}/", site.url)).await.body, "nobody", "{fault:?}, {route}");
        }
    }
}
