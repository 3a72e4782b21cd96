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
