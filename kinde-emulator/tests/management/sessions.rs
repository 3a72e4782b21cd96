//! Sessions, and tokens whose claims have to change.

use std::time::Duration;

use kinde_emulator::Environment;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, claims},
    calling::{Api, each},
};

const SCOPES: &str = "openid profile email offline";

async fn refreshed(browser: &Browser, kinde: &Environment, tokens: &Value) -> Value {
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    browser.token(kinde, &refresh).await.1
}

#[tokio::test]
async fn changed_claims_arrive_with_the_refresh_after_refresh_claims() {
    let kinde = Environment::builder().with_kept_access_tokens().start().await;
    let (api, browser) = (Api::of(&kinde).await, Browser::new());
    let alice = kinde.person("alice");
    alice.add_to_org("acme");
    let first = browser.tokens(&kinde, SCOPES).await;
    alice.add_permission("acme", "create:todos");
    let second = refreshed(&browser, &kinde, &first).await;
    assert_eq!(second["access_token"], first["access_token"], "an unchanged token without it");
    api.done(&format!("POST users/{}/refresh_claims", alice.id()), Value::Null).await;
    let third = refreshed(&browser, &kinde, &second).await;
    assert_eq!(claims(third["access_token"].as_str().unwrap())["permissions"], json!(["create:todos"]));
    let fourth = refreshed(&browser, &kinde, &third).await;
    assert_eq!(fourth["access_token"], third["access_token"], "once");
}

#[tokio::test]
async fn ended_session_takes_its_refresh_tokens_along() {
    let kinde = Environment::start().await;
    let (api, browser) = (Api::of(&kinde).await, Browser::new());
    let tokens = browser.tokens(&kinde, SCOPES).await;
    let path = format!("users/{}/sessions", kinde.person("alice").id());
    let sessions = api.got(&path).await;
    assert_eq!(each(&sessions["sessions"], "client_id"), [kinde.client_id()]);
    api.done(&format!("DELETE {path}"), Value::Null).await;
    assert_eq!(api.got(&path).await["sessions"], json!([]));
    assert_eq!(refreshed(&browser, &kinde, &tokens).await["error"], "invalid_grant");
    let unknown = api.refused("GET users/kp_nobody/sessions", Value::Null).await;
    assert_eq!(unknown, (404, "USER_INVALID".to_owned()));
}

#[tokio::test]
async fn suspended_or_deleted_user_refreshes_nothing() {
    for (operation, body) in [("PATCH", json!({ "is_suspended": true })), ("DELETE", Value::Null)] {
        let kinde = Environment::start().await;
        let (api, browser) = (Api::of(&kinde).await, Browser::new());
        let tokens = browser.tokens(&kinde, SCOPES).await;
        let id = kinde.person("alice").id().to_owned();
        api.done(&format!("{operation} user?id={id}"), body).await;
        assert_eq!(refreshed(&browser, &kinde, &tokens).await["error"], "invalid_grant", "{operation}");
    }
}

#[tokio::test]
async fn tokens_live_as_long_as_their_application_was_told() {
    let kinde = Environment::start().await;
    let (api, browser) = (Api::of(&kinde).await, Browser::new());
    let path = format!("PATCH applications/{}/tokens", kinde.client_id());
    let lifetimes = json!({
        "access_token_lifetime": 600, "id_token_lifetime": 300, "refresh_token_lifetime": 1_200,
        "is_hasura_mapping_enabled": true,
    });
    api.done(&path, lifetimes).await;
    kinde.person("alice").add_to_org("acme");
    let tokens = browser.tokens(&kinde, SCOPES).await;
    let lifetime = |claims: &Value| claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!((lifetime(&access), access.get("x-hasura-org-code").is_some()), (600, true));
    assert_eq!(lifetime(&claims(tokens["id_token"].as_str().unwrap())), 300);
    let shorter = api.refused(&path, json!({ "refresh_token_lifetime": 600 })).await;
    assert_eq!(shorter, (400, "REFRESH_TOKEN_LIFETIME_INVALID".to_owned()));
    kinde.advance(Duration::from_secs(1_200));
    assert_eq!(refreshed(&browser, &kinde, &tokens).await["error"], "invalid_grant");
}
