//! What a link of another site can make of a browser that is signed in.

use http::Method;
use kinde_tests::site::{Browser, Site};

/// A link that somebody follows.
fn link(site: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut headers =
        vec![("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    if !site.is_empty() {
        headers.push(("sec-fetch-site", site));
    }
    headers
}

/// covers: G9
#[tokio::test]
async fn link_from_elsewhere_replaces_no_session_unseen() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice").in_org("acme").remember();
    let globex = site.kinde.org("globex").code().to_owned();
    let signed_in = site.signed_in(&alice).await;
    let login = format!("{}/api/auth/login", site.url);
    let org = format!("org_code={globex}");
    for (query, from, has_session, prompts) in [
        (format!("?{org}&prompt=none"), "cross-site", true, "login"),
        (format!("?{org}&prompt=none"), "same-site", true, "login"),
        (format!("?{org}"), "cross-site", true, "login"),
        (format!("?{org}&prompt=create"), "cross-site", true, "login"),
        ("?prompt=none".to_owned(), "cross-site", true, "login"),
        ("?invitation_code=inv_1&is_invitation=true".to_owned(), "cross-site", true, "login"),
        ("?invitation_code=inv_1&is_invitation=true".to_owned(), "same-origin", true, ""),
        (String::new(), "cross-site", true, ""),
        ("?lang=de".to_owned(), "cross-site", true, ""),
        (format!("?{org}&prompt=none"), "same-origin", true, "none"),
        (format!("?{org}&prompt=none"), "none", true, "none"),
        (format!("?{org}"), "", true, ""),
        (format!("?{org}&prompt=none"), "cross-site", false, "none"),
    ] {
        let name = format!("{query} {from} {has_session}");
        let mut browser = if has_session { signed_in.clone() } else { Browser::default() };
        let started = browser.ask(Method::GET, &format!("{login}{query}"), &link(from)).await;
        let location = started.location.unwrap_or_else(|| panic!("{name}: {}", started.body));
        let found: Vec<_> =
            location.split(['?', '&']).filter_map(|part| part.strip_prefix("prompt=")).collect();
        assert_eq!(found.join(","), prompts, "{name}: {location}");
        assert_eq!(location.contains(&org), query.contains(&org), "{name}: the organization is kept");
    }
}

/// Anybody can write a callback's address, and Kinde's e-mails lead there, too.
///
/// covers: G9
#[tokio::test]
async fn expired_link_that_names_an_organization_asks_who_it_is() {
    let site = Site::start().await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    // {"org_code":"org_2"}
    let callback = "kinde_callback?error=login_link_expired&reauth_state=eyJvcmdfY29kZSI6Im9yZ18yIn0";
    let url = format!("{}/api/auth/{callback}", site.url);
    let started = browser.ask(Method::GET, &url, &link("cross-site")).await.location.unwrap();
    assert!(started.contains("org_code=org_2") && started.contains("prompt=login"), "{started}");
}

/// covers: G9
#[tokio::test]
async fn link_from_elsewhere_creates_no_organization_for_somebody_who_is_signed_in() {
    let site = Site::start().await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    let create = format!("{}/api/auth/create_org?org_name=Evil", site.url);
    for (from, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 303), ("none", 303)] {
        assert_eq!(browser.ask(Method::GET, &create, &link(from)).await.status, status, "{from}");
    }
    let visitor = Browser::default().ask(Method::GET, &create, &link("cross-site")).await;
    assert_eq!(visitor.status, 303, "somebody new comes from a page about the product");
}
