//! A person signs in, is known, and signs out.

use axum::{Router, body::Body, routing::get};
use http::{Method, Request};
use kinde_axum::{KindeLayer, SignedInUser};
use kinde_tests::{
    send_bearer,
    site::{Browser, NAVIGATION, SCRIPT, Site, handle_of},
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// covers: F1 F15 G4 G6
#[tokio::test]
async fn person_signs_in_is_known_to_handlers_and_signs_out() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice").in_org("acme").with("create:todos").remember();
    let mut browser = Browser::default();

    assert_eq!(browser.go(&format!("{}/", site.url)).await.body, "nobody");
    let back = browser.sign_in(&site, &alice).await;
    assert_eq!(back.location.as_deref(), Some("/"));
    assert_eq!(browser.cookies(&site.url), [site.login.session_cookie_name()], "the flow is gone");

    let home = browser.go(&format!("{}/", site.url)).await;
    assert_eq!(home.body, alice.id());
    assert_eq!(home.headers["cache-control"], "private, no-store");
    assert_eq!(browser.go(&format!("{}/todos", site.url)).await.body, "created");

    let out = browser.go(&format!("{}/api/auth/logout", site.url)).await;
    assert_eq!(out.status, 303);
    assert!(out.location.unwrap().starts_with(&format!("{}/logout?redirect=", site.kinde.issuer())));
    assert!(browser.cookies(&site.url).is_empty());
    assert_eq!(browser.go(&format!("{}/", site.url)).await.body, "nobody");
    assert_eq!(site.kinde.requests("/oauth2/revoke"), 1);
}

/// covers: G6 G7
#[tokio::test]
async fn copied_cookie_is_worth_nothing_after_signing_out() {
    let site = Site::start().await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    let mut thief = browser.clone();
    browser.go(&format!("{}/api/auth/logout", site.url)).await;
    assert_eq!(thief.go(&format!("{}/", site.url)).await.body, "nobody");
    assert!(thief.cookies(&site.url).is_empty());
}

/// covers: F9
#[tokio::test]
async fn browser_goes_back_to_the_page_it_came_from_and_nowhere_else() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = Browser::default();
    let login = format!("{}/api/auth/login?post_login_redirect_url=", site.url);
    let started = browser.go(&format!("{login}%2Ftodos%3Fa%3Db")).await;
    let callback = site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap();
    assert_eq!(browser.go(&callback).await.location.as_deref(), Some("/todos?a=b"));
    for hostile in
        ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example", "javascript%3Aalert(1)"]
    {
        let refused = browser.go(&format!("{login}{hostile}")).await;
        assert_eq!((refused.status, refused.location), (400, None), "{hostile}");
    }
}

/// covers: F9
#[tokio::test]
async fn way_back_is_as_long_as_it_may_be_and_has_one_name() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let login = format!("{}/api/auth/login", site.url);
    let long = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
    for (query, back) in [
        (format!("post_login_redirect_url={}", long(1_024)), long(1_024)),
        (format!("post_login_redirect_url={}{}", site.url, long(1_024 - site.url.len())), {
            long(1_024 - site.url.len())
        }),
        ("post_login_redirect_url=&post_login_redirect_url=%2Fa".to_owned(), "/a".to_owned()),
        ("post_login_redirect_url=%2Fa&post_login_redirect_url=%2Fb".to_owned(), "/a".to_owned()),
        ("postLoginRedirectUrl=%2Fa&post_login_redirect_uri=%2Fa".to_owned(), "/".to_owned()),
        ("returnTo=%2Fa&return_to=%2Fa&returnUrl=%2Fa&return_url=%2Fa".to_owned(), "/".to_owned()),
        ("redirect=%2Fa&redirect_url=%2Fa&next=%2Fa".to_owned(), "/".to_owned()),
        ("post_logout_redirect_url=https%3A%2F%2Fevil.example".to_owned(), "/".to_owned()),
    ] {
        let mut browser = Browser::default();
        let started = browser.go(&format!("{login}?{query}")).await.location.unwrap();
        assert!(!started.contains("evil") && !started.contains("%2Fa&"), "{query}: {started}");
        let seen = browser.go(&site.kinde.sign_in(&started, &alice).unwrap()).await;
        assert_eq!((seen.status, seen.location), (303, Some(back)), "{query}");
    }
    let seen = Browser::default().go(&format!("{login}?post_login_redirect_url={}", long(1_025))).await;
    assert_eq!((seen.status, seen.location), (400, None), "one more");
    assert!(seen.body.contains("parameter_invalid"), "{}", seen.body);
}

