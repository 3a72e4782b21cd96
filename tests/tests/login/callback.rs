//! Authorization responses that are not what they should be.

use std::time::Duration;

use http::Method;
use kinde_core::{Clock, SystemClock};
use kinde_emulator::{Environment, Fault, WrongAnswer};
use kinde_tests::site::{Browser, Seen, Site};

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

/// Somebody mixes up two sign-ins under way: of one browser, or of two.
///
/// covers: F3
#[tokio::test]
async fn flow_answers_to_its_own_name_and_state_alone() {
    let site = Site::start().await;
    let (alice, bob) = (site.kinde.person("alice"), site.kinde.person("bob"));
    let begin = async |browser: &mut Browser| {
        let started = browser.go(&format!("{}/api/auth/login", site.url)).await;
        let cookie = started.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        let flow = cookie.filter(|cookie| cookie.contains("_flow_")).collect::<Vec<_>>();
        let name = flow[0].split('=').next().unwrap().to_owned();
        (started.location.unwrap(), (site.url.clone(), name))
    };
    let mut browser = Browser::default();
    let (first, first_cookie) = begin(&mut browser).await;
    let (second, second_cookie) = begin(&mut browser).await;
    let mut other = Browser::default();
    let (others, others_cookie) = begin(&mut other).await;
    let [first, second] = [first, second].map(|started| site.kinde.sign_in(&started, &alice).unwrap());
    let others = site.kinde.sign_in(&others, &bob).unwrap();
    let state =
        |callback: &str| callback.split_once("&state=").unwrap().1.split('&').next().unwrap().to_owned();
    let as_second = first.replace(&state(&first), &state(&second));

    let mut moved = browser.clone();
    moved.jar.insert(second_cookie.clone(), browser.jar[&first_cookie].clone());
    let mut swapped = moved.clone();
    swapped.jar.insert(first_cookie, browser.jar[&second_cookie].clone());
    let mut planted = browser.clone();
    planted.jar.insert(second_cookie, other.jar[&others_cookie].clone());
    for (name, browser, callback) in [
        ("under the other's name", &moved, &second),
        ("both swapped, the first", &swapped, &first),
        ("both swapped, the second", &swapped, &second),
        ("of another browser, under a name of one's own", &planted, &second),
        ("of another browser, with its own flow beside", &browser, &others),
    ] {
        let mut browser = browser.clone();
        let seen = browser.go(callback).await;
        assert_eq!(seen.status, 400, "{name}: {seen:?}");
        assert!(seen.body.contains("flow_unknown"), "{name}: {}", seen.body);
        assert!(!browser.cookies(&site.url).contains(&site.login.session_cookie_name()), "{name}");
    }
    assert_eq!(site.kinde.requests("/oauth2/token"), 0, "no code is used up");
    // The code belongs to the other challenge, which Kinde compares.
    let crossed = browser.clone().go(&as_second).await;
    assert_eq!(crossed.status, 502, "{crossed:?}");
    assert!(crossed.body.contains("grant_refused"), "{}", crossed.body);
    assert_eq!(browser.go(&second).await.status, 303);
    assert_eq!(other.go(&others).await.status, 303);
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
    assert!(seen.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "told as text: {}", seen.body);
    assert!(seen.body.contains("provider_error"), "{}", seen.body);
    assert!(browser.cookies(&site.url).iter().all(|name| !name.contains("flow")));
}

