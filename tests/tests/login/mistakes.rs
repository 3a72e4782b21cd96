//! The mistakes of a first day: another host, another scheme, a cookie that did not come. Each has its own code.

use http::Method;
use kinde_core::{Kinde, Settings};
use kinde_login::Login;
use kinde_tests::site::{Browser, NAVIGATION, Site, variables_of};

use crate::capture::Capture;

/// What is different about the way in, or the way back.
struct Mistake {
    name: &'static str,
    start: &'static [(&'static str, &'static str)],
    back: &'static [(&'static str, &'static str)],
    method: Method,
    code: &'static str,
    /// What the log names beside the site's own address.
    told: &'static str,
}

const HTTP: (&str, &str) = ("x-forwarded-proto", "http");

/// covers: F3 F4
#[tokio::test]
async fn each_mistake_of_host_scheme_and_same_site_has_its_own_code() {
    let row = |name, start, back, code, told| Mistake { name, start, back, method: Method::GET, code, told };
    let mistakes = [
        row(
            "another name of this machine",
            &[("host", "localhost:3000")],
            &[],
            "host_mismatch",
            "localhost:3000",
        ),
        row("another port", &[("host", "127.0.0.1:1")], &[], "host_mismatch", "127.0.0.1:1"),
        row("www", &[("host", "www.app.example")], &[], "host_mismatch", "www.app.example"),
        row("callback of another host", &[], &[("host", "old.example")], "host_mismatch", "old.example"),
        row(
            "https before an http site",
            &[("x-forwarded-proto", "https")],
            &[HTTP],
            "scheme_mismatch",
            "https://",
        ),
        row("cookies blocked, or another browser", &[], &[], "flow_unknown", ""),
        row(
            "proxy that rewrites the host, cookies blocked",
            &[("host", "backend:8080")],
            &[("host", "backend:8080")],
            "flow_unknown",
            "",
        ),
        row("host that is no host", &[("host", "%%%\"<b>")], &[], "host_mismatch", "%%%"),
        Mistake {
            name: "response_mode=form_post, which brings no SameSite=Lax cookie",
            start: &[],
            back: &[],
            method: Method::POST,
            code: "response_posted",
            told: "",
        },
    ];
    let (capture, _listening) = Capture::begin();
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    for mistake in mistakes {
        let name = mistake.name;
        let headers = |more: &[(&'static str, &'static str)]| [&NAVIGATION, more].concat();
        let login = format!("{}/api/auth/login", site.url);
        let started = Browser::default().ask(Method::GET, &login, &headers(mistake.start)).await;
        let callback = site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap();
        // Another host means another cookie jar: the flow's cookie does not come along.
        let mut browser = Browser::default();
        let seen = browser.ask(mistake.method, &callback, &headers(mistake.back)).await;
        assert_eq!(seen.status, 400, "{name}: {seen:?}");
        assert!(seen.body.contains(mistake.code), "{name}: {}", seen.body);
        assert!(browser.jar.is_empty(), "{name}");
        let told = capture.records().into_iter().rev().find(|told| told.text.contains(mistake.code)).unwrap();
        assert!(told.text.contains("fix="), "{name}: {}", told.text);
        if !mistake.told.is_empty() {
            let host = site.url.trim_start_matches("http://");
            assert!(told.text.contains(mistake.told) && told.text.contains(host), "{name}: {}", told.text);
            assert!(!seen.body.contains(mistake.told), "{name}: what strangers say is for the log alone");
        }
        assert_eq!(site.kinde.requests("/oauth2/token"), 0, "{name}: the code is not used up");
    }
}

/// A proxy that rewrites `Host` is no mistake: the host decides nothing.
///
/// covers: F4
#[tokio::test]
async fn rewritten_host_changes_no_address_and_signs_in() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = Browser::default();
    let rewritten =
        [NAVIGATION.as_slice(), &[("host", "backend:8080"), ("x-forwarded-host", "evil.example")]].concat();
    let started = browser.ask(Method::GET, &format!("{}/api/auth/login", site.url), &rewritten).await;
    let location = started.location.unwrap();
    assert!(!location.contains("evil.example") && !location.contains("backend"), "{location}");
    let callback = site.kinde.sign_in(&location, &alice).unwrap();
    let back = browser.ask(Method::GET, &callback, &rewritten).await;
    assert_eq!((back.status, back.location.as_deref()), (303, Some("/")));
    assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id());
}

