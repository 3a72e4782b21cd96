//! Several tabs, the back button, reloads, and a browser that looks ahead.

use std::{collections::hash_map::RandomState, hash::BuildHasher as _, time::Duration};

use kinde_axum::kinde_login::kinde_core::ManualClock;
use kinde_emulator::Fault;
use serde_json::json;

use crate::{accessibility::look, chromium::Chromium, site::Site, text};

/// Numbers below `count`, in an order that nobody chose.
fn shuffled(count: usize) -> Vec<usize> {
    let state = RandomState::new();
    let mut order: Vec<_> = (0..count).collect();
    order.sort_by_key(|number| state.hash_one(number));
    order
}

/// Asks until something is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..400 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what}: not so after ten seconds");
}

/// Goes back as with the browser's button.
async fn back(browser: &mut Chromium) {
    browser.evaluate("window.isOld = true; history.back()").await;
    browser.arrived().await;
}

/// covers: F5
#[tokio::test]
async fn six_tabs_finish_in_any_order() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    let mut tabs = Vec::new();
    for number in 0..6 {
        tabs.push(browser.open_tab().await);
        let page = format!("/dashboard?tab={number}");
        browser.open(&site.at(&page)).await;
        assert_eq!(browser.heading().await, "Sign in");
    }
    let order = shuffled(tabs.len());
    for number in &order {
        browser.show(&tabs[*number]).await;
        browser.press_on(&site.tile("alice")).await;
        let expected = site.at(&format!("/dashboard?tab={number}"));
        assert_eq!(browser.location().await, expected, "in the order {order:?}");
        assert_eq!(text(&mut browser, ".who").await, "Alice Example");
    }
}

#[tokio::test]
async fn back_button_finishes_nothing_twice_and_shows_nothing_after_signing_out() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    site.sign_in(&mut browser, "alice").await;
    // Kinde knows who it is and answers once more, for a flow that is over.
    back(&mut browser).await;
    assert_eq!(site.asked("/api/auth/kinde_callback").len(), 2);
    assert_eq!(site.emulator.requests("/oauth2/token"), 1, "the second code is left alone");
    assert_eq!(browser.location().await, site.at("/"));
    assert_eq!(text(&mut browser, ".who").await, "Alice Example");

    browser.open(&site.at("/dashboard")).await;
    browser.press_on("nav button").await;
    assert_eq!(browser.heading().await, "Plan the week together");
    back(&mut browser).await;
    assert!(!text(&mut browser, "body").await.contains("This week at a glance"));
    assert_eq!(browser.heading().await, "Sign in", "the dashboard is not kept: whoever wants it signs in");
}

/// covers: F3
#[tokio::test]
async fn reloaded_callback_goes_home_while_signed_in_and_is_over_afterwards() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    site.sign_in(&mut browser, "alice").await;
    let callback = site.at(&site.asked("/api/auth/kinde_callback")[0].address);
    browser.open(&callback).await;
    assert_eq!(browser.location().await, site.at("/"));
    assert_eq!(text(&mut browser, ".who").await, "Alice Example");
    assert_eq!(site.emulator.requests("/oauth2/token"), 1, "the code is not tried again");

    browser.press_on("nav button").await;
    browser.open(&callback).await;
    assert_eq!(browser.heading().await, "This sign-in is over");
    look(&mut browser, "sign-in-over").await;
}

/// covers: G9
#[tokio::test]
async fn browser_that_looks_ahead_starts_and_ends_nothing() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    browser.open(&site.url).await;
    prefetch(&mut browser, "/api/auth/login").await;
    until("login prefetched", || !site.asked("/api/auth/login").is_empty()).await;
    let ahead = &site.asked("/api/auth/login")[0];
    assert_eq!((ahead.looks_ahead, ahead.status), (true, 204));
    assert_eq!(site.emulator.requests("/oauth2/auth"), 0);
    assert_eq!(cookies(&mut browser, &site).await, Vec::<String>::new());

    site.sign_in(&mut browser, "alice").await;
    prefetch(&mut browser, "/api/auth/logout").await;
    until("logout prefetched", || !site.asked("/api/auth/logout").is_empty()).await;
    assert_eq!(site.asked("/api/auth/logout")[0].status, 204);
    browser.open(&site.at("/dashboard")).await;
    assert_eq!(text(&mut browser, ".who").await, "Alice Example");
}

/// covers: G7
#[tokio::test]
async fn signing_out_in_one_tab_wins_over_a_refresh_in_another() {
    let Some(mut browser) = Chromium::start().await else { return };
    let now = Site::start().await.emulator.now();
    let signed_in_at = now - 86_400 + 50;
    let clock = ManualClock::at_unix_seconds(signed_in_at);
    let judging = clock.clone();
    let site = Site::start_with(|emulator, builder| {
        emulator.set_time(signed_in_at);
        builder.with_clock(judging)
    })
    .await;
    let first = browser.open_tab().await;
    site.sign_in(&mut browser, "alice").await;
    let second = browser.open_tab().await;
    browser.open(&site.at("/dashboard")).await;

    // Now the access token has fifty seconds left, and the next request replaces it.
    clock.advance(Duration::from_secs(86_350));
    site.emulator.set_time(now);
    site.emulator.reset_requests();
    site.emulator.fault("/oauth2/token", Fault::Delay(Duration::from_secs(2)));
    // Kinde hears nothing of the sign-out, so that its refusal of the refresh cannot be what helps.
    for path in ["/oauth2/revoke", "/logout"] {
        site.emulator.fault(path, Fault::Status(503));
    }
    browser.show(&first).await;
    browser.evaluate("window.isOld = true; location.href = '/?refreshes'").await;
    until("refresh is under way", || site.emulator.requests("/oauth2/token") == 1).await;
    browser.show(&second).await;
    browser.press_on("nav button").await;
    assert!(browser.location().await.starts_with(&format!("{}/logout", site.emulator.url())));
    assert!(site.asked("/?refreshes").is_empty(), "the refresh is still under way");

    browser.show(&first).await;
    until("refreshing tab is answered", || !site.asked("/?refreshes").is_empty()).await;
    browser.arrived().await;
    let cookies = cookies(&mut browser, &site).await;
    assert!(!cookies.iter().any(|name| name.starts_with("kinde_session")), "{cookies:?}");
    browser.open(&site.url).await;
    assert_eq!(text(&mut browser, ".who").await, "", "no tab is signed in any more");
}

/// Lets the page ask for an address before anybody wants it.
async fn prefetch(browser: &mut Chromium, address: &str) {
    let script = format!(
        "document.head.append(Object.assign(document.createElement('link'), {{ rel: 'prefetch', href: {address:?} }}))"
    );
    browser.evaluate(&script).await;
}

/// Gives the names of the cookies that the browser has for the site.
async fn cookies(browser: &mut Chromium, site: &Site) -> Vec<String> {
    let answer = browser.call("Network.getCookies", json!({ "urls": [site.at("/api/auth/login")] })).await;
    let cookies = answer["cookies"].as_array().unwrap().iter();
    cookies.map(|cookie| cookie["name"].as_str().unwrap().to_owned()).collect()
}
