//! Refresh tokens that are used twice, and those that live in a cookie.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(dead_code, reason = "these tests need only part of the browser")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod browser;

use std::time::Duration;

use browser::{Browser, authorization_url, parameter};
use kinde_emulator::{Environment, EnvironmentBuilder, Seed};
use reqwest::{
    Client, StatusCode,
    header::{COOKIE, SET_COOKIE},
};
use serde_json::Value;

const SCOPES: &str = "openid offline";
const CLIENT_ID: &str = "5e1c0b7a9d4f4c26b8f3a1720e6d9c45";

async fn started(builder: EnvironmentBuilder) -> Environment {
    let kinde = builder.start().await;
    kinde.set_time(1_790_000_000);
    kinde
}

async fn refreshed(kinde: &Environment, browser: &Browser, tokens: &Value) -> (StatusCode, Value) {
    let value = tokens["refresh_token"].as_str().unwrap();
    browser.token(kinde, &[("grant_type", "refresh_token"), ("refresh_token", value)]).await
}

#[tokio::test]
async fn reuse_after_the_overlap_ends_every_token_of_the_sign_in() {
    let kinde = started(Environment::builder().with_refresh_overlap(Duration::from_secs(10))).await;
    let browser = Browser::new();
    let first = browser.tokens(&kinde, SCOPES).await;
    let other_sign_in = Browser::new().tokens(&kinde, SCOPES).await;
    let (_, second) = refreshed(&kinde, &browser, &first).await;
    kinde.advance(Duration::from_secs(9));
    let (status, third) = refreshed(&kinde, &browser, &first).await;
    assert_eq!(status, StatusCode::OK, "within the overlap");
    kinde.advance(Duration::from_secs(1));
    assert_eq!(refreshed(&kinde, &browser, &first).await.1["error"], "invalid_grant");
    for (name, tokens) in [("second", second), ("third", third)] {
        assert_eq!(refreshed(&kinde, &browser, &tokens).await.1["error"], "invalid_grant", "{name}");
    }
    assert_eq!(refreshed(&kinde, &browser, &other_sign_in).await.0, StatusCode::OK);
}

#[tokio::test]
async fn reuse_harms_nobody_where_it_is_forgiven() {
    let seeded = Seed::from_toml("[tokens]\nends_reused_families = false").unwrap();
    let builders = [
        Environment::builder().with_reused_refresh_tokens_forgiven(),
        Environment::builder().with_seed(seeded),
    ];
    for builder in builders {
        let kinde = started(builder).await;
        let browser = Browser::new();
        let first = browser.tokens(&kinde, SCOPES).await;
        let (_, second) = refreshed(&kinde, &browser, &first).await;
        kinde.advance(Duration::from_secs(10));
        assert_eq!(refreshed(&kinde, &browser, &first).await.1["error"], "invalid_grant");
        assert_eq!(refreshed(&kinde, &browser, &second).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn revoked_refresh_token_takes_along_the_one_before_it() {
    let kinde = started(Environment::builder()).await;
    let browser = Browser::new();
    let first = browser.tokens(&kinde, SCOPES).await;
    let (_, second) = refreshed(&kinde, &browser, &first).await;
    let (secret, value) = (kinde.client_secret(), second["refresh_token"].as_str().unwrap());
    let form = [("token", value), ("client_id", kinde.client_id()), ("client_secret", secret.as_str())];
    let answer = browser.post(&format!("{}/oauth2/revoke", kinde.url()), &form).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(refreshed(&kinde, &browser, &first).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn scope_that_was_not_granted_uses_nothing_up() {
    let kinde = started(Environment::builder()).await;
    let browser = Browser::new();
    let first = browser.tokens(&kinde, SCOPES).await;
    let value = first["refresh_token"].as_str().unwrap();
    let more = [("grant_type", "refresh_token"), ("refresh_token", value), ("scope", "openid email")];
    assert_eq!(browser.token(&kinde, &more).await.1["error"], "invalid_scope");
    assert_eq!(refreshed(&kinde, &browser, &first).await.0, StatusCode::OK);
}

#[tokio::test]
async fn page_refreshes_by_the_cookie_that_only_the_token_endpoint_gets() {
    for (kind, name) in [("shared", "refresh_token"), ("application", "refresh_token_5e1c0b")] {
        let world = format!(
            "[[applications]]\nname = \"spa\"\nkind = \"public\"\nclient_id = \"{CLIENT_ID}\"\n\
             callbacks = [\"http://localhost:3000/callback\"]\nrefresh_token_cookie = \"{kind}\""
        );
        let kinde = started(Environment::builder().with_seed(Seed::from_toml(&world).unwrap())).await;
        let url = authorization_url(&kinde, &[("scope", SCOPES)]);
        let callback = kinde.sign_in(&url, &kinde.person("alice")).unwrap();
        let code = parameter(&callback, "code").unwrap();
        let exchange = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("code", code.as_str()),
            ("redirect_uri", browser::CALLBACK),
            ("code_verifier", browser::VERIFIER),
        ];
        let endpoint = format!("{}/oauth2/token", kinde.url());
        let answer = Browser::new().post(&endpoint, &exchange).await;
        let cookies: Vec<_> = answer
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .map(|cookie| cookie.to_str().unwrap().to_owned())
            .collect();
        assert!(cookies[0].starts_with(&format!("{name}=")), "{cookies:?}");
        assert!(cookies[0].contains("Path=/oauth2/token; HttpOnly"), "{cookies:?}");
        assert!(cookies[1].starts_with("_kbrte=") && !cookies[1].contains("HttpOnly"), "{cookies:?}");

        let refresh = [("grant_type", "refresh_token"), ("client_id", CLIENT_ID)];
        let cookie = cookies[0].split(';').next().unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        let post = client.post(&endpoint).form(&refresh);
        let answer = post.try_clone().unwrap().header(COOKIE, cookie).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers().get_all(SET_COOKIE).iter().count(), 2);
        let without: Value = post.send().await.unwrap().json().await.unwrap();
        assert_eq!(without["error"], "invalid_request");
    }
}

#[tokio::test]
async fn application_without_the_cookie_gets_none() {
    let kinde = started(Environment::builder()).await;
    let code =
        kinde.sign_in(&authorization_url(&kinde, &[("scope", SCOPES)]), &kinde.person("alice")).unwrap();
    let code = parameter(&code, "code").unwrap();
    let secret = kinde.client_secret();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", kinde.client_id()),
        ("client_secret", secret.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", browser::CALLBACK),
        ("code_verifier", browser::VERIFIER),
    ];
    let answer = Browser::new().post(&format!("{}/oauth2/token", kinde.url()), &form).await;
    assert_eq!((answer.status(), answer.headers().get(SET_COOKIE)), (StatusCode::OK, None));
}
