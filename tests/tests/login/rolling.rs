//! A deployment rolls: instances of two versions answer the same browser in turn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Method;
use kinde_core::ManualClock;
use kinde_emulator::Environment;
use kinde_login::{Lives, MemoryStore, SessionId, SessionStore, StoreFuture, Stored};
use kinde_tests::site::{Browser, SCRIPT, Site, clock_of};

/// What the next version's format looks like from here: sealed, and of a version that this one cannot read.
fn of_version(cookie: &str, version: u8) -> String {
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(cookie).unwrap();
    bytes[0] = version;
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn session_of<'a>(browser: &'a mut Browser, site: &Site) -> &'a mut String {
    browser.jar.get_mut(&(site.url.clone(), site.login.session_cookie_name().to_owned())).unwrap()
}

#[tokio::test]
async fn cookie_of_the_next_version_is_nobody_here_and_stays_in_the_browser() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = site.signed_in(&alice).await;
    let written_now = session_of(&mut browser, &site).clone();
    assert_eq!(
        BASE64_URL_SAFE_NO_PAD.decode(&written_now).unwrap()[0],
        1,
        "the version that this test is about"
    );
    for (version, is_kept) in [(2_u8, true), (3, false), (0, false)] {
        let mut browser = browser.clone();
        *session_of(&mut browser, &site) = of_version(&written_now, version);
        let seen = browser.go(&format!("{}/", site.url)).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, "nobody"), "version {version}");
        assert_eq!(!browser.cookies(&site.url).is_empty(), is_kept, "version {version}");
        assert_eq!(browser.go(&format!("{}/dashboard", site.url)).await.status, 303, "version {version}");
        browser.sign_in(&site, &alice).await;
        assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id(), "version {version}");
    }
    assert_eq!(
        browser.go(&format!("{}/", site.url)).await.body,
        alice.id(),
        "meanwhile nobody was signed out"
    );
    let mut leaving = browser.clone();
    *session_of(&mut leaving, &site) = of_version(&written_now, 2);
    assert_eq!(leaving.go(&format!("{}/api/auth/logout", site.url)).await.status, 303);
    assert!(leaving.cookies(&site.url).is_empty(), "signing out removes it, readable or not");
}

/// Two instances of one version with the secret being replaced: each reads what the other writes.
#[tokio::test]
async fn secret_is_replaced_while_a_deployment_rolls_and_nobody_is_signed_out() {
    let (old, new) = ("an old secret of 32 bytes or more", "a new secret of 32 bytes or more!");
    let secrets =
        |all: &[&str]| all.iter().map(|secret| kinde_core::Secret::new(*secret)).collect::<Vec<_>>();
    // First every instance learns to open with the new secret, then every instance seals with it.
    let steps = [vec![old], vec![old, new], vec![new, old]];
    for has_store in [false, true] {
        let store = MemoryStore::new(100);
        let kinde = std::sync::Arc::new(kinde_emulator::Environment::start().await);
        let mut sites = Vec::new();
        for step in &steps {
            let (sealing, store) = (secrets(step), store.clone());
            let change = |builder: kinde_login::LoginBuilder| {
                let builder = builder.with_secrets(sealing);
                if has_store { builder.with_store(store) } else { builder }
            };
            sites.push(Site::start_in(std::sync::Arc::clone(&kinde), change).await);
        }
        let alice = kinde.person("alice");
        for (writes, reads) in [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2)] {
            let mut moved = sites[writes].signed_in(&alice).await;
            moved.moves(&sites[writes], &sites[reads]);
            let seen = moved.go(&format!("{}/", sites[reads].url)).await;
            assert_eq!(
                seen.body,
                alice.id(),
                "written by step {writes}, read by step {reads}, store {has_store}"
            );
        }
    }
}

/// A store whose records are a later version's from some load on: that version wrote them in between.
#[derive(Clone, Debug)]
struct Rolled {
    store: MemoryStore,
    /// How many more loads and replacements find what this version wrote.
    readable: Arc<AtomicUsize>,
}

impl Rolled {
    fn after(readable: usize) -> Self {
        Self { store: MemoryStore::new(10), readable: Arc::new(AtomicUsize::new(readable)) }
    }

    fn readable_for(&self, loads: usize) {
        self.readable.store(loads, Ordering::SeqCst);
    }

    fn is_readable(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.readable.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }

    fn holds(&self, sessions: usize) -> bool {
        format!("{:?}", self.store) == format!("MemoryStore({sessions} of 10 sessions)")
    }
}

impl SessionStore for Rolled {
    fn create<'a>(&'a self, id: SessionId, data: &'a [u8], lives: Lives) -> StoreFuture<'a, ()> {
        self.store.create(id, data, lives)
    }