/// covers: G3
#[tokio::test]
async fn site_url_and_cookie_domain_that_cannot_work_are_refused_at_the_start() {
    let site = Site::start().await;
    for (name, setting, value) in [
        ("http beyond this machine", "KINDE_SITE_URL", "http://app.example.com"),
        ("no scheme", "KINDE_SITE_URL", "app.example.com"),
        ("a path", "KINDE_SITE_URL", "https://app.example.com/app"),
        ("another scheme", "KINDE_SITE_URL", "ftp://app.example.com"),
        ("credentials", "KINDE_SITE_URL", "https://a:b@app.example.com"),
        ("a domain for the cookies", "KINDE_COOKIE_DOMAIN", ".example.com"),
        ("a domain for the cookies that the site belongs to", "KINDE_COOKIE_DOMAIN", "example.com"),
    ] {
        let mut variables = variables_of(&site.kinde, &site.url);
        variables.insert(setting, value.to_owned());
        let refused = match Settings::from_variables(variables) {
            Err(error) => error,
            Ok(settings) => Login::new(&Kinde::from_settings(settings).unwrap()).unwrap_err(),
        };
        let problem = &refused.problems()[0];
        assert_eq!(problem.setting(), setting, "{name}: {problem}");
        assert!(!problem.fix().is_empty(), "{name}");
    }
    let handle = kinde_tests::site::handle_of(&site.kinde, &site.url, &[]);
    let refused = Login::builder(&handle).insecure_cookie_domain("other.example").build().unwrap_err();
    assert_eq!(refused.problems()[0].setting(), "insecure_cookie_domain", "a domain that is not the site's");
}

/// An https site answered over plain http sets cookies that no browser takes over http.
///
/// covers: G3
#[tokio::test]
async fn cookies_of_an_https_site_are_for_https_whatever_it_is_served_over() {
    let kinde = std::sync::Arc::new(kinde_emulator::Environment::start().await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = format!("http://{}/api/auth/login", listener.local_addr().unwrap());
    let site = Site::start_at(kinde, "https://app.example.test".to_owned(), listener, &[], |builder| builder);
    let seen = Browser::default().ask(Method::GET, &plain, &[NAVIGATION.as_slice(), &[HTTP]].concat()).await;
    assert_eq!(seen.headers.get_all("set-cookie").iter().count(), 2, "the flow and the count of starts");
    for cookie in seen.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        assert!(
            cookie.starts_with("__Host-") && cookie.contains("; Secure; HttpOnly; SameSite=Lax"),
            "{cookie}"
        );
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let callback = site.kinde.sign_in(&seen.location.unwrap(), &site.kinde.person("alice")).unwrap();
    assert!(callback.starts_with("https://app.example.test/api/auth/kinde_callback?"), "{callback}");
    let at = callback.replace("https://app.example.test", plain.trim_end_matches("/api/auth/login"));
    // What a browser brings that refused the cookies.
    let through = [("host", "app.example.test"), ("x-forwarded-proto", "https"), ("accept", "text/html")];
    let seen = Browser::default().ask(Method::GET, &at, &through).await;
    assert_eq!(seen.status, 400);
    assert!(seen.body.contains("host_mismatch"), "{}", seen.body);
}

/// A deployment that lacks everything is told everything at once.
#[test]
fn every_missing_setting_is_reported_at_once() {
    let settings = Settings::from_variables([("KINDE_ISSUER_URL", "https://acme.kinde.com")]).unwrap();
    let error = Login::new(&Kinde::from_settings(settings).unwrap()).unwrap_err();
    let missing: Vec<_> =
        error.problems().iter().map(|problem| (problem.setting(), problem.code())).collect();
    let names = ["KINDE_CLIENT_ID", "KINDE_SITE_URL", "KINDE_CLIENT_SECRET", "SESSION_SECRET"];
    assert_eq!(missing, names.map(|name| (name, "env_missing")));
}
