//! Parameters of the authorization endpoint, and what its pages lead to.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

mod browser;

use browser::{Browser, CALLBACK, authorization_url, claims, location, parameter};
use kinde_emulator::{Environment, Seed};
use reqwest::{StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};

async fn world(text: &str) -> Environment {
    Environment::builder().with_seed(Seed::from_toml(text).unwrap()).start().await
}

async fn access_token(kinde: &Environment, callback: &str) -> Value {
    let code = parameter(callback, "code").unwrap_or_else(|| panic!("{callback}"));
    let (_, tokens) = Browser::new().exchange(kinde, &code).await;
    claims(tokens["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn callback_with_a_wildcard_or_a_handle_is_accepted_and_a_stranger_is_not() {
    let kinde = world(
        r#"
        [[applications]]
        name = "web"
        callbacks = [
            "https://pre-*.ex.com/cb",
            "https://{organization.handle}.tenants.example/cb",
            "https://*.vercel.app/cb",
        ]
        [[organizations]]
        handle = "acme"
        "#,
    )
    .await;
    let rows = [
        ("https://pre-view7.ex.com/cb", true),
        ("https://acme.tenants.example/cb", true),
        ("https://pre-a.b.ex.com/cb", false),
        ("https://pre-view7.ex.com/cb2", false),
        ("https://globex.tenants.example/cb", false),
        ("https://stranger.vercel.app/cb", false),
    ];
    for (redirect_uri, is_allowed) in rows {
        let good = authorization_url(&kinde, &[]);
        let url = good.replace("http%3A%2F%2Flocalhost%3A3000%2Fcallback", redirect_uri);
        let answered = kinde.sign_in(&url, &kinde.person("alice"));
        assert_eq!(answered.is_ok(), is_allowed, "{redirect_uri}");
        assert!(answered.is_err() || answered.unwrap().starts_with(&format!("{redirect_uri}?code=")));
    }
    let page = Browser::new().get(&authorization_url(&kinde, &[])).await.text().await.unwrap();
    assert!(page.contains("https://*.vercel.app/cb matches nothing"), "{page}");
}

#[tokio::test]
async fn browser_that_comes_by_another_name_is_told_the_address_of_the_issuer() {
    let get = async |kinde: &Environment, url: String| {
        let answer = Browser::new().get(&url).await;
        (
            answer.status(),
            answer.text().await.unwrap().contains(&format!("KINDE_ISSUER_URL={}", kinde.issuer())),
        )
    };
    let kinde = Environment::start().await;
    let (url, by_name) = (kinde.url().to_owned(), kinde.url().replace("127.0.0.1", "localhost"));
    let good = authorization_url(&kinde, &[]);
    assert_eq!(get(&kinde, good.clone()).await, (StatusCode::OK, false));
    assert_eq!(get(&kinde, good.replace(&url, &by_name)).await, (StatusCode::BAD_REQUEST, true));
    let keys = format!("{by_name}/.well-known/jwks");
    assert_eq!(get(&kinde, keys).await.0, StatusCode::OK, "machines compare nothing with it");

    let kinde = Environment::builder().with_issuer("https://acme.kinde.com").start().await;
    let good = authorization_url(&kinde, &[]);
    assert_eq!(get(&kinde, good.clone()).await.0, StatusCode::OK, "it listens there whatever tokens say");
    let by_name = good.replace("127.0.0.1", "localhost");
    assert_eq!(get(&kinde, by_name).await, (StatusCode::BAD_REQUEST, true));
}

#[tokio::test]
async fn answer_travels_in_the_way_asked_for() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    let browser = Browser::new();
    let fragment = authorization_url(&kinde, &[("response_mode", "fragment")]);
    let callback = browser.sign_in(&kinde, &fragment, &[("person", alice.id())]).await;
    assert!(callback.starts_with(&format!("{CALLBACK}#code=")), "{callback}");

    let posted = browser.get(&authorization_url(&kinde, &[("response_mode", "form_post")])).await;
    let page = posted.text().await.unwrap();
    assert!(page.contains(&format!("<form method=\"post\" action=\"{CALLBACK}\">")));
    assert!(
        page.contains("name=\"state\" value=\"st/at+e &quot;1&quot;\"") && page.contains("name=\"code\"")
    );

    let success = browser.get(&authorization_url(&kinde, &[("is_use_auth_success_page", "true")])).await;
    assert_eq!(success.status(), StatusCode::OK);
    assert!(success.text().await.unwrap().contains(&format!("href=\"{CALLBACK}?code=")));
}

#[tokio::test]
async fn every_other_documented_parameter_is_accepted() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    let parameters = [
        ("lang", "fr"),
        ("connection_id", "conn_1"),
        ("workflow_deployment_id", "wf_1"),
        ("plan_interest", "fleet"),
        ("pricing_table_key", "main"),
        ("pages_mode", "preview"),
        ("utm_source", "letter"),
        ("utm_source", "twice"),
        ("gclid", "1"),
        ("redirect_url", "https://elsewhere.example"),
        ("post_login_redirect_url", "/todos"),
    ];
    let url = authorization_url(&kinde, &parameters);
    let callback = Browser::new().sign_in(&kinde, &url, &[("person", alice.id())]).await;
    assert!(callback.starts_with(&format!("{CALLBACK}?code=")));
}

