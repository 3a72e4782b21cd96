//! Several instances answer one browser, and one of them knows less than the other.

use std::{sync::Arc, time::Duration};

use kinde_core::ManualClock;
use kinde_emulator::Environment;
use kinde_login::{Lives, LoginBuilder, MemoryStore, SessionId, SessionStore, StoreFuture, Stored};
use kinde_tests::site::{Browser, Site};
use tokio::net::TcpListener;

/// Starts another instance of a site, which browsers know under the same address; gives where it listens.
async fn instance(of: &Site, change: impl FnOnce(LoginBuilder) -> LoginBuilder) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(Site::start_at(Arc::clone(&of.kinde), of.url.clone(), listener, &[], change));
    address
}

/// Sends a browser with its cookies to another instance.
fn sent_to(instance: &str, from: &Browser) -> Browser {
    let cookies =
        from.jar.iter().map(|((_, name), value)| ((instance.to_owned(), name.clone()), value.clone()));
    Browser { jar: cookies.collect(), client: from.client.clone() }
}

/// covers: G10
#[tokio::test]
async fn session_whose_key_this_instance_has_not_fetched_yet_is_nobody_and_lives_on() {
    let store = MemoryStore::new(100);
    let kinde = Arc::new(Environment::start().await);
    let first = Site::start_in(kinde, |builder| builder.with_store(store.clone())).await;
    let alice = first.kinde.person("alice");
    let second = instance(&first, |builder| builder.with_store(store.clone())).await;
    // The second instance learns one new key, and then asks for no others for a while.
    let mut third = String::new();
    let mut browser = Browser::default();
    for is_known in [true, true, false] {
        first.kinde.replace_keys();
        third = instance(&first, |builder| builder.with_store(store.clone())).await;
        browser = Browser::default();
        let started = browser.go(&format!("{third}/api/auth/login")).await;
        let callback = first.kinde.sign_in(&started.location.unwrap(), &alice).unwrap();
        assert_eq!(browser.go(&callback.replace(&first.url, &third)).await.status, 303);
        if is_known {
            assert_eq!(sent_to(&second, &browser).go(&format!("{second}/")).await.body, alice.id());
        }
    }
    let mut elsewhere = sent_to(&second, &browser);
    for path in ["/", "/api/auth/me"] {
        let seen = elsewhere.go(&format!("{second}{path}")).await;
        assert!(!seen.body.contains(alice.id()), "the key is not known here: {}", seen.body);
        assert!(!seen.headers.contains_key("set-cookie"), "{path}: and nobody is signed out");
    }
    assert_eq!(sent_to(&third, &browser).go(&format!("{third}/")).await.body, alice.id());
}

/// covers: G10
#[tokio::test]
async fn session_is_not_ended_by_an_instance_whose_clock_is_behind() {
    let store = MemoryStore::new(100);
    let kinde = Arc::new(Environment::start().await);
    let first = Site::start_in(kinde, |builder| builder.with_store(store.clone())).await;
    let behind = ManualClock::at_unix_seconds(first.kinde.now() - 300);
    let second = instance(&first, |builder| builder.with_store(store.clone()).with_clock(behind)).await;
    let alice = first.kinde.person("alice");
    let browser = first.signed_in(&alice).await;
    let seen = sent_to(&second, &browser).go(&format!("{second}/api/auth/me")).await;
    assert_eq!((seen.status, seen.headers.contains_key("set-cookie")), (401, false), "{seen:?}");
    assert_eq!(browser.clone().go(&format!("{}/", first.url)).await.body, alice.id());
}

#[tokio::test]
async fn deployment_that_moves_sessions_into_a_store_removes_no_cookie_of_the_other_kind() {
    let sealed = Site::start().await;
    let stored = instance(&sealed, |builder| builder.with_store(MemoryStore::new(100))).await;
    let alice = sealed.kinde.person("alice");
    let in_cookie = sealed.signed_in(&alice).await;
    let mut in_store = Browser::default();
    let started = in_store.go(&format!("{stored}/api/auth/login")).await;
    let callback = sealed.kinde.sign_in(&started.location.unwrap(), &alice).unwrap();
    assert_eq!(in_store.go(&callback.replace(&sealed.url, &stored)).await.status, 303);
    assert_eq!(in_store.go(&format!("{stored}/")).await.body, alice.id());
    for (browser, other) in [(&in_cookie, &stored), (&in_store, &sealed.url)] {
        let seen = sent_to(other, browser).go(&format!("{other}/")).await;
        assert_eq!((seen.body.as_str(), seen.headers.contains_key("set-cookie")), ("nobody", false));
    }
}

/// A store that comes back after a crash without its latest deletions.
#[derive(Clone, Debug)]
struct Forgetful(MemoryStore);

impl SessionStore for Forgetful {
    fn create<'a>(&'a self, id: SessionId, data: &'a [u8], lives: Lives) -> StoreFuture<'a, ()> {
        self.0.create(id, data, lives)
    }

    fn load(&self, id: SessionId, idle: Duration) -> StoreFuture<'_, Option<Stored>> {
        self.0.load(id, idle)
    }

    fn replace_if_version<'a>(
        &'a self,
        id: SessionId,
        version: u64,
        data: &'a [u8],
        idle: Duration,
    ) -> StoreFuture<'a, bool> {
        self.0.replace_if_version(id, version, data, idle)
    }

    fn delete(&self, _: SessionId) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// covers: G7
#[tokio::test]
async fn store_that_forgets_a_deletion_brings_nobody_back_where_they_signed_out() {
    let site = Site::start_with(|builder| builder.with_store(Forgetful(MemoryStore::new(10)))).await;
    let alice = site.kinde.person("alice");
    let browser = site.signed_in(&alice).await;
    let mut leaving = browser.clone();
    assert_eq!(leaving.go(&format!("{}/api/auth/logout", site.url)).await.status, 303);
    let mut copy = browser;
    assert_eq!(copy.go(&format!("{}/", site.url)).await.body, "nobody");
}
