//! The token endpoint and what its tokens open.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod browser;

use std::time::Duration;

use browser::{Browser, CALLBACK, VERIFIER, authorization_url, claims, parameter};
use kinde_emulator::Environment;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

const SCOPES: &str = "openid profile email offline";

fn code(kinde: &Environment) -> String {
    let url = authorization_url(kinde, &[("scope", SCOPES)]);
    parameter(&kinde.sign_in(&url, &kinde.person("alice")).unwrap(), "code").unwrap()
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn code_is_exchanged_once() {
    let kinde = Environment::start().await;
    let (browser, code) = (Browser::new(), code(&kinde));
    let (status, tokens) = browser.exchange(&kinde, &code).await;
    assert_eq!(status, StatusCode::OK);
    let (status, body) = browser.exchange(&kinde, &code).await;
    assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    // The second use also ends what the first one led to.
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(browser.token(&kinde, &refresh).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn wrong_exchange_is_an_invalid_grant_and_leaves_the_code_good() {
    let kinde = Environment::start().await;
    let (browser, code) = (Browser::new(), code(&kinde));
    let rows = [
        ("wrong verifier", CALLBACK, "not the verifier"),
        ("no verifier", CALLBACK, ""),
        ("wrong redirect URI", "http://localhost:3000/auth/callback", VERIFIER),
    ];
    for (name, redirect_uri, verifier) in rows {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let (status, body) = browser.token(&kinde, &form).await;
        assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")), "{name}");
    }
    assert_eq!(browser.exchange(&kinde, &code).await.0, StatusCode::OK);
}

#[tokio::test]
async fn code_expires_after_ten_minutes() {
    let kinde = Environment::start().await;
    let browser = Browser::new();
    let (early, late) = (code(&kinde), code(&kinde));
    kinde.set_time(kinde.now() + 590);
    assert_eq!(browser.exchange(&kinde, &early).await.0, StatusCode::OK);
    kinde.advance(Duration::from_secs(20));
    assert_eq!(browser.exchange(&kinde, &late).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn refresh_token_rotates_and_the_old_one_dies() {
    let kinde = Environment::builder().with_refresh_overlap(Duration::ZERO).start().await;
    let browser = Browser::new();
    let first = browser.tokens(&kinde, SCOPES).await["refresh_token"].as_str().unwrap().to_owned();
    let form = [("grant_type", "refresh_token"), ("refresh_token", first.as_str())];
    let (status, tokens) = browser.token(&kinde, &form).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(tokens["refresh_token"], first);
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert!(id.get("nonce").is_none());
    let (status, body) = browser.token(&kinde, &form).await;
    assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
}

#[tokio::test]
async fn rotated_refresh_token_works_for_ten_seconds() {
    let kinde = Environment::start().await;
    kinde.set_time(1_790_000_000);
    let browser = Browser::new();
    let first = browser.tokens(&kinde, SCOPES).await["refresh_token"].as_str().unwrap().to_owned();
    let form = [("grant_type", "refresh_token"), ("refresh_token", first.as_str())];
    assert_eq!(browser.token(&kinde, &form).await.0, StatusCode::OK);
    kinde.advance(Duration::from_secs(9));
    assert_eq!(browser.token(&kinde, &form).await.0, StatusCode::OK);
    kinde.advance(Duration::from_secs(1));
    assert_eq!(browser.token(&kinde, &form).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn refresh_token_comes_with_offline_and_not_with_the_standard_spelling() {
    let kinde = Environment::start().await;
    let browser = Browser::new();
    assert!(browser.tokens(&kinde, SCOPES).await.get("refresh_token").is_some());
    let kinde = Environment::start().await;
    let without = browser.tokens(&kinde, "openid offline_access").await;
    assert!(without.get("refresh_token").is_none());
    assert_eq!(without["scope"], "openid");
}

#[tokio::test]
async fn logging_out_ends_the_refresh_token() {
    let kinde = Environment::start().await;
    let browser = Browser::new();
    let tokens = browser.tokens(&kinde, SCOPES).await;
    browser.get(&format!("{}/logout", kinde.url())).await;
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(browser.token(&kinde, &refresh).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn audience_asked_for_repeated_or_joined_is_in_the_token() {
    let (one, two) = ("https://one.example", "https://two.example");
    let kinde = Environment::builder().with_audience(one).with_audience(two).start().await;
    let joined = format!("{one} {two}");
    for parameters in [vec![("audience", one), ("audience", two)], vec![("audience", joined.as_str())]] {
        let callback =
            kinde.sign_in(&authorization_url(&kinde, &parameters), &kinde.person("alice")).unwrap();
        let (_, tokens) = Browser::new().exchange(&kinde, &parameter(&callback, "code").unwrap()).await;
        assert_eq!(claims(tokens["access_token"].as_str().unwrap())["aud"], json!([one, two]));
    }
}

#[tokio::test]
async fn machine_gets_a_token_for_a_registered_audience_by_form_and_by_basic() {
    let kinde = Environment::builder().with_audience("https://api.example").start().await;
    let billing = kinde.machine("billing");
    let url = format!("{}/oauth2/token", kinde.url());
    let form = [
        ("grant_type", "client_credentials"),
        ("audience", "https://api.example"),
        ("scope", "read:invoices"),
    ];
    let secret = billing.client_secret();
    let mut posted = form.to_vec();
    posted.extend([("client_id", billing.client_id()), ("client_secret", secret.as_str())]);
    let requests = [
        client().post(&url).form(&posted),
        client().post(&url).basic_auth(billing.client_id(), Some(&secret)).form(&form),
    ];
    for request in requests {
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        let token = claims(body["access_token"].as_str().unwrap());
        assert_eq!(
            (&token["gty"], &token["scope"]),
            (&json!(["client_credentials"]), &json!("read:invoices"))
        );
        assert_eq!((&token["aud"], token.get("sub")), (&json!(["https://api.example"]), None));
        assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    }
}

#[tokio::test]
async fn every_error_of_the_token_endpoint_has_its_status() {
    let kinde = Environment::start().await;
    let browser = Browser::new();
    let rows = [
        ("no grant type", vec![], "invalid_request"),
        ("unknown grant type", vec![("grant_type", "password")], "unsupported_grant_type"),
        ("no audience", vec![("grant_type", "client_credentials")], "unauthorized_client"),
        ("no code", vec![("grant_type", "authorization_code")], "invalid_request"),
        ("unknown token", vec![("grant_type", "refresh_token"), ("refresh_token", "x")], "invalid_grant"),
        ("secret twice", vec![("grant_type", "x"), ("client_secret", "x")], "invalid_request"),
    ];
    for (name, form, error) in rows {
        let (status, body) = browser.token(&kinde, &form).await;
        assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &json!(error)), "{name}");
        assert!(body["error_description"].is_string(), "{name}");
    }
    let form = [("grant_type", "x"), ("client_id", kinde.client_id()), ("client_secret", "wrong")];
    let answer = browser.post(&format!("{}/oauth2/token", kinde.url()), &form).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_client");
}

#[tokio::test]
async fn request_that_is_no_form_is_an_invalid_request() {
    let kinde = Environment::start().await;
    let url = format!("{}/oauth2/token", kinde.url());
    let answer = client().post(url).json(&json!({ "grant_type": "x" })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_request");
}

#[tokio::test]
async fn profile_is_shown_to_a_good_access_token_only() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    let url = format!("{}/oauth2/v2/user_profile", kinde.url());
    let good = client().get(&url).bearer_auth(alice.access_token()).send().await.unwrap();
    let profile: Value = good.json().await.unwrap();
    assert_eq!((&profile["sub"], &profile["email"]), (&json!(alice.id()), &json!("alice@example.test")));
    let refused = [
        ("expired", alice.expired().access_token()),
        ("ID token", alice.id_token()),
        ("machine", kinde.machine("billing").access_token()),
        ("other key", alice.wrong().other_key()),
        ("none", String::new()),
    ];
    for (name, token) in refused {
        let answer = client().get(&url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_token", "{name}");
    }
}

#[tokio::test]
async fn revoked_tokens_open_nothing_here() {
    let kinde = Environment::start().await;
    let browser = Browser::new();
    let tokens = browser.tokens(&kinde, SCOPES).await;
    let secret = kinde.client_secret();
    for name in ["access_token", "refresh_token"] {
        let token = tokens[name].as_str().unwrap();
        let form = [("token", token), ("client_id", kinde.client_id()), ("client_secret", secret.as_str())];
        let answer = browser.post(&format!("{}/oauth2/revoke", kinde.url()), &form).await;
        assert_eq!((answer.status(), answer.text().await.unwrap().as_str()), (StatusCode::OK, ""));
    }
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(browser.token(&kinde, &refresh).await.1["error"], "invalid_grant");
    let url = format!("{}/oauth2/user_profile", kinde.url());
    let access_token = tokens["access_token"].as_str().unwrap();
    let answer = client().get(url).bearer_auth(access_token).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn refresh_may_return_the_same_access_token_while_it_lasts() {
    let kinde = Environment::builder().with_kept_access_tokens().start().await;
    kinde.set_time(1_790_000_000);
    let browser = Browser::new();
    let first = browser.tokens(&kinde, SCOPES).await;
    kinde.advance(Duration::from_secs(45_023));
    let form = [("grant_type", "refresh_token"), ("refresh_token", first["refresh_token"].as_str().unwrap())];
    let second = browser.token(&kinde, &form).await.1;
    assert_eq!((&second["access_token"], &second["expires_in"]), (&first["access_token"], &json!(41_376)));
    kinde.advance(Duration::from_secs(41_377));
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", second["refresh_token"].as_str().unwrap())];
    let third = browser.token(&kinde, &form).await.1;
    assert_ne!(third["access_token"], first["access_token"]);
}

#[tokio::test]
async fn introspection_tells_a_good_token_from_a_bad_one() {
    let kinde = Environment::start().await;
    let machine = kinde.machine("billing").access_token();
    let url = format!("{}/oauth2/introspect", kinde.url());
    let alice = kinde.person("alice");
    for (token, is_active) in [(alice.access_token(), true), (alice.expired().access_token(), false)] {
        let request = client().post(&url).bearer_auth(&machine).form(&[("token", token)]);
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(body["active"], is_active);
        assert_eq!(body.get("client_id").is_some(), is_active);
    }
    let anonymous = client().post(&url).form(&[("token", "x")]).send().await.unwrap();
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
}