#[tokio::test]
async fn person_who_is_hinted_at_by_username_or_phone_comes_first() {
    let kinde = world(
        "[[people]]\nname = \"ada\"\n\n[[people]]\nname = \"zoe\"\nusername = \"zz\"\nphone = \"+61412345678\"",
    )
    .await;
    kinde.allow_callback(CALLBACK);
    for hint in ["zoe@example.test", "username:zz", "phone:+61412345678:au"] {
        let page = Browser::new()
            .get(&authorization_url(&kinde, &[("login_hint", hint)]))
            .await
            .text()
            .await
            .unwrap();
        let (zoe, ada) = (page.find("Zoe Example").unwrap(), page.find("Ada Example").unwrap());
        assert!(zoe < ada && page.contains("aria-current=\"true\""), "{hint}");
    }
}

#[tokio::test]
async fn invited_newcomer_registers_and_joins_with_what_the_invitation_gives() {
    let kinde = world(
        r#"
        [[organizations]]
        handle = "acme"
        code = "org_7d21c9e04b6"
        [[invitations]]
        code = "inv_seeded"
        email = "grace@example.test"
        org = "acme"
        roles = ["admin"]
        permissions = ["create:todos"]
        "#,
    )
    .await;
    kinde.allow_callback(CALLBACK);
    let browser = Browser::new();
    let url = authorization_url(&kinde, &[("invitation_code", "inv_seeded"), ("is_invitation", "true")]);
    let page = browser.get(&url).await.text().await.unwrap();
    assert!(page.contains("Create an account") && page.contains("value=\"grace@example.test\""));
    let form = [("p_email", "grace@example.test"), ("p_first_name", "Grace")];
    let token = access_token(&kinde, &browser.sign_in(&kinde, &url, &form).await).await;
    assert_eq!(
        (&token["org_code"], &token["permissions"]),
        (&json!("org_7d21c9e04b6"), &json!(["create:todos"]))
    );
    assert_eq!(token["roles"][0]["key"], "admin");
    // It was used up.
    let again = location(&browser.get(&url).await);
    assert_eq!(parameter(&again, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn invitation_of_somebody_else_lets_nobody_in() {
    let kinde = Environment::start().await;
    let code = kinde.invite("grace@example.test", "acme", &[], &["create:todos"]);
    let mallory = kinde.person("mallory");
    let url = authorization_url(&kinde, &[("invitation_code", &code), ("is_invitation", "true")]);
    let browser = Browser::new();
    browser.sign_in(&kinde, &authorization_url(&kinde, &[]), &[("person", mallory.id())]).await;
    // Her session is not enough: the page asks who is there.
    let callback = browser.sign_in(&kinde, &url, &[("person", mallory.id())]).await;
    assert_eq!(parameter(&callback, "error").as_deref(), Some("access_denied"));
    let grace = kinde.person("grace");
    let token = access_token(&kinde, &kinde.sign_in(&url, &grace).unwrap()).await;
    assert_eq!(token["org_code"], kinde.org("acme").code());
}

#[tokio::test]
async fn silent_request_says_what_somebody_would_have_to_do() {
    let kinde = world(
        r#"
        [[applications]]
        name = "web"
        organization_picker = true
        callbacks = ["http://localhost:3000/callback"]
        [[organizations]]
        handle = "acme"
        [[organizations]]
        handle = "globex"
        [[people]]
        name = "alice"
        memberships = [{ org = "acme" }, { org = "globex" }]
        "#,
    )
    .await;
    let (alice, globex) = (kinde.person("alice"), kinde.org("globex"));
    let browser = Browser::new();
    let silent = authorization_url(&kinde, &[("prompt", "none")]);
    assert_eq!(parameter(&location(&browser.get(&silent).await), "error").as_deref(), Some("login_required"));
    let named = authorization_url(&kinde, &[("org_code", globex.code())]);
    browser.sign_in(&kinde, &named, &[("person", alice.id())]).await;
    let refused = location(&browser.get(&silent).await);
    assert_eq!(parameter(&refused, "error").as_deref(), Some("interaction_required"));
    let silent = authorization_url(&kinde, &[("prompt", "none"), ("org_code", globex.code())]);
    let token = access_token(&kinde, &location(&browser.get(&silent).await)).await;
    assert_eq!(token["org_code"], globex.code());
}

#[tokio::test]
async fn session_that_is_to_last_says_so_in_its_cookie_and_in_the_token() {
    for (persistent, claim, lasts) in [
        ("", Value::Null, false),
        ("true", json!({ "persistent": true }), true),
        ("false", json!({ "persistent": false }), false),
    ] {
        let choice =
            if persistent.is_empty() { String::new() } else { format!("persistent_session = {persistent}") };
        let kinde = world(&format!("[[applications]]\nname = \"web\"\n{choice}")).await;
        kinde.allow_callback(CALLBACK);
        let url = authorization_url(&kinde, &[("login_hint", "auto:alice@example.test")]);
        let alice = kinde.person("alice");
        let answer = Browser::new().get(&url).await;
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
        assert_eq!(cookie.contains("Max-Age"), lasts, "{cookie}");
        let token = access_token(&kinde, &location(&answer)).await;
        assert_eq!((&token["ksp"], &token["sub"]), (&claim, &json!(alice.id())));
    }
}

#[tokio::test]
async fn logging_out_takes_other_spellings_and_all_sessions() {
    let kinde = Environment::start().await;
    let (here, there) = (Browser::new(), Browser::new());
    here.tokens(&kinde, "openid").await;
    there.tokens(&kinde, "openid").await;
    let silent = authorization_url(&kinde, &[("prompt", "none")]);
    let strange = format!(
        "{}/logout?client_id=x&logout_uri=https://evil.example&post_logout_redirect_uri=https://evil.example&state=s&id_token_hint=x",
        kinde.url()
    );
    let page = here.get(&strange).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.text().await.unwrap().contains("Signed out"));
    assert!(parameter(&location(&here.get(&silent).await), "error").is_some());
    assert!(parameter(&location(&there.get(&silent).await), "code").is_some());
    here.tokens(&kinde, "openid").await;
    here.get(&format!("{}/logout?all_sessions=true", kinde.url())).await;
    assert!(parameter(&location(&there.get(&silent).await), "error").is_some());
}
