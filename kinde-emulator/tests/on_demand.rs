//! Refusals and wrong answers that a test asks for.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod browser;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use browser::{Browser, CALLBACK, authorization_url, claims, location, parameter};
use kinde_emulator::{Environment, SignInError, WrongAnswer};
use reqwest::StatusCode;
use serde_json::{Value, json};

const SCOPES: &str = "openid profile email offline";
const STATE: &str = "st/at+e \"1\"";

#[tokio::test]
async fn next_sign_in_is_refused_at_the_callback_and_the_one_after_is_not() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    let url = authorization_url(&kinde, &[]);
    let errors = ["access_denied", "server_error", "temporarily_unavailable", "login_required", "our_own"];
    errors.iter().for_each(|error| kinde.refuse_next_sign_in(error, "because \"so\""));
    for error in errors {
        let callback = location(&Browser::new().get(&url).await);
        assert!(callback.starts_with(CALLBACK));
        assert_eq!(parameter(&callback, "error").as_deref(), Some(error));
        assert_eq!(parameter(&callback, "error_description").as_deref(), Some("because \"so\""));
        assert_eq!(parameter(&callback, "state").as_deref(), Some(STATE));
    }
    assert!(parameter(&kinde.sign_in(&url, &alice).unwrap(), "code").is_some());
}

/// The rows link-expired of Kinde's callbacks.
#[tokio::test]
async fn expired_link_brings_back_what_to_ask_again_where_the_application_understands_it() {
    let kinde = Environment::start().await;
    let acme = kinde.org("acme");
    let _ = kinde.person("alice").in_org("acme").remember();
    let asked = [("org_code", acme.code()), ("prompt", "login"), ("supports_reauth", "true")];
    kinde.refuse_next_sign_in("login_link_expired", "The link has expired");
    let callback = location(&Browser::new().get(&authorization_url(&kinde, &asked)).await);
    assert_eq!(parameter(&callback, "error").as_deref(), Some("login_link_expired"));
    let reauth_state = parameter(&callback, "reauth_state").unwrap();
    let replayed: Value = serde_json::from_slice(&STANDARD.decode(&reauth_state).unwrap()).unwrap();
    assert_eq!(replayed, json!({ "org_code": acme.code(), "prompt": "login" }));

    let again = authorization_url(&kinde, &[("reauth_state", &reauth_state)]);
    let callback = kinde.sign_in(&again, &kinde.person("alice")).unwrap();
    let (_, tokens) = Browser::new().exchange(&kinde, &parameter(&callback, "code").unwrap()).await;
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["org_code"], acme.code());

    kinde.refuse_next_sign_in("login_link_expired", "The link has expired");
    let callback = location(&Browser::new().get(&authorization_url(&kinde, &[])).await);
    assert_eq!(parameter(&callback, "reauth_state"), None);
}

#[tokio::test]
async fn next_sign_in_ends_at_one_of_kindes_pages() {
    let kinde = Environment::start().await;
    let url = authorization_url(&kinde, &[]);
    for code in [1656, 1706, 2201, 4032, 9697] {
        kinde.show_error_at_next_sign_in(code);
        let answer = Browser::new().get(&url).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert!(answer.text().await.unwrap().contains(&code.to_string()));
        kinde.show_error_at_next_sign_in(code);
        let refused = kinde.sign_in(&url, &kinde.person("alice"));
        assert!(matches!(refused, Err(SignInError::Page { code: shown, .. }) if shown == code));
    }
}

#[tokio::test]
async fn next_token_request_fails_and_uses_nothing_up() {
    let kinde = Environment::start().await;
    let browser = Browser::new();
    let tokens = browser.tokens(&kinde, SCOPES).await;
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let rows = [
        ("invalid_request", StatusCode::BAD_REQUEST),
        ("invalid_client", StatusCode::UNAUTHORIZED),
        ("invalid_grant", StatusCode::BAD_REQUEST),
        ("invalid_scope", StatusCode::BAD_REQUEST),
        ("unauthorized_client", StatusCode::BAD_REQUEST),
        ("unsupported_grant_type", StatusCode::BAD_REQUEST),
        ("server_error", StatusCode::INTERNAL_SERVER_ERROR),
    ];
    for (error, expected) in rows {
        kinde.fail_next_token_request(error, "as asked for");
        let (status, body) = browser.token(&kinde, &refresh).await;
        assert_eq!(
            (status, &body),
            (expected, &json!({ "error": error, "error_description": "as asked for" }))
        );
    }
    assert_eq!(browser.token(&kinde, &refresh).await.0, StatusCode::OK);
}

