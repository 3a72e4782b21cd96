//! The application's settings change under a live cookie: nobody is locked out of home, login or logout.

use std::sync::Arc;

use http::Method;
use kinde_core::Secret;
use kinde_emulator::{Environment, Person};
use kinde_login::{LoginBuilder, MemoryStore};
use kinde_tests::site::{Browser, NAVIGATION, SCRIPT, Site, clock_of};
use tokio::net::TcpListener;

const AUDIENCE: &str = "https://api.example.test";
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// What is different after the restart of the application.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Audience,
    Issuer,
    CookieSecret,
    SigningKey,
    Application,
}

const CHANGES: [Change; 5] =
    [Change::Audience, Change::Issuer, Change::CookieSecret, Change::SigningKey, Change::Application];

/// A browser with a live cookie, at the site as it is after the change.
struct After {
    site: Site,
    alice: Person,
    browser: Browser,
}

async fn after(change: Change, store: Option<MemoryStore>, is_due: bool) -> After {
    let keep = |builder: LoginBuilder| match store.clone() {
        Some(store) => builder.with_store(store),
        None => builder,
    };
    let kinde = Arc::new(Environment::start().await);
    kinde.register_api(AUDIENCE, &[]);
    let clock = clock_of(&kinde);
    let before = Site::start_in(Arc::clone(&kinde), |builder| keep(builder).with_clock(clock.clone())).await;
    let alice = kinde.person("alice");
    let mut browser = before.signed_in(&alice).await;
    assert_eq!(browser.go(&format!("{}/", before.url)).await.body, alice.id());
    if is_due {
        clock.advance(DAY);
        kinde.set_time(kinde.now() + DAY.as_secs());
    }
    let (mut kinde, mut alice) = (kinde, alice);
    let mut more: Vec<(&str, &str)> = Vec::new();
    match change {
        Change::Audience => more.push(("KINDE_AUDIENCE", AUDIENCE)),
        Change::Issuer => {
            let now = kinde.now();
            kinde = Arc::new(Environment::start().await);
            kinde.set_time(now);
            alice = kinde.person("alice");
        }
        Change::SigningKey => drop(kinde.replace_keys()),
        Change::Application => more.push(("KINDE_CLIENT_ID", "0123456789abcdef0123456789abcdef")),
        Change::CookieSecret => {}
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let site = Site::start_at(kinde, url, listener, &more, |builder| {
        let builder = keep(builder).with_clock(clock);
        match change {
            Change::CookieSecret => builder.with_secrets([Secret::new("another secret of 32 bytes or more")]),
            _ => builder,
        }
    });
    if change == Change::Application {
        // Its cookies have another name, so that those of before are nobody's.
        let jar = std::mem::take(&mut browser.jar);
        browser.jar = jar.into_iter().map(|((_, name), value)| ((site.url.clone(), name), value)).collect();
    } else {
        browser.moves(&before, &site);
    }
    assert!(!browser.jar.is_empty());
    After { site, alice, browser }
}

/// covers: F14 F16 G5 G6
#[tokio::test]
async fn nobody_is_locked_out_by_a_change_of_the_settings() {
    for change in CHANGES {
        for has_store in [false, true] {
            // A refresh asks the same Kinde, so that a changed secret or key is over by itself.
            for is_due in [false, true] {
                let name = format!("{change:?}, store {has_store}, due {is_due}");
                let store = || has_store.then(|| MemoryStore::new(100));
                stays_usable(&name, change, after(change, store(), is_due).await).await;
            }
        }
    }
}

async fn stays_usable(name: &str, change: Change, After { site, alice, browser }: After) {
    let url = |path: &str| format!("{}{path}", site.url);
    for path in ["/", "/dashboard", "/api/auth/login", "/api/auth/register", "/api/auth/logout"] {
        let seen = browser.clone().go(&url(path)).await;
        let expected = if path == "/" { 200 } else { 303 };
        // With a new key the refresh brings a good token.
        let is_refreshed = matches!(change, Change::SigningKey) && name.ends_with("due true");
        let expected = if path == "/dashboard" && is_refreshed { 200 } else { expected };
        assert_eq!(seen.status, expected, "{name}: {path} {seen:?}");
        assert!(path != "/" || seen.body == "nobody" || is_refreshed, "{name}: {seen:?}");
    }
    let out = browser.clone().ask(Method::POST, &url("/api/auth/logout"), &NAVIGATION).await;
    assert_eq!(out.status, 303, "{name}");
    let mut left = browser.clone();
    left.go(&url("/api/auth/logout")).await;
    assert_eq!(left.go(&url("/")).await.body, "nobody", "{name}");
    if change == Change::Application {
        assert_eq!(left.jar, browser.jar, "{name}: what may be a neighbour's is left alone");
        return;
    }
    assert!(left.cookies(&site.url).is_empty(), "{name}: the cookie is gone");
    let script = browser.clone().ask(Method::GET, &url("/api/auth/me"), &SCRIPT).await.status;
    assert!(matches!(script, 200 | 401), "{name}: {script}");
    let mut again = browser;
    again.sign_in(&site, &alice).await;
    assert_eq!(again.go(&url("/dashboard")).await.body, alice.id(), "{name}: and back in");
}

/// A refused session ends for good, whichever route met it first.
///
/// covers: G6 G7
#[tokio::test]
async fn session_that_a_route_refuses_is_removed_here_in_the_store_and_in_the_browser() {
    for path in ["/", "/api/auth/me", "/api/auth/setup", "/api/auth/portal"] {
        let store = MemoryStore::new(10);
        let After { site, mut browser, .. } = after(Change::Audience, Some(store.clone()), false).await;
        assert_eq!(format!("{store:?}"), "MemoryStore(1 of 10 sessions)", "{path}");
        let seen = browser.go(&format!("{}{path}", site.url)).await;
        assert!(!seen.body.contains("kp_"), "{path}: {seen:?}");
        assert_eq!(format!("{store:?}"), "MemoryStore(0 of 10 sessions)", "{path}");
        // The portal leads to a new sign-in, which takes the cookie's place.
        let is_left = path == "/api/auth/portal";
        let session = site.login.session_cookie_name();
        assert_eq!(browser.cookies(&site.url).contains(&session), is_left, "{path}");
    }
    let site = Site::start().await;
    for (path, status) in [("/", 200), ("/me", 401), ("/api/auth/me", 401), ("/api/auth/setup", 401)] {
        let mut browser = Browser::default();
        browser
            .jar
            .insert((site.url.clone(), site.login.session_cookie_name().to_owned()), "junk".to_owned());
        assert_eq!(browser.go(&format!("{}{path}", site.url)).await.status, status, "{path}");
        assert!(browser.cookies(&site.url).is_empty(), "{path}: what is no session is removed");
    }
}