/// covers: G9
#[tokio::test]
async fn looking_ahead_and_other_sites_change_nothing() {
    let site = Site::start().await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    let logout = format!("{}/api/auth/logout", site.url);
    let login = format!("{}/api/auth/login", site.url);
    for header in [
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
        ("next-router-prefetch", "1"),
    ] {
        for url in [&logout, &login] {
            let seen = browser.ask(Method::GET, url, &[header]).await;
            assert_eq!((seen.status, seen.headers.get("set-cookie")), (204, None), "{header:?}");
        }
    }
    let cross_site =
        [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    for url in [&logout, &format!("{}/api/auth/end_session", site.url)] {
        assert_eq!(browser.ask(Method::GET, url, &cross_site).await.status, 403, "{url}");
        assert_eq!(browser.ask(Method::POST, url, &cross_site).await.status, 403, "{url}");
        assert_eq!(browser.ask(Method::GET, url, &SCRIPT).await.status, 400, "{url}");
    }
    let switch = format!("{}/api/auth/switch_org?org_code=org_1", site.url);
    assert_eq!(browser.ask(Method::GET, &switch, &cross_site).await.status, 403);
    assert_eq!(browser.go(&format!("{}/api/authlogin", site.url)).await.status, 404);
    assert_eq!(browser.ask(Method::POST, &format!("{}/change", site.url), &cross_site).await.status, 403);
    assert_eq!(browser.cookies(&site.url), [site.login.session_cookie_name()]);
    let changed = browser.ask(Method::POST, &format!("{}/change", site.url), &NAVIGATION).await;
    assert_eq!(changed.status, 200);
    assert_eq!(browser.ask(Method::POST, &logout, &NAVIGATION).await.status, 303);
    assert!(browser.cookies(&site.url).is_empty());
}

/// covers: G9
#[tokio::test]
async fn socket_that_another_site_opens_has_no_session() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = site.signed_in(&alice).await;
    let me = format!("{}/me", site.url);
    let socket = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let from = |origin| [socket.as_slice(), &[("origin", origin)]].concat();
    let own = browser.ask(Method::GET, &me, &from(&site.url)).await;
    assert_eq!((own.status, own.body.as_str()), (200, alice.id()));
    for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
        let refused = browser.ask(Method::GET, &me, &from(origin)).await;
        assert_eq!(refused.status, 403, "{origin}: {refused:?}");
        assert!(refused.body.contains("cross_site"), "{origin}: {}", refused.body);
    }
    let home = format!("{}/", site.url);
    let anonymous = Browser::default().ask(Method::GET, &home, &from("https://evil.example")).await;
    assert_eq!(
        (anonymous.status, anonymous.body.as_str()),
        (200, "nobody"),
        "nothing is forged without a session"
    );
    assert_eq!(browser.cookies(&site.url), [site.login.session_cookie_name()], "and nobody is signed out");
}

