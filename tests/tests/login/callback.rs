//! Authorization responses that are not what they should be.

use kinde_emulator::Fault;
use kinde_tests::site::{Browser, Site};

/// covers: F2 F3
#[tokio::test]
async fn response_belongs_to_one_browser_and_works_once() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = Browser::default();
    let started = browser.go(&format!("{}/api/auth/login", site.url)).await;
    let callback = site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap();

    let stranger = Browser::default().go(&callback).await;
    assert_eq!(stranger.status, 400);
    assert!(stranger.body.contains("flow_unknown"));
    assert_eq!(site.kinde.requests("/oauth2/token"), 0, "the code is not used up");

    let mut copied = browser.clone();
    assert_eq!(browser.go(&callback).await.status, 303);
    let again = browser.go(&callback).await;
    assert_eq!((again.status, again.location.as_deref()), (303, Some("/")), "a live session goes home");
    let replayed = copied.go(&callback).await;
    assert_eq!(replayed.status, 502, "Kinde refuses the code a second time");
    assert!(!copied.cookies(&site.url).contains(&site.login.session_cookie_name()));
}

/// covers: F5
#[tokio::test]
async fn six_tabs_finish_in_any_order() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = Browser::default();
    let mut callbacks = Vec::new();
    for _ in 0..6 {
        let started = browser.go(&format!("{}/api/auth/login", site.url)).await;
        callbacks.push(site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap());
    }
    for place in [3, 0, 5, 1, 4, 2] {
        let seen = browser.go(&callbacks[place]).await;
        assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/")), "tab {place}");
    }
    assert_eq!(browser.cookies(&site.url), [site.login.session_cookie_name()]);
}

/// covers: F10
#[tokio::test]
async fn error_of_the_provider_is_told_and_never_rendered() {
    let site = Site::start().await;
    let mut browser = Browser::default();
    let started = browser.go(&format!("{}/api/auth/login", site.url)).await.location.unwrap();
    let state = started.split(['?', '&']).find_map(|part| part.strip_prefix("state=")).unwrap();
    let callback = format!("{}/api/auth/kinde_callback?state={state}&error=", site.url);
    let seen = browser
        .go(&format!("{callback}access_denied&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E"))
        .await;
    assert_eq!(seen.status, 403);
    assert!(!seen.body.contains("<script"));
    assert!(browser.cookies(&site.url).iter().all(|name| !name.contains("flow")));
}

/// covers: F11
#[tokio::test]
async fn fault_of_the_token_endpoint_begins_no_session() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    for (name, fault, status) in [
        ("500", Fault::Status(500), 502),
        (
            "html",
            Fault::Body { status: 200, content_type: "text/html".to_owned(), bytes: b"<p>".to_vec() },
            502,
        ),
        ("redirect", Fault::Redirect("http://127.0.0.1:1/".to_owned()), 502),
        ("reset", Fault::Reset, 503),
        ("truncated", Fault::TruncatedBody, 503),
        ("endless", Fault::EndlessBody, 503),
    ] {
        let mut browser = Browser::default();
        let started = browser.go(&format!("{}/api/auth/login", site.url)).await;
        let callback = site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap();
        site.kinde.reset_requests();
        site.kinde.fault("/oauth2/token", fault);
        let seen = browser.go(&callback).await;
        site.kinde.clear_faults();
        assert_eq!(seen.status, status, "{name}");
        assert_eq!(site.kinde.requests("/oauth2/token"), 1, "{name}: one exchange for each code");
        assert!(!browser.cookies(&site.url).contains(&site.login.session_cookie_name()), "{name}");
    }
}

#[tokio::test]
async fn other_organization_than_asked_for_begins_no_session() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice").in_org("acme").remember();
    let globex = site.kinde.org("globex").code().to_owned();
    let mut browser = Browser::default();
    let started =
        browser.go(&format!("{}/api/auth/login?org_code={globex}", site.url)).await.location.unwrap();
    // Somebody takes the organization out of the request on its way.
    let changed = started.replace(&format!("org_code={globex}"), "x=y");
    let seen = browser.go(&site.kinde.sign_in(&changed, &alice).unwrap()).await;
    assert_eq!(seen.status, 403);
    assert!(seen.body.contains("org_mismatch"), "{}", seen.body);
    assert!(!browser.cookies(&site.url).contains(&site.login.session_cookie_name()));
}

#[tokio::test]
async fn silent_switch_that_needs_a_page_is_tried_once_more_with_one() {
    let site = Site::start().await;
    let acme = site.kinde.org("acme").code().to_owned();
    let mut browser = Browser::default();
    let started =
        browser.go(&format!("{}/api/auth/switch_org?org_code={acme}", site.url)).await.location.unwrap();
    assert!(started.contains("prompt=none"));
    let refused = browser.go(&started).await.location.unwrap();
    assert!(refused.contains("error=login_required"), "{refused}");
    let again = browser.go(&refused).await.location.unwrap();
    assert!(!again.contains("prompt=none") && again.contains(&format!("org_code={acme}")), "{again}");
}

#[tokio::test]
async fn browser_that_is_sent_to_sign_in_over_and_over_is_stopped() {
    let site = Site::start().await;
    let mut browser = Browser::default();
    let login = format!("{}/api/auth/login", site.url);
    for start in 0..20 {
        assert_eq!(browser.go(&login).await.status, 303, "{start}");
    }
    let stopped = browser.go(&login).await;
    assert_eq!(stopped.status, 400);
    assert!(stopped.body.contains("too_many_starts"));
}
