//! How long sessions last in any case, and how often Kinde is asked while they do.

use std::{sync::Arc, time::Duration};

use kinde_core::ManualClock;
use kinde_emulator::Environment;
use kinde_login::{LoginBuilder, MemoryStore};
use kinde_tests::site::{Site, clock_of};
use tokio::net::TcpListener;

const DAY: Duration = Duration::from_secs(86_400);
const SECOND: Duration = Duration::from_secs(1);

/// A site whose clock is moved together with the environment's.
async fn site(
    kinde: Environment,
    has_store: bool,
    more: &[(&str, &str)],
    change: impl Fn(LoginBuilder) -> LoginBuilder,
) -> (Site, ManualClock) {
    let clock = clock_of(&kinde);
    let kinde = Arc::new(kinde);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let site = Site::start_at(kinde, url, listener, more, |builder| {
        let builder = change(builder).with_clock(clock.clone());
        if has_store { builder.with_store(MemoryStore::with_clock(100, clock.clone())) } else { builder }
    });
    (site, clock)
}

fn pass(site: &Site, clock: &ManualClock, time: Duration) {
    clock.advance(time);
    site.kinde.set_time(site.kinde.now() + time.as_secs());
}

/// covers: G8
#[tokio::test]
async fn session_in_daily_use_ends_when_its_absolute_lifetime_is_over() {
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], fn(LoginBuilder) -> LoginBuilder, u32);
    let three_days = (3 * DAY.as_secs()).to_string();
    let setting = [("KINDE_COOKIE_MAX_AGE", three_days.as_str())];
    let rows: [Row<'_>; 4] = [
        ("default", &[], |builder| builder, 29),
        ("set in code", &[], |builder| builder.with_absolute_lifetime(3 * DAY), 3),
        ("set in the environment", &setting, |builder| builder, 3),
        ("code wins", &setting, |builder| builder.with_absolute_lifetime(5 * DAY), 5),
    ];
    for (name, more, change, days) in rows {
        for has_store in [false, true] {
            let name = format!("{name}, store {has_store}");
            let (site, clock) = site(Environment::start().await, has_store, more, change).await;
            let alice = site.kinde.person("alice");
            let mut browser = site.signed_in(&alice).await;
            let home = format!("{}/", site.url);
            for day in 1..days {
                pass(&site, &clock, DAY);
                assert_eq!(browser.go(&home).await.body, alice.id(), "{name}, day {day}");
            }
            pass(&site, &clock, DAY - SECOND);
            assert_eq!(browser.go(&home).await.body, alice.id(), "{name}, a second before the end");
            let asked = site.kinde.requests("/oauth2/token");
            pass(&site, &clock, SECOND);
            assert_eq!(browser.go(&home).await.body, "nobody", "{name}, at the end");
            assert!(browser.cookies(&site.url).is_empty(), "{name}");
            assert_eq!(site.kinde.requests("/oauth2/token"), asked, "{name}: not refreshed any more");
        }
    }
}

/// covers: G8
#[tokio::test]
async fn shorter_absolute_lifetime_holds_for_sessions_that_began_before() {
    for has_store in [false, true] {
        let kinde = Arc::new(Environment::start().await);
        let clock = clock_of(&kinde);
        let store = MemoryStore::with_clock(10, clock.clone());
        let change = |builder: LoginBuilder| {
            let builder = builder.with_clock(clock.clone());
            if has_store { builder.with_store(store.clone()) } else { builder }
        };
        let before = Site::start_in(Arc::clone(&kinde), change).await;
        let alice = kinde.person("alice");
        let mut browser = before.signed_in(&alice).await;
        let two_days = |builder: LoginBuilder| change(builder).with_absolute_lifetime(2 * DAY);
        let site = Site::start_in(kinde, two_days).await;
        browser.moves(&before, &site);
        let home = format!("{}/", site.url);
        for (wait, expected) in [(2 * DAY - SECOND, alice.id()), (SECOND, "nobody")] {
            pass(&site, &clock, wait);
            assert_eq!(browser.go(&home).await.body, expected, "store {has_store}");
        }
    }
}