#[tokio::test]
async fn script_of_a_page_learns_who_is_signed_in_and_no_token() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice").in_org("acme").with("create:todos").remember();
    let me = format!("{}/api/auth/me", site.url);
    let setup = format!("{}/api/auth/setup", site.url);
    let mut nobody = Browser::default();
    let refused = nobody.ask(Method::GET, &me, &SCRIPT).await;
    assert_eq!((refused.status, refused.body.as_str()), (401, r#"{"message":"Unauthorized"}"#));

    let mut browser = site.signed_in(&alice).await;
    let told: Value = serde_json::from_str(&browser.ask(Method::GET, &me, &SCRIPT).await.body).unwrap();
    assert_eq!((told["id"].as_str(), told["email"].as_str()), (Some(alice.id()), Some("alice@example.test")));
    let fresh = browser.ask(Method::GET, &format!("{me}?fresh"), &SCRIPT).await;
    assert_eq!(fresh.status, 200);
    assert_eq!(site.kinde.requests("/oauth2/v2/user_profile"), 1);

    let seen = browser.ask(Method::GET, &setup, &SCRIPT).await;
    assert!(!seen.body.contains("eyJ"), "a token");
    let told: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(told["permissions"]["permissions"][0], "create:todos");
    assert_eq!(told["message"], "OK");
    let organization = told["organization"]["orgCode"].as_str();
    assert_eq!(told["idToken"]["org_codes"][0].as_str(), organization);
    assert_eq!(told["idToken"]["sub"].as_str(), Some(alice.id()));
    assert_eq!(told["accessToken"]["sub"], told["idToken"]["sub"]);
}

/// covers: D4
#[tokio::test]
async fn header_wins_and_the_session_is_not_read() {
    let site = Site::start().await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    let bob = site.kinde.person("bob");
    let bearer = format!("Bearer {}", bob.access_token());
    let url = format!("{}/me", site.url);
    assert_eq!(browser.ask(Method::GET, &url, &[("authorization", &bearer)]).await.body, bob.id());
    assert_eq!(browser.ask(Method::GET, &url, &[("authorization", "Bearer junk")]).await.status, 401);
    assert_eq!(browser.cookies(&site.url), [site.login.session_cookie_name()]);
}

#[tokio::test]
async fn gate_sends_people_to_sign_in_with_the_way_back_and_scripts_a_401() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = Browser::default();
    let page = format!("{}/dashboard?tab=2", site.url);
    let sent = browser.go(&page).await;
    assert_eq!(
        sent.location.as_deref(),
        Some("/api/auth/login?post_login_redirect_url=%2Fdashboard%3Ftab%3D2")
    );
    let asked = browser.ask(Method::GET, &page, &SCRIPT).await;
    assert_eq!(
        (asked.status, asked.headers["content-type"].as_bytes()),
        (401, b"application/problem+json".as_slice())
    );
    let started = browser.go(&format!("{}{}", site.url, sent.location.unwrap())).await;
    let back = browser.go(&site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap()).await;
    assert_eq!(back.location.as_deref(), Some("/dashboard?tab=2"));
    assert_eq!(browser.go(&page).await.body, alice.id());
    assert_eq!(
        browser.go(&format!("{}/todos", site.url)).await.status,
        403,
        "a missing right is no reason to sign in"
    );
}

#[tokio::test]
async fn gate_leads_nobody_back_to_what_a_form_sent_and_lets_nobody_in_by_another_method() {
    let site = Site::start().await;
    let page = format!("{}/dashboard?tab=2", site.url);
    for (method, headers, status, location) in [
        (Method::POST, &NAVIGATION, 303, Some("/api/auth/login")),
        (Method::HEAD, &NAVIGATION, 303, Some("/api/auth/login")),
        (Method::POST, &SCRIPT, 401, None),
        (Method::PUT, &NAVIGATION, 401, None),
        (Method::OPTIONS, &SCRIPT, 401, None),
    ] {
        let seen = Browser::default().ask(method.clone(), &page, headers).await;
        assert_eq!((seen.status, seen.location.as_deref()), (status, location), "{method}: {seen:?}");
        assert_eq!(seen.headers["cache-control"], "private, no-store", "{method}");
        assert_eq!(seen.headers.contains_key("www-authenticate"), status == 401, "{method}");
    }
}

#[tokio::test]
async fn gate_sends_who_was_invited_to_register_with_the_code() {
    let site = Site::start().await;
    let mut browser = Browser::default();
    let page = format!("{}/dashboard?invitation_code=inv_1&tab=2", site.url);
    let sent = browser.go(&page).await.location.unwrap();
    let expected = "/api/auth/register?invitation_code=inv_1&is_invitation=true&post_login_redirect_url=%2Fdashboard%3Finvitation_code%3Dinv_1%26tab%3D2";
    assert_eq!(sent, expected);
    let started = browser.go(&format!("{}{sent}", site.url)).await.location.unwrap();
    for part in ["prompt=create", "invitation_code=inv_1", "is_invitation=true"] {
        assert!(started.contains(part), "{started}");
    }
    for code in ["", "a%20b", "%22", &"a".repeat(129)] {
        let page = format!("{}/dashboard?invitation_code={code}", site.url);
        let sent = browser.go(&page).await.location.unwrap();
        assert!(sent.starts_with("/api/auth/login?post_login_redirect_url="), "{sent}");
    }
}