    fn load(&self, id: SessionId, idle: Duration) -> StoreFuture<'_, Option<Stored>> {
        Box::pin(async move {
            let loaded = self.store.load(id, idle).await?;
            let is_readable = self.is_readable();
            Ok(loaded.map(|mut stored| {
                if !is_readable {
                    let text = String::from_utf8(stored.data).unwrap();
                    stored.data = of_version(&text, 2).into_bytes();
                }
                stored
            }))
        })
    }

    fn replace_if_version<'a>(
        &'a self,
        id: SessionId,
        version: u64,
        data: &'a [u8],
        idle: Duration,
    ) -> StoreFuture<'a, bool> {
        // A record that was written in between has another version.
        Box::pin(async move {
            Ok(self.is_readable() && self.store.replace_if_version(id, version, data, idle).await?)
        })
    }

    fn delete(&self, id: SessionId) -> StoreFuture<'_, ()> {
        self.store.delete(id)
    }
}

async fn rolled(store: &Rolled) -> (Site, ManualClock) {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let store = store.clone();
    let site = Site::start_in(kinde, |builder| builder.with_store(store).with_clock(clock.clone())).await;
    (site, clock)
}

/// covers: G6
#[tokio::test]
async fn signing_out_deletes_the_record_that_a_later_version_wrote() {
    for route in ["logout", "end_session"] {
        let store = Rolled::after(0);
        let (site, _clock) = rolled(&store).await;
        let mut browser = site.signed_in(&site.kinde.person("alice")).await;
        assert_eq!(browser.go(&format!("{}/", site.url)).await.body, "nobody", "{route}");
        assert!(store.holds(1) && !browser.jar.is_empty(), "{route}: reading it ends nothing");
        browser.go(&format!("{}/api/auth/{route}", site.url)).await;
        assert!(store.holds(0), "{route}: {store:?}");
        assert!(browser.jar.is_empty(), "{route}");
    }
}

/// covers: G2
#[tokio::test]
async fn signing_in_deletes_the_record_that_a_later_version_wrote_for_this_browser() {
    let store = Rolled::after(0);
    let (site, _clock) = rolled(&store).await;
    let alice = site.kinde.person("alice");
    let mut browser = site.signed_in(&alice).await;
    browser.sign_in(&site, &alice).await;
    assert!(store.holds(1), "the new one alone: {store:?}");
}

/// covers: F16
#[tokio::test]
async fn session_that_a_later_version_took_over_during_a_refresh_is_nobody_here_and_stays() {
    // A request loads the session, which is due, loads it again, claims it, asks Kinde, and writes the new tokens.
    for (name, readable, asked) in
        [("before the second look", 1, 0), ("before the claim", 2, 0), ("while Kinde is asked", 3, 1)]
    {
        for path in ["/", "/api/auth/me"] {
            let store = Rolled::after(usize::MAX);
            let (site, clock) = rolled(&store).await;
            let alice = site.kinde.person("alice");
            let mut browser = site.signed_in(&alice).await;
            site.kinde.reset_requests();
            let day = Duration::from_secs(86_400);
            clock.advance(day);
            site.kinde.set_time(site.kinde.now() + day.as_secs());
            store.readable_for(readable);
            let before = browser.jar.clone();
            let seen = browser.go(&format!("{}{path}", site.url)).await;
            let expected = if path == "/" { 200 } else { 401 };
            assert_eq!((seen.status, seen.body.contains(alice.id())), (expected, false), "{name}: {seen:?}");
            assert!(store.holds(1) && browser.jar == before, "{name}, {path}: {store:?}");
            assert_eq!(site.kinde.requests("/oauth2/token"), asked, "{name}");
            assert_eq!(site.kinde.requests("/oauth2/revoke"), 0, "{name}");
            store.readable_for(usize::MAX);
            assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id(), "{name}: it went on");
        }
    }
}

/// covers: G5
#[tokio::test]
async fn me_and_setup_leave_the_cookie_of_a_later_version_where_it_is() {
    let store = Rolled::after(0);
    let (with_store, _clock) = rolled(&store).await;
    for (name, site) in [("cookie", Site::start().await), ("store", with_store)] {
        let mut browser = site.signed_in(&site.kinde.person("alice")).await;
        if name == "cookie" {
            let cookie = session_of(&mut browser, &site);
            *cookie = of_version(cookie, 2);
        }
        let before = browser.jar.clone();
        for route in ["me", "setup"] {
            let url = format!("{}/api/auth/{route}", site.url);
            let seen = browser.ask(Method::GET, &url, &SCRIPT).await;
            assert_eq!(seen.status, 401, "{name}, {route}: {seen:?}");
            assert_eq!(seen.headers.get("set-cookie"), None, "{name}, {route}");
            assert!(browser.jar == before, "{name}, {route}");
        }
    }
}
