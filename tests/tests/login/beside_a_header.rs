//! A session beside an `Authorization` header.

use http::Method;
use kinde_tests::site::{SCRIPT, Site};

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
    // What a browser adds by itself proves no intention: the request of another site is still refused.
    let forged = [("authorization", "Basic c3RhZ2luZzpzdGFnaW5n"), ("sec-fetch-site", "cross-site")];
    let seen = browser.clone().ask(Method::POST, &format!("{}/change", site.url), &forged).await;
    assert_eq!(seen.status, 403);
}
