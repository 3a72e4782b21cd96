//! A session beside an `Authorization` header.

use http::Method;
use kinde_tests::site::{Browser, SCRIPT, Site};

/// covers: D1 D4
#[tokio::test]
async fn bearer_header_wins_good_or_not_and_the_header_of_a_proxy_is_no_credential() {
    let site = Site::start().await;
    let (alice, bob) = (site.kinde.person("alice"), site.kinde.person("bob"));
    let browser = site.signed_in(&alice).await;
    let bearer = format!("Bearer {}", bob.access_token());
    for (header, status, body) in [
        (bearer.as_str(), 200, bob.id()),
        ("Bearer not-a-token", 401, ""),
        ("bearer a b", 400, ""),
        ("Bearer", 400, ""),
        ("", 400, ""),
        ("(not a scheme) x", 400, ""),
        ("Basic c3RhZ2luZzpzdGFnaW5n", 200, alice.id()),
        ("Negotiate YII", 200, alice.id()),
    ] {
        let mut headers = SCRIPT.to_vec();
        headers.push(("authorization", header));
        let seen = browser.clone().ask(Method::GET, &format!("{}/me", site.url), &headers).await;
        assert_eq!(seen.status, status, "{header:?}: {seen:?}");
        assert!(body.is_empty() || seen.body == body, "{header:?}: {}", seen.body);
    }
    for pair in [["Basic a", "Basic a"], ["Basic a", bearer.as_str()], [bearer.as_str(), "Basic a"]] {
        let headers = pair.map(|value| ("authorization", value));
        let seen = browser.clone().ask(Method::GET, &format!("{}/me", site.url), &headers).await;
        assert_eq!(seen.status, 400, "{pair:?}: not the session instead");
        assert!(!seen.headers.contains_key("vary"), "{pair:?}: which is not even read");
    }
    // What a browser adds by itself proves no intention: the request of another site is still refused.
    let forged = [("authorization", "Basic c3RhZ2luZzpzdGFnaW5n"), ("sec-fetch-site", "cross-site")];
    let seen = browser.clone().ask(Method::POST, &format!("{}/change", site.url), &forged).await;
    assert_eq!(seen.status, 403);
}

/// covers: G9
#[tokio::test]
async fn request_of_another_site_is_refused_only_where_a_session_would_authenticate_it() {
    let site = Site::start().await;
    let (alice, bob) = (site.kinde.person("alice"), site.kinde.person("bob"));
    let with_session = site.signed_in(&alice).await;
    let mut with_junk = Browser::default();
    let name = site.login.session_cookie_name().to_owned();
    with_junk.jar.insert((site.url.clone(), name), "junk".to_owned());
    let bearer = format!("Bearer {}", bob.access_token());
    let by_bob = format!("changed by {}", bob.id());
    for (what, browser, authorization, status, body) in [
        ("a session", &with_session, "", 403, "cross_site"),
        ("a session beside a bearer token", &with_session, bearer.as_str(), 200, by_bob.as_str()),
        ("a session beside a bad bearer token", &with_session, "Bearer junk", 401, "Unauthorized"),
        ("a bearer token", &Browser::default(), &bearer, 200, &by_bob),
        ("no cookie", &Browser::default(), "", 401, "Unauthorized"),
        ("a cookie that is no session", &with_junk, "", 401, "Unauthorized"),
    ] {
        for from in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
            let mut headers = vec![from];
            if !authorization.is_empty() {
                headers.push(("authorization", authorization));
            }
            let change = format!("{}/change", site.url);
            let seen = browser.clone().ask(Method::POST, &change, &headers).await;
            assert_eq!(seen.status, status, "{what}, {from:?}: {seen:?}");
            assert!(seen.body.contains(body), "{what}, {from:?}: {}", seen.body);
        }
    }
}