/// Anybody can write such a link.
///
/// covers: F3 F10
#[tokio::test]
async fn error_that_no_sign_in_of_this_browser_waits_for_says_nothing_and_starts_nothing_unseen() {
    let site = Site::start().await;
    let callback = format!("{}/api/auth/kinde_callback?", site.url);
    let words = "error=access_denied&error_description=Call+0900-EVIL";
    for query in [words.to_owned(), format!("{words}&state=stranger")] {
        let mut browser = Browser::default();
        browser.go(&format!("{}/api/auth/login", site.url)).await;
        let before = browser.jar.clone();
        let seen = browser.go(&format!("{callback}{query}")).await;
        assert_eq!(seen.status, 403, "{query}: {seen:?}");
        assert!(
            seen.body.contains("provider_error") && !seen.body.contains("EVIL"),
            "{query}: {}",
            seen.body
        );
        assert!(browser.jar == before, "{query}: the sign-in under way goes on");
    }
    // An image in a page of another site.
    let image =
        [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image"), ("sec-fetch-site", "cross-site")];
    for error in ["login_link_expired", "login_required"] {
        let url = format!("{callback}error={error}&reauth_state=e30");
        let seen = Browser::default().ask(Method::GET, &url, &image).await;
        assert_eq!((seen.status, seen.location.as_deref()), (403, None), "{error}: {seen:?}");
        assert!(!seen.headers.contains_key("set-cookie"), "{error}");
    }
}

/// covers: F11
#[tokio::test]
async fn fault_of_the_token_endpoint_begins_no_session() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    // It would answer the exchange, and hear the code, verifier and client secret.
    let elsewhere = Environment::start().await;
    let redirect = Fault::Redirect(format!("{}/oauth2/token", elsewhere.issuer()));
    for (name, fault, status) in [
        ("500", Fault::Status(500), 502),
        (
            "html",
            Fault::Body { status: 200, content_type: "text/html".to_owned(), bytes: b"<p>".to_vec() },
            502,
        ),
        ("redirect", redirect, 502),
        ("reset", Fault::Reset, 502),
        ("truncated", Fault::TruncatedBody, 502),
        ("endless", Fault::EndlessBody, 502),
    ] {
        let mut browser = Browser::default();
        let started = browser.go(&format!("{}/api/auth/login", site.url)).await;
        let callback = site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap();
        site.kinde.reset_requests();
        site.kinde.fault("/oauth2/token", fault);
        let seen = browser.go(&callback).await;
        site.kinde.clear_faults();
        assert_eq!(seen.status, status, "{name}");
        assert!(!seen.headers.contains_key("retry-after"), "{name}: the address works once");
        assert_eq!(site.kinde.requests("/oauth2/token"), 1, "{name}: one exchange for each code");
        assert!(!browser.cookies(&site.url).contains(&site.login.session_cookie_name()), "{name}");
    }
    assert!(elsewhere.recent_requests().is_empty(), "a redirect is not followed");
}

/// Comes back from Kinde while it fails; gives the answer and how long it took.
async fn come_back_during(faults: &[(&str, Fault)], wrong: Option<WrongAnswer>) -> (Seen, Duration) {
    let site = Site::start().await;
    let mut browser = Browser::default();
    let login = format!("{}/api/auth/login?post_login_redirect_url=%2Ftodos%3Fa%3D%22b", site.url);
    let started = browser.go(&login).await;
    let callback = site.kinde.sign_in(&started.location.unwrap(), &site.kinde.person("alice")).unwrap();
    wrong.into_iter().for_each(|wrong| site.kinde.answer_wrongly(wrong));
    faults.iter().for_each(|(path, fault)| site.kinde.fault(path, fault.clone()));
    let begun = SystemClock.monotonic();
    let seen = browser.go(&callback).await;
    assert!(!browser.cookies(&site.url).contains(&site.login.session_cookie_name()));
    (seen, SystemClock.monotonic().saturating_sub(begun))
}

