//! Behind nginx as Debian ships it: TLS, default buffers, a rewritten `Host`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::Method;
use kinde_core::ManualClock;
use kinde_emulator::{Environment, Person};
use kinde_login::{LoginBuilder, MemoryStore};
use kinde_tests::{
    servers::{Nginx, nginx},
    site::{Browser, NAVIGATION, Seen, Site, client, clock_of},
};
use tokio::net::TcpListener;

const NAME: &str = "app.example.test";
const DAY: Duration = Duration::from_secs(86_400);

struct Behind {
    nginx: Nginx,
    site: Site,
    clock: ManualClock,
}

async fn behind(change: impl FnOnce(LoginBuilder) -> LoginBuilder) -> Behind {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nginx = nginx(NAME, listener.local_addr().unwrap().port()).await;
    let url = format!("https://{NAME}:{}", nginx.port());
    let site = Site::start_at(kinde, url, listener, &[], |builder| change(builder).with_clock(clock.clone()));
    Behind { nginx, site, clock }
}

impl Behind {
    /// A browser that finds the name here and takes the certificate.
    fn browser(&self) -> Browser {
        let address = SocketAddr::from(([127, 0, 0, 1], self.nginx.port()));
        let client = client().resolve(NAME, address).danger_accept_invalid_certs(true).build().unwrap();
        Browser { client: Some(client), ..Browser::default() }
    }

    /// Somebody with so many permissions, named as people name them.
    fn person(&self, permissions: usize) -> Person {
        let person = self.site.kinde.person(&format!("of{permissions}")).in_org("acme");
        let verbs = ["read", "create", "update", "delete"];
        let named = (0..permissions).map(|number| format!("{}:resource{}", verbs[number % 4], number / 4));
        named.fold(person, |person, permission| person.with(permission)).remember()
    }

    async fn sign_in(&self, browser: &mut Browser, person: &Person, target: &str) -> Seen {
        let query =
            if target.is_empty() { String::new() } else { format!("?post_login_redirect_url={target}") };
        let started = browser.go(&format!("{}/api/auth/login{query}", self.site.url)).await;
        assert_eq!(started.status, 303, "{started:?}");
        browser.go(&self.site.kinde.sign_in(&started.location.unwrap(), person).unwrap()).await
    }
}

/// covers: F4 G3
#[tokio::test]
async fn person_with_40_permissions_signs_in_is_refreshed_and_signs_out() {
    let behind = behind(|builder| builder).await;
    let site = &behind.site;
    let alice = behind.person(40);
    let mut browser = behind.browser();
    let seen = behind.sign_in(&mut browser, &alice, "").await;
    assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/")), "{seen:?}");
    let name = site.login.session_cookie_name();
    assert!(name.starts_with("__Host-kinde_session_"), "{name}");
    assert_eq!(browser.cookies(&site.url), [name]);
    let value = browser.jar.values().next().unwrap().len();
    println!("40 permissions: a cookie of {value} bytes");
    let home = format!("{}/", site.url);
    assert_eq!(browser.go(&home).await.body, alice.id());
    behind.clock.advance(DAY);
    site.kinde.set_time(site.kinde.now() + DAY.as_secs());
    let refreshed = browser.go(&home).await;
    assert_eq!(refreshed.body, alice.id());
    assert!(refreshed.headers.contains_key("set-cookie"));
    let changed = browser.ask(Method::POST, &format!("{}/change", site.url), &NAVIGATION).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let old = [("origin", site.url.as_str()), ("accept", "text/html")];
    let changed = browser.ask(Method::POST, &format!("{}/change", site.url), &old).await;
    assert_eq!(
        changed.status, 200,
        "a browser without Fetch Metadata, whose origin is not the rewritten host"
    );
    let out = browser.ask(Method::POST, &format!("{}/api/auth/logout", site.url), &NAVIGATION).await;
    assert!(
        out.location.unwrap().contains(&format!("redirect=https%3A%2F%2F{NAME}%3A{}", behind.nginx.port()))
    );
    assert!(browser.cookies(&site.url).is_empty());
}

/// covers: G3
#[tokio::test]
async fn largest_session_of_the_default_budget_passes_and_the_next_one_names_the_store() {
    let behind = behind(|builder| builder).await;
    let mut largest = None;
    // Of a browser with a long way back and a count of starts, and in every tenth round five other sign-ins under way.
    let target = format!("%2F{}", "a".repeat(1_000));
    for permissions in (40..200).step_by(1) {
        let mut browser = behind.browser();
        for _ in 0..if permissions % 10 == 0 { 5 } else { 0 } {
            browser.go(&format!("{}/api/auth/login", behind.site.url)).await;
        }
        let person = behind.person(permissions);
        let seen = behind.sign_in(&mut browser, &person, &target).await;
        if seen.status == 303 {
            let head: usize =
                seen.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
            let cookie = browser.jar.values().map(String::len).max().unwrap();
            largest = Some((permissions, cookie, head));
            let home = browser.go(&format!("{}/", behind.site.url)).await;
            assert_eq!(home.body, person.id(), "{permissions} permissions");
            continue;
        }
        assert_eq!(seen.status, 500, "{permissions} permissions after {largest:?}: {seen:?}");
        assert!(seen.body.contains("session_too_large"), "{permissions} permissions: {}", seen.body);
        assert!(browser.cookies(&behind.site.url).iter().all(|name| !name.contains("session")));
        break;
    }
    let (permissions, cookie, head) = largest.expect("40 permissions fit");
    println!("default budget: {permissions} permissions, a cookie of {cookie} bytes, a head of {head} bytes");
    assert!((40..199).contains(&permissions), "both sides were seen");
    assert!(cookie > 3_400, "the limit was met, not something before it");
}

