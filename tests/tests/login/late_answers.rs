//! Answers that come after something else happened to the browser's session.

use std::{sync::Arc, time::Duration};

use http::Method;
use kinde_emulator::Environment;
use kinde_login::MemoryStore;
use kinde_tests::site::{NAVIGATION, SCRIPT, Site, clock_of};

/// covers: G3
#[tokio::test]
async fn session_that_lost_a_part_of_its_cookie_is_removed_when_somebody_looks_at_a_page() {
    let site = Site::start_with(|builder| builder.with_cookie_budget_bytes(9_000)).await;
    let many = (0..250).fold(site.kinde.person("alice").in_org("acme"), |alice, number| {
        alice.with(format!("create:resource{number}"))
    });
    let alice = many.remember();
    let browser = site.signed_in(&alice).await;
    let parts: Vec<_> = browser.jar.keys().filter(|(_, name)| name.contains("session")).cloned().collect();
    assert!(parts.len() >= 2, "{parts:?}");
    for lost in [parts.first(), parts.last()] {
        for path in ["/", "/api/auth/me"] {
            let mut browser = browser.clone();
            browser.jar.remove(lost.unwrap());
            assert!(!browser.go(&format!("{}{path}", site.url)).await.body.contains(alice.id()));
            assert!(!browser.jar.keys().any(|(_, name)| name.contains("session")), "{lost:?} {path}");
        }
    }
}

/// covers: G2 G7
#[tokio::test]
async fn script_that_asked_before_a_new_sign_in_does_not_remove_the_new_session() {
    for has_store in [false, true] {
        let site = Site::start_with(|builder| match has_store {
            true => builder.with_store(MemoryStore::new(10)),
            false => builder,
        })
        .await;
        let alice = site.kinde.person("alice");
        let before = site.signed_in(&alice).await;
        let mut after = before.clone();
        after.sign_in(&site, &alice).await;
        // Sent with the old cookie while the answer with the new one was on its way.
        for path in ["/", "/me", "/api/auth/me", "/api/auth/setup"] {
            let url = format!("{}{path}", site.url);
            let late = before.clone().ask(Method::GET, &url, &SCRIPT).await;
            assert!(!late.body.contains(alice.id()), "{path}: the old session is over");
            assert!(!late.headers.contains_key("set-cookie"), "{path}, store {has_store}: {late:?}");
        }
        assert_eq!(after.go(&format!("{}/", site.url)).await.body, alice.id());
        // Somebody who looks at a page is told, and the dead cookie goes.
        let seen = before.clone().ask(Method::GET, &format!("{}/", site.url), &NAVIGATION).await;
        assert!(seen.headers.contains_key("set-cookie"));
    }
}

/// HTTP/2 may split the header (RFC 9113 §8.2.3).
///
/// covers: G3
#[tokio::test]
async fn session_is_found_refreshed_and_removed_in_whichever_line_its_cookie_comes() {
    for has_store in [false, true] {
        let kinde = Arc::new(Environment::start().await);
        let clock = clock_of(&kinde);
        let site = Site::start_in(kinde, |builder| {
            let builder = builder.with_clock(clock.clone());
            if has_store { builder.with_store(MemoryStore::with_clock(10, clock.clone())) } else { builder }
        })
        .await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        // A line of its own, before the one of the jar.
        let other = [NAVIGATION.as_slice(), &[("cookie", "theme=dark; a=b")]].concat();
        let home = format!("{}/", site.url);
        for wait in [0, 86_400] {
            clock.advance(Duration::from_secs(wait));
            site.kinde.set_time(site.kinde.now() + wait);
            let seen = browser.ask(Method::GET, &home, &other).await;
            assert_eq!(seen.body, alice.id(), "store {has_store}, {wait} s later");
        }
        let session = (site.url.clone(), site.login.session_cookie_name().to_owned());
        browser.jar.insert(session, "junk".to_owned());
        assert_eq!(browser.ask(Method::GET, &home, &other).await.body, "nobody", "store {has_store}");
        assert!(browser.cookies(&site.url).is_empty(), "store {has_store}: removed");
    }
}