/// covers: F11
#[tokio::test]
async fn kinde_that_hangs_is_502_within_ten_seconds_and_signing_in_again_leads_to_the_same_page() {
    let slow = Fault::Delay(Duration::from_secs(6));
    let hang = [("/oauth2/token", Fault::Hang)];
    let slow_and_hang = [
        ("/oauth2/token", slow),
        ("/.well-known/jwks", Fault::Hang),
        ("/.well-known/jwks.json", Fault::Hang),
    ];
    let revoke = [("/oauth2/revoke", Fault::Hang)];
    let (token, keys, revocation) = tokio::join!(
        come_back_during(&hang, None),
        come_back_during(&slow_and_hang, None),
        come_back_during(&revoke, Some(WrongAnswer::WrongNonce)),
    );
    for (name, (seen, took), most, code) in [
        ("token endpoint", token, 10, "provider_unreachable"),
        ("slow token endpoint and no keys", keys, 10, "provider_unreachable"),
        ("revocation of what a refused sign-in brought", revocation, 3, "token_refused"),
    ] {
        assert_eq!(seen.status, 502, "{name}: {seen:?}");
        assert!(took < Duration::from_secs(most), "{name}: {took:?}");
        assert!(seen.body.contains(code), "{name}: {}", seen.body);
        assert!(!seen.headers.contains_key("retry-after"), "{name}");
        let again = "href=\"/api/auth/login?post_login_redirect_url=%2Ftodos%3Fa%3D%22b\"";
        assert!(seen.body.contains(again), "{name}: {}", seen.body);
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
    let started = browser
        .go(&format!(
            "{}/api/auth/switch_org?org_code={acme}&lang=de&utm_source=x&login_hint=a%40b.test",
            site.url
        ))
        .await
        .location
        .unwrap();
    assert!(started.contains("prompt=none") && started.contains("utm_source=x"));
    let refused = browser.go(&started).await.location.unwrap();
    assert!(refused.contains("error=login_required"), "{refused}");
    let again = browser.go(&refused).await.location.unwrap();
    assert!(!again.contains("prompt=none") && again.contains(&format!("org_code={acme}")), "{again}");
    assert!(again.contains("lang=de") && again.contains("login_hint=a%40b.test"), "{again}");
    assert!(!again.contains("utm_source"), "counted once: {again}");
}

#[tokio::test]
async fn login_required_is_an_error_where_a_page_was_allowed() {
    let site = Site::start().await;
    for (query, is_silent) in [("", false), ("?prompt=login", false), ("?prompt=none", true)] {
        let mut browser = Browser::default();
        let login = format!("{}/api/auth/login{query}", site.url);
        let started = browser.go(&login).await.location.unwrap();
        let state = started.split(['?', '&']).find(|part| part.starts_with("state=")).unwrap();
        let callback = format!("{}/api/auth/kinde_callback?error=login_required&{state}", site.url);
        let seen = browser.go(&callback).await;
        let expected = if is_silent { 303 } else { 403 };
        assert_eq!((seen.status, seen.location.is_some()), (expected, is_silent), "{query}: {seen:?}");
    }
}

/// Kinde's answer to an expired link of an e-mail names no flow.
#[tokio::test]
async fn link_that_expired_starts_again_once_with_or_without_a_state() {
    use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};

    let site = Site::start().await;
    let reauth_state = BASE64_STANDARD_NO_PAD.encode(r#"{"org_code":"org_1","client_id":"evil"}"#);
    let expired =
        format!("{}/api/auth/kinde_callback?error=login_link_expired&reauth_state={reauth_state}", site.url);
    for has_state in [false, true] {
        let mut browser = Browser::default();
        let answer_to = |started: &str| {
            let state = started.split(['?', '&']).find(|part| part.starts_with("state=")).unwrap().to_owned();
            if has_state { format!("{expired}&{state}") } else { expired.clone() }
        };
        // A tab that has nothing to do with it.
        let other = browser.go(&format!("{}/api/auth/login", site.url)).await.location.unwrap();
        let first = browser.go(&format!("{}/api/auth/register", site.url)).await.location.unwrap();
        let again = browser.go(&answer_to(&first)).await;
        assert_eq!(again.status, 303, "state {has_state}: {again:?}");
        let again = again.location.unwrap();
        assert!(again.contains("org_code=org_1") && !again.contains("evil"), "{again}");
        let stopped = browser.go(&answer_to(&again)).await;
        assert_eq!((stopped.status, stopped.location), (403, None), "state {has_state}: a second time");
        assert!(stopped.body.contains("provider_error"), "{}", stopped.body);
        let finished = site.kinde.sign_in(&other, &site.kinde.person("alice")).unwrap();
        assert_eq!(browser.go(&finished).await.status, 303, "state {has_state}: the other tab goes on");
    }
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