/// covers: F16
#[tokio::test]
async fn access_token_that_a_refresh_leaves_unchanged_is_not_asked_for_again_and_again() {
    for has_store in [false, true] {
        let kinde = Environment::builder().with_kept_access_tokens().start().await;
        let (site, clock) = site(kinde, has_store, &[], |builder| builder).await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        let token = browser.go(&format!("{}/call", site.url)).await.body;
        let home = format!("{}/", site.url);
        pass(&site, &clock, DAY - Duration::from_secs(30));
        // One tab keeps up with the cookies, others come with the cookie of before.
        let stale = browser.clone();
        for _ in 0..100 {
            assert_eq!(browser.go(&home).await.body, alice.id());
            assert_eq!(stale.clone().go(&home).await.body, alice.id());
        }
        assert_eq!(browser.go(&format!("{}/call", site.url)).await.body, token, "Kinde answered the same");
        assert_eq!(site.kinde.requests("/oauth2/token"), 2, "store {has_store}: sign-in and one refresh");
        pass(&site, &clock, Duration::from_secs(30));
        for _ in 0..100 {
            assert_eq!(browser.go(&home).await.body, alice.id());
        }
        assert_ne!(browser.go(&format!("{}/call", site.url)).await.body, token);
        assert_eq!(site.kinde.requests("/oauth2/token"), 3, "store {has_store}: one more, for a new one");
    }
}

/// covers: F16
#[tokio::test]
async fn session_without_a_refresh_token_ends_with_its_access_token() {
    for has_store in [false, true] {
        let scopes = [("KINDE_SCOPES", "openid profile email")];
        let (site, clock) = site(Environment::start().await, has_store, &scopes, |builder| builder).await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        let (home, call) = (format!("{}/", site.url), format!("{}/call", site.url));
        let token = browser.go(&call).await.body;
        for wait in [DAY - Duration::from_secs(60), Duration::from_secs(59)] {
            pass(&site, &clock, wait);
            assert_eq!(browser.go(&home).await.body, alice.id(), "store {has_store}");
            assert_eq!(browser.go(&call).await.body, token, "store {has_store}");
        }
        pass(&site, &clock, SECOND);
        let seen = browser.go(&home).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, "nobody"), "store {has_store}");
        assert!(browser.cookies(&site.url).is_empty(), "store {has_store}");
        assert_eq!(site.kinde.requests("/oauth2/token"), 1, "store {has_store}: Kinde was not asked");
    }
}

/// covers: G8
#[tokio::test]
async fn session_ends_after_an_idle_hour_and_lives_on_while_it_is_used() {
    const HOUR: Duration = Duration::from_secs(3_600);
    for has_store in [false, true] {
        let idle = |builder: LoginBuilder| builder.with_idle_lifetime(HOUR);
        let (site, clock) = site(Environment::start().await, has_store, &[], idle).await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        let home = format!("{}/", site.url);
        let mut idle = browser.clone();
        // Some of them too soon after the one before for the cookie to be written again.
        for minutes in [50, 3, 50, 50, 5, 53, 6, 50] {
            pass(&site, &clock, Duration::from_secs(60 * minutes));
            assert_eq!(browser.go(&home).await.body, alice.id(), "store {has_store}, {minutes} minutes");
        }
        if !has_store {
            assert_eq!(idle.go(&home).await.body, "nobody", "the cookie of hours ago");
        }
        let mut late = browser.clone();
        pass(&site, &clock, HOUR - SECOND);
        assert_eq!(browser.go(&home).await.body, alice.id(), "store {has_store}: a second before the hour");
        pass(&site, &clock, HOUR);
        for browser in [&mut browser, &mut late] {
            assert_eq!(browser.go(&home).await.body, "nobody", "store {has_store}: after it");
            assert!(browser.cookies(&site.url).is_empty(), "store {has_store}");
        }
        // What docs/sessions.md says: a cookie notes a request when a tenth of the hour has gone by.
        let mut browser = site.signed_in(&alice).await;
        for (minutes, expected) in [(5, alice.id()), (56, if has_store { alice.id() } else { "nobody" })] {
            pass(&site, &clock, Duration::from_secs(60 * minutes));
            assert_eq!(browser.go(&home).await.body, expected, "store {has_store}, {minutes} minutes");
        }
    }
}

/// covers: F16
#[tokio::test]
async fn access_token_is_replaced_as_long_before_its_end_as_was_chosen() {
    for (ahead, name) in [(Duration::ZERO, "none"), (SECOND, "a second"), (10 * 60 * SECOND, "ten minutes")] {
        for has_store in [false, true] {
            let change = |builder: LoginBuilder| builder.with_refresh_ahead(ahead);
            let (site, clock) = site(Environment::start().await, has_store, &[], change).await;
            let alice = site.kinde.person("alice");
            let mut browser = site.signed_in(&alice).await;
            let home = format!("{}/", site.url);
            pass(&site, &clock, DAY - ahead - SECOND);
            for (asked, wait) in [(1, SECOND), (2, Duration::ZERO)] {
                assert_eq!(browser.go(&home).await.body, alice.id(), "{name}, store {has_store}");
                assert_eq!(site.kinde.requests("/oauth2/token"), asked, "{name}, store {has_store}");
                pass(&site, &clock, wait);
            }
        }
    }
}
