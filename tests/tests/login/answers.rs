//! What the routes answer when all is well, and what every answer of theirs has.

use std::sync::Arc;

use http::Method;
use kinde_emulator::Environment;
use kinde_login::MemoryStore;
use kinde_tests::site::{Browser, NAVIGATION, SCRIPT, Site};

use crate::capture::Capture;

/// covers: G6
#[tokio::test]
async fn session_is_ended_without_leaving_the_page() {
    let site = Site::start().await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    let mut thief = browser.clone();
    let end = format!("{}/api/auth/end_session", site.url);
    let seen = browser.ask(Method::POST, &end, &SCRIPT).await;
    assert_eq!((seen.status, seen.body.as_str()), (200, r#"{"success":true}"#));
    assert!(browser.jar.is_empty(), "{:?}", browser.jar.keys());
    assert_eq!(site.kinde.requests("/oauth2/revoke"), 1);
    assert_eq!(thief.go(&format!("{}/", site.url)).await.body, "nobody");
    assert_eq!(browser.ask(Method::POST, &end, &SCRIPT).await.status, 200, "and once more");
    assert_eq!(site.kinde.requests("/oauth2/revoke"), 1);
}

#[tokio::test]
async fn portal_leads_to_the_page_that_was_asked_for_and_back_to_the_site() {
    let site = Site::start().await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    let portal = format!("{}/api/auth/portal", site.url);
    for query in ["", "?sub_nav=plan_details&return_url=%2Fdashboard", "?subNav=profile&returnUrl=%2F"] {
        let seen = browser.go(&format!("{portal}{query}")).await;
        assert_eq!(seen.status, 303, "{query}: {seen:?}");
        let link = seen.location.unwrap();
        assert!(
            link.starts_with(&format!("{}/portal_redirect?key=", site.kinde.issuer())),
            "{query}: {link}"
        );
        let page = Browser::default().go(&link).await;
        let back = if query.contains("dashboard") { "/dashboard" } else { "/" };
        assert_eq!(page.status, 200, "{query}: {page:?}");
        assert!(page.body.contains(&format!("href=\"{}{back}\"", site.url)), "{query}: {}", page.body);
    }
    assert_eq!(browser.go(&format!("{portal}?sub_nav=Bad-Name")).await.status, 400);
}

#[tokio::test]
async fn portal_is_found_again_after_signing_in_with_all_that_was_asked() {
    let site = Site::start().await;
    let mut browser = Browser::default();
    let asked = "/api/auth/portal?return_url=%2Fdashboard%3Fa%3Db&sub_nav=plan_details";
    let started = browser.go(&format!("{}{asked}", site.url)).await;
    let callback = site.kinde.sign_in(&started.location.unwrap(), &site.kinde.person("alice")).unwrap();
    let back = browser.go(&callback).await;
    assert_eq!(back.location.as_deref(), Some(asked));
    let link = browser.go(&format!("{}{asked}", site.url)).await.location.unwrap();
    assert!(link.starts_with(&format!("{}/portal_redirect?key=", site.kinde.issuer())), "{link}");
}

#[tokio::test]
async fn raised_cookie_budget_has_room_for_a_long_way_back_beside_a_large_session() {
    let site = Site::start_with(|login| login.with_cookie_budget_bytes(12_000)).await;
    let large = (0..150).fold(site.kinde.person("alice").in_org("acme"), |person, number| {
        person.with(format!("permission:number:{number}"))
    });
    let alice = large.remember();
    let target = format!("/{}", "a".repeat(600));
    let mut browser = Browser::default();
    let started = browser.go(&format!("{}/api/auth/login?post_login_redirect_url={target}", site.url)).await;
    let back = browser.go(&site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap()).await;
    let cookies: usize = back.headers.get_all("set-cookie").iter().map(http::HeaderValue::len).sum();
    assert!(cookies > 3_750, "{cookies}");
    assert_eq!(back.location, Some(target));
}

/// covers: G3
#[tokio::test]
async fn session_that_just_fits_its_budget_begins_and_one_byte_less_of_room_is_named() {
    let kinde = Arc::new(Environment::start().await);
    let alice = kinde.person("alice").in_org("acme").with("create:todos").remember();
    let with_budget =
        async |bytes| Site::start_in(Arc::clone(&kinde), |login| login.with_cookie_budget_bytes(bytes)).await;
    let wide = with_budget(3_500).await;
    let browser = wide.signed_in(&alice).await;
    let sealed = browser.jar[&(wide.url.clone(), wide.login.session_cookie_name().to_owned())].len();
    let fits = with_budget(sealed).await;
    let mut browser = fits.signed_in(&alice).await;
    assert_eq!(browser.go(&format!("{}/", fits.url)).await.body, alice.id());

    let (capture, _listening) = Capture::begin();
    let tight = with_budget(sealed - 1).await;
    let mut browser = Browser::default();
    let started = browser.go(&format!("{}/api/auth/login", tight.url)).await.location.unwrap();
    let seen = browser.go(&kinde.sign_in(&started, &alice).unwrap()).await;
    assert_eq!(seen.status, 500, "{seen:?}");
    assert!(seen.body.contains("session_too_large"), "{}", seen.body);
    assert!(browser.cookies(&tight.url).is_empty());
    let told = capture.records().into_iter().find(|told| told.text.contains("session_too_large")).unwrap();
    for part in ["ERROR", &sealed.to_string(), &(sealed - 1).to_string(), "access token", "with_store"] {
        assert!(told.text.contains(part), "{part}: {}", told.text);
    }
}

/// covers: G2
#[tokio::test]
async fn switching_and_creating_an_organization_begins_a_session_of_its_own_and_ends_the_one_before() {
    for has_store in [false, true] {
        let site = Site::start_with(|login| match has_store {
            true => login.with_store(MemoryStore::new(100)),
            false => login,
        })
        .await;
        let alice = site.kinde.person("alice").in_org("acme").remember();
        let acme = site.kinde.org("acme").code().to_owned();
        let home = format!("{}/", site.url);
        let mut browser = site.signed_in(&alice).await;
        for route in [format!("switch_org?org_code={acme}"), "create_org?org_name=New".to_owned()] {
            let mut before = browser.clone();
            let started = browser.go(&format!("{}/api/auth/{route}", site.url)).await;
            let back = browser.go(&site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap()).await;
            assert_eq!(back.status, 303, "{route}: {back:?}");
            let key = (site.url.clone(), site.login.session_cookie_name().to_owned());
            assert_ne!(browser.jar[&key], before.jar[&key], "{route}, store {has_store}: a new id");
            assert_eq!(browser.go(&home).await.body, alice.id(), "{route}, store {has_store}");
            assert_eq!(
                before.go(&home).await.body,
                "nobody",
                "{route}, store {has_store}: the old one is dead"
            );
        }
    }
}

/// covers: G4 F15
#[tokio::test]
async fn every_answer_of_the_routes_is_kept_by_nobody_and_tells_no_address() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let signed_in = site.signed_in(&alice).await;
    let mut finishing = Browser::default();
    let started = finishing.go(&format!("{}/api/auth/login", site.url)).await;
    let callback = site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap();
    let mut answers = vec![("callback".to_owned(), finishing.go(&callback).await)];
    for route in [
        "login",
        "register",
        "logout",
        "kinde_callback",
        "kinde_callback?code=a&state=b",
        "create_org",
        "me",
        "setup",
        "end_session",
        "portal",
        "switch_org",
        "switch_org?org_code=org_1",
        "health",
        "nothing",
        "login?post_login_redirect_url=%2F%2Fevil.example",
    ] {
        let url = format!("{}/api/auth/{route}", site.url);
        for (who, browser) in [("nobody", Browser::default()), ("alice", signed_in.clone())] {
            for (how, method, headers) in [
                ("goes", Method::GET, &NAVIGATION),
                ("posts", Method::POST, &NAVIGATION),
                ("fetches", Method::GET, &SCRIPT),
                ("looks", Method::HEAD, &NAVIGATION),
                ("deletes", Method::DELETE, &NAVIGATION),
            ] {
                let seen = browser.clone().ask(method, &url, headers).await;
                answers.push((format!("{who} {how} {route}"), seen));
            }
        }
    }
    for (name, seen) in answers {
        assert_eq!(seen.headers["vary"], "Cookie", "{name}");
        assert_eq!(seen.headers["referrer-policy"], "no-referrer", "{name}");
        assert_eq!(seen.headers["cache-control"], "private, no-store", "{name}");
        assert_eq!(seen.headers["x-frame-options"], "DENY", "{name}");
        assert!(seen.body.is_empty() || seen.headers["x-content-type-options"] == "nosniff", "{name}");
        let location = seen.location.unwrap_or_default();
        assert!(location.split(['?', '&']).all(|part| !part.starts_with("code=")), "{name}: {location}");
        assert!(!location.contains("eyJ"), "{name}: {location}");
    }
}