#[tokio::test]
async fn callback_is_wrong_in_the_one_way_asked_for() {
    let kinde = Environment::start().await;
    let url = authorization_url(&kinde, &[]);
    let sign_in = || kinde.sign_in(&url, &kinde.person("alice")).unwrap();
    let states = |callback: &str| {
        let url = reqwest::Url::parse(callback).unwrap();
        url.query_pairs()
            .filter(|(name, _)| name == "state")
            .map(|(_, value)| value.into_owned())
            .collect::<Vec<_>>()
    };
    let rows = [
        (WrongAnswer::WrongState, vec!["0000000000000000"], true),
        (WrongAnswer::MissingState, vec![], true),
        (WrongAnswer::RepeatedState, vec![STATE, "ffff"], true),
        (WrongAnswer::MissingCode, vec![STATE], false),
    ];
    for (wrong, expected, has_code) in rows {
        kinde.answer_wrongly(wrong);
        let callback = sign_in();
        assert_eq!(states(&callback), expected, "{wrong}");
        assert_eq!(parameter(&callback, "code").is_some(), has_code, "{wrong}");
        assert_eq!(states(&sign_in()), [STATE], "after {wrong}");
    }
    kinde.answer_wrongly(WrongAnswer::ForeignCode);
    let (_, refused) = Browser::new().exchange(&kinde, &parameter(&sign_in(), "code").unwrap()).await;
    assert_eq!(refused["error"], "invalid_grant");
}

#[tokio::test]
async fn tokens_are_wrong_in_the_one_way_asked_for() {
    let kinde = Environment::start().await;
    let tokens = |wrong: Option<WrongAnswer>| {
        wrong.into_iter().for_each(|wrong| kinde.answer_wrongly(wrong));
        let kinde = &kinde;
        async move { Browser::new().tokens(kinde, SCOPES).await }
    };
    let good = tokens(None).await;
    let id_claim = |tokens: &Value, name: &str| claims(tokens["id_token"].as_str().unwrap())[name].clone();
    let access_claim =
        |tokens: &Value, name: &str| claims(tokens["access_token"].as_str().unwrap())[name].clone();
    assert_eq!(id_claim(&good, "nonce"), "n-1");

    assert_eq!(id_claim(&tokens(Some(WrongAnswer::WrongNonce)).await, "nonce"), "0000000000000000");
    assert_eq!(id_claim(&tokens(Some(WrongAnswer::MissingNonce)).await, "nonce"), Value::Null);
    let foreign = tokens(Some(WrongAnswer::ForeignIssuer)).await;
    for issuer in [id_claim(&foreign, "iss"), access_claim(&foreign, "iss")] {
        assert_eq!(issuer, "https://somebody-else.kinde.com");
    }
    assert_eq!(foreign["expires_in"], good["expires_in"]);
    let foreign = tokens(Some(WrongAnswer::ForeignAudience)).await;
    for audience in [id_claim(&foreign, "aud"), access_claim(&foreign, "aud")] {
        assert_eq!(audience, json!(["https://api.somebody-else.example"]));
    }
    assert_ne!(access_claim(&foreign, "azp"), kinde.client_id());
    assert!(tokens(Some(WrongAnswer::MissingIdToken)).await.get("id_token").is_none());
    assert!(tokens(Some(WrongAnswer::MissingAccessToken)).await.get("access_token").is_none());

    kinde.answer_wrongly(WrongAnswer::MissingIdToken);
    kinde.answer_rightly();
    assert!(tokens(None).await.get("id_token").is_some());
}
