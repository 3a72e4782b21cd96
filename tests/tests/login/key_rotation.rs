//! Kinde signs with another key than when the sign-in began, or than a moment ago.

use std::{sync::Arc, time::Duration};

use kinde_emulator::{Environment, Fault};
use kinde_login::{LoginBuilder, MemoryStore};
use kinde_tests::site::{Browser, Site, clock_of};

use crate::fleet::DAY;

/// What Kinde does with its keys.
type Change = fn(&Environment) -> String;

const CHANGES: [(&str, Change); 2] = [
    ("a new key beside the old one", Environment::rotate_keys),
    ("a new key in the place of the old one", Environment::replace_keys),
];

/// Starts a site and signs somebody in, so that it has the keys of before; then begins more sign-ins.
async fn begun(count: usize) -> (Site, Browser, Vec<(Browser, String)>) {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let before = site.signed_in(&alice).await;
    let mut begun = Vec::new();
    for _ in 0..count {
        let mut browser = Browser::default();
        let started = browser.go(&format!("{}/api/auth/login", site.url)).await.location.unwrap();
        begun.push((browser, started));
    }
    (site, before, begun)
}

/// covers: F14
#[tokio::test]
async fn sign_ins_that_began_before_the_keys_changed_come_back_at_once_and_finish() {
    for (name, change) in CHANGES {
        let (site, mut before, begun) = begun(8).await;
        let alice = site.kinde.person("alice");
        change(&site.kinde);
        site.kinde.reset_requests();
        let mut running = tokio::task::JoinSet::new();
        for (mut browser, started) in begun {
            let callback = site.kinde.sign_in(&started, &alice).unwrap();
            running.spawn(async move { (browser.go(&callback).await, browser) });
        }
        for (seen, mut browser) in running.join_all().await {
            assert_eq!(seen.status, 303, "{name}: {seen:?}");
            assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id(), "{name}");
        }
        assert_eq!(site.kinde.jwks_fetches(), 1, "{name}: one question for all of them");
        let is_kept = name.contains("beside");
        let expected = if is_kept { alice.id() } else { "nobody" };
        assert_eq!(before.go(&format!("{}/", site.url)).await.body, expected, "{name}: signed in before");
    }
}

/// covers: F14
#[tokio::test]
async fn keys_that_change_while_the_code_is_exchanged_keep_nobody_out() {
    for (name, change) in CHANGES {
        let (site, _, mut begun) = begun(1).await;
        let alice = site.kinde.person("alice");
        let (mut browser, started) = begun.remove(0);
        let callback = site.kinde.sign_in(&started, &alice).unwrap();
        site.kinde.reset_requests();
        site.kinde.fault("/oauth2/token", Fault::Delay(Duration::from_millis(500)).times(1));
        let (seen, ()) = tokio::join!(browser.go(&callback), async {
            while site.kinde.requests("/oauth2/token") == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            change(&site.kinde);
        });
        assert_eq!(seen.status, 303, "{name}: {seen:?}");
        assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id(), "{name}");
    }
}

/// The new token cannot be judged for now: the old one goes on, and the new refresh token is kept.
///
/// covers: F14 F16
#[tokio::test]
async fn refresh_with_a_new_key_that_cannot_be_fetched_signs_nobody_out() {
    for (has_store, is_restarted) in [(false, false), (false, true), (true, false), (true, true)] {
        let name = format!("store {has_store}, restarted {is_restarted}");
        // A refresh token that was sent twice ends the session.
        let kinde = Arc::new(Environment::builder().with_refresh_overlap(Duration::ZERO).start().await);
        let clock = clock_of(&kinde);
        let store = MemoryStore::with_clock(10, clock.clone());
        let change = |builder: LoginBuilder| {
            let builder = builder.with_clock(clock.clone());
            if has_store { builder.with_store(store.clone()) } else { builder }
        };
        let site = Site::start_in(kinde, change).await;
        let alice = site.kinde.person("alice");
        let mut browser = site.signed_in(&alice).await;
        let home = format!("{}/", site.url);
        let pass = |time: Duration| {
            clock.advance(time);
            site.kinde.set_time(site.kinde.now() + time.as_secs());
        };
        pass(DAY - Duration::from_secs(30));
        site.kinde.rotate_keys();
        for path in ["/.well-known/jwks", "/.well-known/jwks.json"] {
            site.kinde.fault(path, Fault::Status(503));
        }
        for _ in 0..2 {
            assert_eq!(browser.go(&home).await.body, alice.id(), "{name}: the old token is good");
        }
        assert_eq!(site.kinde.requests("/oauth2/token"), 2, "{name}: one refresh, then a rest");
        pass(Duration::from_secs(30));
        if is_restarted {
            site.kinde.clear_faults();
            let fetching = Site::start_in(Arc::clone(&site.kinde), change).await;
            browser.moves(&site, &fetching);
            let seen = browser.go(&format!("{}/", fetching.url)).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "{name}");
        } else {
            let seen = browser.go(&home).await;
            assert_eq!((seen.status, seen.headers.contains_key("retry-after")), (503, true), "{seen:?}");
            assert_eq!(browser.cookies(&site.url).len(), 1, "{name}: the cookie stays");
        }
        assert_eq!(site.kinde.requests("/oauth2/revoke"), 0, "{name}");
    }
}
