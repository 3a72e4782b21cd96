//! A browser that is sent to sign in over and over is stopped before it gives up itself, and told why.

use std::{sync::Arc, time::Duration};

use http::Method;
use kinde_emulator::{Environment, Person};
use kinde_login::{Login, MemoryStore};
use kinde_tests::site::{Browser, NAVIGATION, Site, app, clock_of, handle_of};
use tokio::net::TcpListener;

/// Why a session is refused as soon as it began.
#[derive(Clone, Copy, Debug)]
enum Cause {
    /// The application wants tokens for an API that sign-in does not ask for.
    Audience,
    IdleLifetime,
    /// Each of two instances has sessions of its own, and the proxy sends pages and routes to different ones.
    Stores,
}

async fn site_with(cause: Cause) -> Site {
    let kinde = Arc::new(Environment::start().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    kinde.allow_callback(format!("{url}/api/auth/kinde_callback"));
    let (mut handle, mut routes) = (handle_of(&kinde, &url, &[]), None);
    let mut builder = Login::builder(&handle);
    match cause {
        Cause::Audience => {
            handle = handle_of(&kinde, &url, &[("KINDE_AUDIENCE", "https://api.example.test")])
        }
        Cause::IdleLifetime => builder = builder.with_idle_lifetime(Duration::ZERO),
        Cause::Stores => {
            routes = Some(builder.clone().with_store(MemoryStore::new(10)).build().unwrap());
            builder = builder.with_store(MemoryStore::new(10));
        }
    }
    let login = builder.build().unwrap();
    let verifier = handle.verifier().build().unwrap();
    let app = match &routes {
        Some(routes) => kinde_tests::site::app_of(verifier, &login, routes),
        None => app(verifier, &login),
    };
    tokio::spawn(async move { axum::serve(listener, app).await });
    Site { kinde, url, login }
}

/// Follows redirects as a browser does; at Kinde the person is known and sees no page. Gives the hops, too.
async fn follow(site: &Site, browser: &mut Browser, person: &Person, path: &str) -> (u16, String, usize) {
    let mut url = format!("{}{path}", site.url);
    for hops in 0..20 {
        let seen = browser.go(&url).await;
        let Some(location) = seen.location else { return (seen.status, seen.body, hops) };
        url = match location.strip_prefix('/') {
            Some(path) => format!("{}/{path}", site.url),
            None if location.starts_with(site.kinde.issuer()) => {
                site.kinde.sign_in(&location, person).unwrap()
            }
            None => location,
        };
    }
    panic!("a browser gives up here")
}

#[tokio::test]
async fn session_that_is_refused_at_once_ends_in_a_page_that_says_so() {
    for cause in [Cause::Audience, Cause::IdleLifetime, Cause::Stores] {
        let site = site_with(cause).await;
        let (mut browser, alice) = (Browser::default(), site.kinde.person("alice"));
        let (status, page, hops) = follow(&site, &mut browser, &alice, "/dashboard").await;
        assert_eq!(status, 400, "{cause:?}: {page}");
        assert!(page.contains("too_many_starts") && page.contains("again and again"), "{cause:?}: {page}");
        // Kinde's hop is not counted here.
        assert!(hops + 3 <= 16, "{cause:?}: {hops}");
        assert_eq!(site.kinde.requests("/oauth2/token"), 3, "{cause:?}");
        let logout = browser.go(&format!("{}/api/auth/logout", site.url)).await;
        assert_eq!(logout.status, 303, "{cause:?}");
        assert!(browser.jar.is_empty(), "{cause:?}: and the count is forgotten");
    }
}

/// covers: F5
#[tokio::test]
async fn six_tabs_are_no_loop_whatever_their_order_and_two_rounds_of_them_neither() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = Browser::default();
    let login = format!("{}/api/auth/login", site.url);
    for order in [[3, 0, 5, 1, 4, 2], [0, 1, 2, 3, 4, 5]] {
        let mut callbacks = Vec::new();
        for _ in 0..6 {
            let started = browser.go(&login).await;
            callbacks.push(site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap());
        }
        for place in order {
            let seen = browser.go(&callbacks[place]).await;
            assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/")), "tab {place}");
        }
    }
}

#[tokio::test]
async fn switches_of_the_organization_are_no_rounds_and_20_starts_of_a_minute_all_the_same() {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let site = Site::start_in(kinde, |builder| builder.with_clock(clock.clone())).await;
    let alice = site.kinde.person("alice").in_org("acme").remember();
    let switch = format!("{}/api/auth/switch_org?org_code={}", site.url, site.kinde.org("acme").code());
    // Signing in was the first start.
    let mut browser = site.signed_in(&alice).await;
    for turn in 2..=20 {
        let started = browser.ask(Method::POST, &switch, &NAVIGATION).await;
        assert_eq!(started.status, 303, "{turn}");
        let seen = browser.go(&site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap()).await;
        assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/")), "{turn}: {seen:?}");
    }
    let stopped = browser.ask(Method::POST, &switch, &NAVIGATION).await;
    assert_eq!(stopped.status, 400);
    assert!(stopped.body.contains("too_many_starts"), "{}", stopped.body);
    assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id(), "the session stays");
    clock.advance(Duration::from_secs(60));
    assert_eq!(browser.ask(Method::POST, &switch, &NAVIGATION).await.status, 303, "a minute later");
}

#[tokio::test]
async fn fourth_round_of_signing_in_or_registering_is_stopped_and_creating_organizations_is_not() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    for (route, is_stopped) in [("login", true), ("register", true), ("create_org", false)] {
        let mut browser = Browser::default();
        let url = format!("{}/api/auth/{route}", site.url);
        for round in 1..=3 {
            let started = browser.ask(Method::POST, &url, &NAVIGATION).await.location.unwrap();
            let seen = browser.go(&site.kinde.sign_in(&started, &alice).unwrap()).await;
            assert_eq!(seen.status, 303, "{route}, round {round}: {seen:?}");
        }
        let fourth = browser.ask(Method::POST, &url, &NAVIGATION).await;
        assert_eq!(fourth.status, if is_stopped { 400 } else { 303 }, "{route}: {fourth:?}");
        assert_eq!(fourth.body.contains("too_many_starts"), is_stopped, "{route}: {}", fourth.body);
    }
}

#[tokio::test]
async fn signing_in_and_out_is_no_loop() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = Browser::default();
    for _ in 0..6 {
        browser.sign_in(&site, &alice).await;
        assert_eq!(browser.go(&format!("{}/api/auth/logout", site.url)).await.status, 303);
    }
}