/// A router that nests takes the prefix off before the gate sees the address.
///
/// covers: F9
#[tokio::test]
async fn gate_in_a_nested_router_leads_back_to_the_address_that_was_asked_for() {
    let site = Site::start().await;
    let verifier = handle_of(&site.kinde, &site.url, &[]).verifier().build().unwrap();
    let page = Router::new().route("/settings", get(async || "settings")).layer(site.login.login_required());
    let app = Router::new()
        .nest("/admin", Router::new().nest("/of/{org}", page))
        .layer(KindeLayer::new(verifier).optional())
        .layer(site.login.session_layer());
    let over = format!("{}=junk", site.login.session_cookie_name());
    // The layer for bearer tokens refuses it: its key is another one since.
    let refused = {
        let browser = site.signed_in(&site.kinde.person("alice")).await;
        let ((_, name), value) = browser.jar.iter().find(|((_, name), _)| name.contains("session")).unwrap();
        site.kinde.replace_keys();
        format!("{name}={value}")
    };
    for (name, cookie) in
        [("no session", ""), ("a session that is over", &over), ("a session that is refused", &refused)]
    {
        let request = Request::get("/admin/of/acme/settings?tab=2").header("accept", "text/html");
        let request = request.header("cookie", cookie).body(Body::empty()).unwrap();
        let seen = app.clone().oneshot(request).await.unwrap();
        assert_eq!(
            (seen.status().as_u16(), seen.headers()["location"].to_str().unwrap()),
            (303, "/api/auth/login?post_login_redirect_url=%2Fadmin%2Fof%2Facme%2Fsettings%3Ftab%3D2"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn profile_of_a_session_is_there_and_of_a_bearer_token_it_says_what_is_missing() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice").in_org("acme").remember();
    let mut browser = site.signed_in(&alice).await;
    let url = format!("{}/profile", site.url);
    assert_eq!(browser.go(&url).await.body, "alice@example.test 1");
    let bearer = format!("Bearer {}", alice.access_token());
    let told = browser.ask(Method::GET, &url, &[("authorization", &bearer)]).await.body;
    assert!(told.starts_with("email is not in this token"), "{told}");
}

#[tokio::test]
async fn bearer_token_tells_what_it_lists_and_says_who_can_put_the_rest_into_it() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice").in_org("acme").remember();
    let told = async |user: SignedInUser| {
        let all = user.organizations().map(|all| {
            all.iter()
                .map(|one| format!("{} {}", one.code, one.name.as_deref().unwrap_or("-")))
                .collect::<Vec<_>>()
        });
        let all = all.map_or_else(|missing| missing.to_string(), |all| all.join(","));
        format!("{all}|{}", user.email().unwrap_or_else(|missing| missing.to_string()))
    };
    let verifier = handle_of(&site.kinde, &site.url, &[]).verifier().build().unwrap();
    let app = Router::new().route("/", get(told)).layer(KindeLayer::new(verifier).optional());
    let named =
        json!([{"id": "org_1", "name": "Vo\u{df} & Co"}, {"id": "org_2", "name": null}, {"id": "org_3"}]);
    let nowhere = "organizations is not in this token: Kinde puts it into ID tokens only";
    let no_email = "email is not in this token: choose it for access tokens in Kinde";
    for (name, token, organizations, email) in [
        ("as Kinde issues it", alice.access_token(), nowhere, no_email),
        (
            "with names",
            alice.with_claim("organizations", named).access_token(),
            "org_1 Vo\u{df} & Co,org_2 -,org_3 -",
            no_email,
        ),
        (
            "with codes",
            alice.with_claim("org_codes", json!(["org_1", "org_2"])).access_token(),
            "org_1 -,org_2 -",
            no_email,
        ),
        (
            "of another shape",
            alice.with_claim("organizations", json!("org_1")).access_token(),
            nowhere,
            no_email,
        ),
        ("empty list", alice.with_claim("org_codes", json!([])).access_token(), nowhere, no_email),
        (
            "with an address",
            alice.with_claim("email", "a@example.test").access_token(),
            nowhere,
            "a@example.test",
        ),
        ("with an empty address", alice.with_claim("email", "").access_token(), nowhere, no_email),
    ] {
        let seen = send_bearer(&app, "/", &token).await.body;
        let (told_organizations, told_email) = seen.split_once('|').unwrap();
        assert!(told_organizations.starts_with(organizations), "{name}: {told_organizations}");
        assert!(told_email.starts_with(email), "{name}: {told_email}");
    }
}
