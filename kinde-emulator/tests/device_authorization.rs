//! Signing in on a device that has no browser (RFC 8628), on the environment's clock.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(dead_code, reason = "these tests need only part of the browser")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod browser;

use std::{collections::BTreeSet, time::Duration};

use browser::{Browser, claims};
use kinde_emulator::{Environment, Seed};
use reqwest::StatusCode;
use serde_json::{Value, json};

const TELEVISION: &str = "5e1c0b7a9d4f4c26b8f3a1720e6d9c45";
const WORLD: &str = r#"
    [[applications]]
    name = "web"

    [[applications]]
    name = "television"
    kind = "public"
    client_id = "5e1c0b7a9d4f4c26b8f3a1720e6d9c45"
    default_device_application = true

    [[applications]]
    name = "billing"
    kind = "machine"

    [[apis]]
    audience = "https://api.example"
    scopes = ["read:invoices"]
"#;

async fn world() -> Environment {
    let kinde = Environment::builder().with_seed(Seed::from_toml(WORLD).unwrap()).start().await;
    kinde.set_time(1_790_000_000);
    kinde
}

async fn post(kinde: &Environment, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let answer = Browser::new().post(&format!("{}{path}", kinde.url()), form).await;
    (answer.status(), answer.json().await.unwrap())
}

async fn waiting(kinde: &Environment, form: &[(&str, &str)]) -> Value {
    let (status, body) = post(kinde, "/oauth2/device/auth", form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn poll(kinde: &Environment, waiting: &Value) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", TELEVISION),
        ("device_code", waiting["device_code"].as_str().unwrap()),
    ];
    post(kinde, "/oauth2/token", &form).await
}

#[tokio::test]
async fn device_is_told_what_to_show_at_both_paths() {
    let kinde = world().await;
    for path in ["/oauth2/device/auth", "/oauth2/v2/device_authorization"] {
        let (status, body) = post(&kinde, path, &[("client_id", TELEVISION)]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let page = format!("{}/device", kinde.url());
        let user_code = body["user_code"].as_str().unwrap();
        assert_eq!(body["verification_uri"], page);
        assert_eq!(body["verification_uri_complete"], format!("{page}?user_code={user_code}"));
        assert_eq!((&body["expires_in"], &body["interval"]), (&json!(600), &json!(5)));
        assert!(body["device_code"].as_str().unwrap().starts_with("kinde_dc_"));
    }
}

#[tokio::test]
async fn device_waits_and_then_gets_tokens_once() {
    let kinde = world().await;
    let waiting = waiting(&kinde, &[]).await;
    let user_code = waiting["user_code"].as_str().unwrap();
    let (status, pending) = poll(&kinde, &waiting).await;
    assert_eq!((status, &pending["error"]), (StatusCode::BAD_REQUEST, &json!("authorization_pending")));
    let (status, too_fast) = poll(&kinde, &waiting).await;
    assert_eq!((status, &too_fast["error"]), (StatusCode::BAD_REQUEST, &json!("slow_down")));

    let alice = kinde.person("alice");
    assert!(kinde.allow_device(user_code, &alice));
    kinde.advance(Duration::from_secs(10));
    let (status, tokens) = poll(&kinde, &waiting).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let names: BTreeSet<_> = tokens.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["access_token", "expires_in", "scope", "token_type"]));
    assert_eq!(tokens["expires_in"], 86_400);
    assert_eq!((&tokens["scope"], &tokens["token_type"]), (&json!(""), &json!("bearer")));
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["sub"], alice.id());
    kinde.advance(Duration::from_secs(10));
    assert_eq!(poll(&kinde, &waiting).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn device_gets_the_scopes_it_asked_for() {
    let kinde = world().await;
    let asked = [("scope", "openid offline read:invoices"), ("audience", "https://api.example")];
    let waiting = waiting(&kinde, &asked).await;
    assert!(kinde.allow_device(waiting["user_code"].as_str().unwrap(), &kinde.person("alice")));
    let (_, tokens) = poll(&kinde, &waiting).await;
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(access["scope"], "openid offline read:invoices");
    assert_eq!(access["aud"], json!(["https://api.example"]));
    assert!(tokens.get("id_token").is_some());
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", TELEVISION),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let (status, refreshed) = post(&kinde, "/oauth2/token", &refresh).await;
    assert_eq!((status, &refreshed["token_type"]), (StatusCode::OK, &json!("Bearer")));
}

#[tokio::test]
async fn device_that_is_denied_or_waits_too_long_is_told_so() {
    let kinde = world().await;
    let (denied, late) = (waiting(&kinde, &[]).await, waiting(&kinde, &[]).await);
    assert!(kinde.deny_device(denied["user_code"].as_str().unwrap()));
    assert_eq!(poll(&kinde, &denied).await.1["error"], "access_denied");
    kinde.advance(Duration::from_secs(600));
    let (status, expired) = poll(&kinde, &late).await;
    assert_eq!((status, &expired["error"]), (StatusCode::BAD_REQUEST, &json!("expired_token")));
    assert!(!kinde.allow_device(late["user_code"].as_str().unwrap(), &kinde.person("alice")));
}

#[tokio::test]
async fn device_request_that_is_wrong_is_refused() {
    let kinde = world().await;
    let billing = kinde.machine("billing");
    let secret = billing.client_secret();
    let machine = [("client_id", billing.client_id()), ("client_secret", secret.as_str())];
    let rows = [
        ("unknown client", vec![("client_id", "nobody")], "invalid_client"),
        ("without its secret", vec![("client_id", kinde.client_id())], "invalid_client"),
        ("machine", machine.to_vec(), "unauthorized_client"),
        ("unknown audience", vec![("audience", "https://other.example")], "invalid_request"),
        ("unknown scope", vec![("scope", "fly")], "invalid_scope"),
    ];
    for (name, form, error) in rows {
        assert_eq!(post(&kinde, "/oauth2/device/auth", &form).await.1["error"], error, "{name}");
    }
    let alone = Environment::start().await;
    assert_eq!(post(&alone, "/oauth2/device/auth", &[]).await.1["error"], "invalid_request");
}
