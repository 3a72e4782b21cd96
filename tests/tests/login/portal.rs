//! Answers of Kinde's portal endpoint that are no link to the portal, and those that are late.

use std::{sync::Arc, time::Duration};

use http::Method;
use kinde_core::{Clock, SystemClock};
use kinde_emulator::{Environment, Fault};
use kinde_tests::site::{SCRIPT, Site};
use serde_json::{Value, json};

const PATH: &str = "/account_api/v1/portal_link";

fn link(url: &str) -> Fault {
    Fault::json(200, json!({ "url": url }).to_string())
}

/// covers: F12 F15
#[tokio::test]
async fn portal_link_that_is_none_of_kindes_is_followed_nowhere() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let browser = site.signed_in(&alice).await;
    let issuer = site.kinde.issuer().to_owned();
    let elsewhere = Environment::start().await;
    let html = Fault::Body { status: 200, content_type: "text/html".to_owned(), bytes: b"<p>".to_vec() };
    let malformed = "answer_malformed";
    for (name, fault, status, code) in [
        ("500", Fault::Status(500), 502, "answer_status"),
        ("401", Fault::Status(401), 502, "answer_status"),
        ("302", Fault::Redirect(format!("{}{PATH}", elsewhere.issuer())), 502, "answer_status"),
        ("201", Fault::json(201, json!({ "url": format!("{issuer}/a") }).to_string()), 502, "answer_status"),
        ("html", html, 502, malformed),
        ("no link", Fault::json(200, "{}"), 502, malformed),
        ("a link that is no text", Fault::json(200, r#"{"url":["https://a"]}"#), 502, malformed),
        ("nothing", link(""), 502, malformed),
        ("the issuer and no more", link(&issuer), 502, malformed),
        ("another origin", link("https://evil.example/portal"), 502, malformed),
        ("a longer host", link(&format!("{issuer}.evil.example/portal")), 502, malformed),
        ("credentials", link(&format!("{issuer}@evil.example/portal")), 502, malformed),
        ("another port", link(&format!("{issuer}0/portal")), 502, malformed),
        ("another scheme", link(&issuer.replace("http:", "https:")), 502, malformed),
        ("no scheme", link(&issuer.replace("http:", "")), 502, malformed),
        ("a script", link("javascript:alert(1)"), 502, malformed),
        ("a backslash", link(&format!("{issuer}/\\evil.example")), 502, malformed),
        ("a line break", link(&format!("{issuer}/a\r\nset-cookie: a=b")), 502, malformed),
        ("a space", link(&format!("{issuer}/a b")), 502, malformed),
        ("endless", Fault::EndlessBody, 503, "provider_unreachable"),
        ("broken off", Fault::TruncatedBody, 503, "provider_unreachable"),
        ("reset", Fault::Reset, 503, "provider_unreachable"),
        ("good", link(&format!("{issuer}/portal_redirect?key=k")), 303, ""),
    ] {
        site.kinde.fault(PATH, fault);
        let mut browser = browser.clone();
        let seen = browser.go(&format!("{}/api/auth/portal", site.url)).await;
        site.kinde.clear_faults();
        assert_eq!(seen.status, status, "{name}: {seen:?}");
        assert_eq!(seen.location.is_some(), status == 303, "{name}: {seen:?}");
        assert_eq!(seen.headers.contains_key("retry-after"), status == 503, "{name}");
        assert!(seen.body.contains(code), "{name}: {}", seen.body);
        assert!(!seen.body.contains("evil") && !seen.headers.contains_key("set-cookie"), "{name}: {seen:?}");
        assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id(), "{name}: still signed in");
    }
    assert!(elsewhere.recent_requests().is_empty(), "a redirect would have brought the access token there");
}

/// covers: F12
#[tokio::test]
async fn kinde_that_hangs_keeps_who_asks_for_portal_or_profile_waiting_no_longer_than_the_deadline() {
    let site = Arc::new(Site::start().await);
    let alice = site.kinde.person("alice");
    let browser = site.signed_in(&alice).await;
    let mut running = tokio::task::JoinSet::new();
    for (path, fault) in [("portal", PATH), ("me?fresh", "/oauth2/v2/user_profile")] {
        site.kinde.fault(fault, Fault::Hang);
        let (mut browser, url) = (browser.clone(), format!("{}/api/auth/{path}", site.url));
        running.spawn(async move {
            let began = SystemClock.monotonic();
            let seen = browser.go(&url).await;
            (path, seen, SystemClock.monotonic().saturating_sub(began))
        });
    }
    for (path, seen, took) in running.join_all().await {
        assert_eq!((seen.status, seen.headers.contains_key("retry-after")), (503, true), "{path}: {seen:?}");
        assert!(seen.body.contains("provider_unreachable"), "{path}: {}", seen.body);
        assert!(took < Duration::from_secs(10), "{path}: {took:?}");
    }
    assert_eq!(browser.clone().go(&format!("{}/", site.url)).await.body, alice.id(), "still signed in");
}

/// covers: F13
#[tokio::test]
async fn fresh_profile_of_another_person_or_of_no_shape_is_not_told() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let browser = site.signed_in(&alice).await;
    let me = format!("{}/api/auth/me", site.url);
    let own = alice.id();
    let other = site.kinde.person("mallory").id().to_owned();
    for (name, answer, code) in [
        ("another person", json!({ "sub": other, "email": "mallory@example.test" }), "subject_mismatch"),
        ("another sub beside the own id", json!({ "sub": other, "id": own }), "subject_mismatch"),
        ("nobody", json!({ "email": "mallory@example.test" }), "subject_mismatch"),
        ("an e-mail of another type", json!({ "sub": own, "email": ["a"] }), "answer_malformed"),
        ("a list", json!([]), "answer_malformed"),
    ] {
        site.kinde.fault("/oauth2/v2/user_profile", Fault::json(200, answer.to_string()));
        let seen = browser.clone().ask(Method::GET, &format!("{me}?fresh"), &SCRIPT).await;
        site.kinde.clear_faults();
        assert_eq!(seen.status, 502, "{name}: {seen:?}");
        assert!(seen.body.contains(code) && !seen.body.contains("mallory"), "{name}: {}", seen.body);
        let told: Value =
            serde_json::from_str(&browser.clone().ask(Method::GET, &me, &SCRIPT).await.body).unwrap();
        assert_eq!((&told["id"], &told["email"]), (&own.into(), &"alice@example.test".into()), "{name}");
    }
}