/// Finishes sign-ins of tabs that knew nothing of each other when they started; gives how many flows answers removed
/// beside their own.
async fn finish_tabs_that_started_at_once(behind: &Behind, tabs: usize, person: &Person) -> usize {
    let (site, mut browser, mut callbacks) = (&behind.site, behind.browser(), Vec::new());
    for tab in 0..tabs {
        let mut alone = behind.browser();
        let login = format!("{}/api/auth/login?post_login_redirect_url=%2Fprojects%2F{tab}", site.url);
        let started = alone.ask(Method::GET, &login, &CHROMIUM).await.location.unwrap();
        callbacks.push(site.kinde.sign_in(&started, person).unwrap());
        browser.jar.append(&mut alone.jar);
    }
    let flows = |browser: &Browser| browser.jar.keys().filter(|(_, name)| name.contains("flow")).count();
    assert_eq!(flows(&browser), tabs);
    let (mut removed, mut longest) = (0, 0);
    for (tab, callback) in callbacks.iter().enumerate() {
        let before = flows(&browser);
        let seen = browser.ask(Method::GET, callback, &CHROMIUM).await;
        assert_eq!(seen.status, 303, "tab {tab} of {tabs}: {seen:?}");
        removed += before.saturating_sub(flows(&browser)).saturating_sub(1);
        longest = browser
            .jar
            .iter()
            .map(|((_, name), value)| name.len() + value.len() + 3)
            .sum::<usize>()
            .max(longest);
        let page = browser.ask(Method::GET, &format!("{}/", site.url), &CHROMIUM).await;
        assert_eq!((page.status, page.body.as_str()), (200, person.id()), "tab {tab} of {tabs}");
    }
    println!("{tabs} tabs: {removed} flows removed beside their own, a line of {longest} bytes at most");
    assert_eq!(flows(&browser), 0);
    removed
}

/// covers: F5 G3
#[tokio::test]
async fn tabs_that_start_at_once_finish_and_none_gets_a_502_even_beside_the_largest_session() {
    let behind = behind(|builder| builder).await;
    let mut most = None;
    for permissions in (60..100).rev() {
        let person = behind.person(permissions);
        if behind.sign_in(&mut behind.browser(), &person, "").await.status == 303 {
            most = Some(permissions);
            break;
        }
    }
    let most = most.expect("60 permissions fit");
    assert!(most < 99, "one more does not fit");
    for (name, tabs, permissions, removes) in [
        ("no room to remove a flow", 12, most, false),
        ("room to remove some", 12, most - 10, true),
        ("a usual session", 20, 40, true),
    ] {
        let removed = finish_tabs_that_started_at_once(&behind, tabs, &behind.person(permissions)).await;
        assert_eq!(removed > 0, removes, "{name}: {removed}");
    }
}

/// covers: G3
#[tokio::test]
async fn store_takes_the_session_that_no_cookie_holds() {
    let behind = behind(|builder| builder.with_store(MemoryStore::new(10))).await;
    let alice = behind.person(400);
    let mut browser = behind.browser();
    assert_eq!(behind.sign_in(&mut browser, &alice, "").await.status, 303);
    assert_eq!(browser.go(&format!("{}/", behind.site.url)).await.body, alice.id());
}

/// What Chromium sends beside its cookies.
const CHROMIUM: [(&str, &str); 14] = [
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "de-CH,de;q=0.9,en-US;q=0.8,en;q=0.7"),
    ("cache-control", "max-age=0"),
    ("priority", "u=0, i"),
    ("sec-ch-ua", r#""Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140""#),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", r#""Linux""#),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-user", "?1"),
    ("upgrade-insecure-requests", "1"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
];

/// covers: F5 G3
#[tokio::test]
async fn six_tabs_with_long_ways_back_beside_a_large_session_never_lock_the_browser_out() {
    let behind = behind(|builder| builder).await;
    let site = &behind.site;
    let person = behind.person(70);
    let mut browser = behind.browser();
    assert_eq!(behind.sign_in(&mut browser, &person, "").await.status, 303);
    // What the site and its measuring of visits keep.
    browser.jar.insert((site.url.clone(), "_ga".to_owned()), "x".repeat(900));
    let mut callbacks = Vec::new();
    for tab in 0..6 {
        let target = format!("%2F{tab}{}", "a".repeat(1_000));
        let login = format!("{}/api/auth/login?post_login_redirect_url={target}", site.url);
        let started = browser.ask(Method::GET, &login, &CHROMIUM).await;
        assert_eq!(started.status, 303, "tab {tab}: {started:?}");
        callbacks.push(site.kinde.sign_in(&started.location.unwrap(), &person).unwrap());
        let home = browser.ask(Method::GET, &format!("{}/", site.url), &CHROMIUM).await;
        assert_eq!((home.status, home.body.as_str()), (200, person.id()), "tab {tab}");
    }
    let line: usize = browser.jar.iter().map(|((_, name), value)| name.len() + value.len() + 3).sum();
    println!("six tabs with long ways back: a line of {line} bytes");
    assert!(line > 7_000, "the session was large, and so were the ways back: {line}");
    let back = browser.ask(Method::GET, callbacks.last().unwrap(), &CHROMIUM).await;
    assert_eq!(back.status, 303, "the newest is finished: {back:?}");
    let oldest = browser.ask(Method::GET, &callbacks[0], &CHROMIUM).await;
    assert_eq!((oldest.status, oldest.location.as_deref()), (303, Some("/")), "somebody who is in goes home");
}
