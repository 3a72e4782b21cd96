//! The way to the self-serve portal and back.

use std::time::Duration;

use kinde_emulator::Environment;
use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::asking::{asked, response, told};

async fn link(kinde: &Environment, query: &str) -> String {
    let token = kinde.person("alice").in_org("acme").access_token();
    let answer = told(kinde, &format!("portal_link{query}"), &token).await;
    answer["url"].as_str().unwrap().strip_prefix(kinde.url()).unwrap().to_owned()
}

async fn page(kinde: &Environment, path: &str) -> (StatusCode, String) {
    let answer = response(kinde, path, &[]).await;
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn link_opens_the_section_that_was_asked_for_with_the_way_back() {
    let kinde = Environment::start().await;
    kinde.org("acme").update(|details| details.name = "Acmé <b>&</b> Söhne".to_owned());
    let rows = [
        ("", "Your profile"),
        ("?subnav=organization_members", "Organization members"),
        ("?sub_nav=plan_details", "Your plan"),
        ("?sub_nav=organization_billing", "Organization billing"),
    ];
    for (query, title) in rows {
        let (status, page) = page(&kinde, &link(&kinde, query).await).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains(&format!("<h1>{title}</h1>")), "{query}: {page}");
        assert!(page.contains("alice@example.test") && page.contains("Acmé &lt;b&gt;"), "{page}");
    }
    let query = "?subnav=profile&return_url=http%3A%2F%2Flocalhost%3A3000%2Fme%3Fa%3D1%26b%3D'2'";
    let (_, page) = page(&kinde, &link(&kinde, query).await).await;
    assert!(page.contains("href=\"http://localhost:3000/me?a=1&amp;b=&#39;2&#39;\""), "{page}");
}

#[tokio::test]
async fn members_of_the_organization_are_in_their_section_only() {
    let kinde = Environment::start().await;
    kinde.person("alice").add_role("acme", "admin");
    kinde.person("bob").add_role("acme", "admin");
    kinde.person("carol").add_role("globex", "admin");
    let (_, members) = page(&kinde, &link(&kinde, "?subnav=organization_members").await).await;
    assert!(members.contains("Alice Example") && members.contains("Bob Example"), "{members}");
    assert!(!members.contains("Carol Example"), "{members}");
    let (_, profile) = page(&kinde, &link(&kinde, "").await).await;
    assert!(!profile.contains("Bob Example"), "{profile}");
}

#[tokio::test]
async fn link_opens_once() {
    let kinde = Environment::start().await;
    let link = link(&kinde, "").await;
    // Whoever looks ahead does not use it up.
    let client = Client::builder().no_proxy().build().unwrap();
    client.head(format!("{}{link}", kinde.url())).send().await.unwrap();
    assert_eq!(page(&kinde, &link).await.0, StatusCode::OK);
    let (status, again) = page(&kinde, &link).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(again.contains("used before"), "{again}");
}

#[tokio::test]
async fn link_is_short_lived_and_its_key_is_needed() {
    let kinde = Environment::start().await;
    let late = link(&kinde, "").await;
    kinde.advance(Duration::from_secs(300));
    for path in
        [late.as_str(), "/portal_redirect", "/portal_redirect?key=", "/portal_redirect?key=9b41e07c52d83fa6"]
    {
        assert_eq!(page(&kinde, path).await.0, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn link_leads_back_to_registered_applications_only() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let rows = [
        ("?return_url=https%3A%2F%2Fexample.test%2F", "RETURN_URL_INVALID"),
        ("?return_url=javascript%3Aalert(1)", "RETURN_URL_INVALID"),
        ("?return_url=%2Fme", "RETURN_URL_INVALID"),
        ("?subnav=everything", "SUBNAV_INVALID"),
    ];
    for (query, code) in rows {
        let (status, body) = asked(&kinde, &format!("/account_api/v1/portal_link{query}"), &token).await;
        assert_eq!((status.as_u16(), &body["errors"][0]["code"]), (400, &Value::from(code)), "{query}");
    }
}
