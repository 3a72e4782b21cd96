//! Two applications of one host, whose cookies a browser keeps in one jar: cookies know no ports.

use std::sync::Arc;

use kinde_core::Secret;
use kinde_emulator::Environment;
use kinde_login::LoginBuilder;
use kinde_tests::site::{Browser, Seen, Site};

/// A browser that sends every cookie of the host to each of its ports, as browsers do (RFC 6265bis §8.5).
#[derive(Default)]
struct OneJar(Browser);

impl OneJar {
    async fn go(&mut self, site: &Site, url: &str) -> Seen {
        let jar = std::mem::take(&mut self.0.jar);
        self.0.jar = jar.into_iter().map(|((_, name), value)| ((site.url.clone(), name), value)).collect();
        self.0.go(url).await
    }

    async fn home(&mut self, site: &Site) -> String {
        self.go(site, &format!("{}/", site.url)).await.body
    }

    async fn start(&mut self, site: &Site) -> String {
        self.go(site, &format!("{}/api/auth/login", site.url)).await.location.unwrap()
    }
}

async fn neighbours(change: impl Fn(LoginBuilder) -> LoginBuilder) -> [Site; 2] {
    let kinde = Arc::new(Environment::start().await);
    [Site::start_in(Arc::clone(&kinde), &change).await, Site::start_in(kinde, &change).await]
}

/// covers: G3 G5
#[tokio::test]
async fn two_applications_of_one_host_leave_each_others_sessions_alone() {
    // The second has another secret, so that it could not even open its neighbour's session.
    let kinde = Arc::new(Environment::start().await);
    let other = "another secret of the stories, 32 bytes or more";
    let first = Site::start_in(Arc::clone(&kinde), |builder| builder).await;
    let second =
        Site::start_in(Arc::clone(&kinde), |builder| builder.with_secrets([Secret::new(other)])).await;
    let (alice, bob) = (kinde.person("alice"), kinde.person("bob"));
    let mut browser = OneJar::default();
    let [at_first, at_second] = [browser.start(&first).await, browser.start(&second).await];
    for (site, started, person) in [(&second, &at_second, &bob), (&first, &at_first, &alice)] {
        let callback = kinde.sign_in(started, person).unwrap();
        assert_eq!(browser.go(site, &callback).await.status, 303, "flows are left alone, too");
    }
    for _ in 0..3 {
        assert_eq!(browser.home(&first).await, alice.id());
        assert_eq!(browser.home(&second).await, bob.id());
    }
    browser.go(&first, &format!("{}/api/auth/logout", first.url)).await;
    assert_eq!(browser.home(&first).await, "nobody");
    assert_eq!(browser.home(&second).await, bob.id(), "signing out is of one application");
}

/// covers: G3
#[tokio::test]
async fn long_session_of_a_neighbour_keeps_all_its_parts() {
    let [first, second] = neighbours(|builder| builder.with_cookie_budget_bytes(20_000)).await;
    let alice = (0..250).fold(first.kinde.person("alice").in_org("acme"), |person, number| {
        person.with(format!("permission:number:{number}"))
    });
    let (alice, bob) = (alice.remember(), first.kinde.person("bob"));
    let mut browser = OneJar::default();
    for (site, person) in [(&first, &alice), (&second, &bob)] {
        let started = browser.start(site).await;
        browser.go(site, &site.kinde.sign_in(&started, person).unwrap()).await;
    }
    let parts = browser.0.jar.keys().filter(|(_, name)| name.ends_with(".1") || name.ends_with(".2")).count();
    assert_eq!(parts, 2, "there are parts");
    browser.go(&second, &format!("{}/api/auth/logout", second.url)).await;
    assert_eq!(browser.home(&first).await, alice.id());
}

/// covers: G3
#[tokio::test]
async fn instances_of_one_application_share_their_cookies() {
    let kinde = Arc::new(Environment::start().await);
    let site = Site::start_in(Arc::clone(&kinde), |builder| builder).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let other = Site::start_at(Arc::clone(&kinde), site.url.clone(), listener, &[], |builder| builder);
    assert_eq!(other.login.session_cookie_name(), site.login.session_cookie_name());
    let alice = kinde.person("alice");
    let mut browser = OneJar(site.signed_in(&alice).await);
    let there = Site { url: format!("http://{at}"), ..other };
    assert_eq!(browser.home(&there).await, alice.id());
}
