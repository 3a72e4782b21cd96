//! Kinde signs with another key than when the sign-in began, or than a moment ago.

use std::time::Duration;

use kinde_emulator::{Environment, Fault};
use kinde_tests::site::{Browser, Site};

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
