//! What every operation has in common: credentials, errors, paths and bodies.

use std::time::Duration;

use kinde_emulator::Environment;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::calling::{Api, client, world};

#[tokio::test]
async fn only_a_machine_with_a_good_token_for_this_api_and_scope_gets_in() {
    let kinde = Environment::start().await;
    let other = Environment::start().await;
    let audience = format!("{}/api", kinde.issuer());
    let manager = kinde.machine("manager").with_audience(&audience).with_scope("read:users");
    let elsewhere = other.machine("manager").with_audience(&audience).with_scope("read:users");
    let alice = kinde.person("alice").with_audience(&audience).with_scope("read:users");
    let rows = [
        ("no token", String::new(), "no bearer token"),
        ("no JWT", "swordfish".to_owned(), "malformed"),
        ("an expired token", manager.expired().access_token(), "expired"),
        ("a token of another key", manager.wrong().other_key(), "not one of this environment"),
        ("another environment's token", elsewhere.access_token(), "not one of this environment"),
        ("a person's token", alice.access_token(), "not one from client credentials"),
        ("an ID token", alice.id_token(), "not one from client credentials"),
        ("an event", kinde.webhook_token("user.created", json!({})), "malformed"),
        ("no audience", kinde.machine("manager").with_scope("read:users").access_token(), "the audience"),
        ("another scope", kinde.machine("manager").with_audience(&audience).access_token(), "read:users"),
    ];
    for (name, token, missing) in rows {
        let answer = Api::with_token(&kinde, &token).response("GET users", None).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["errors"][0]["code"], "INVALID_CREDENTIALS", "{name}");
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(missing), "{name}: {message}");
    }
    Api::with_token(&kinde, &manager.access_token()).got("users").await;
}

#[tokio::test]
async fn revoked_token_opens_nothing() {
    let kinde = Environment::start().await;
    let audience = format!("{}/api", kinde.issuer());
    let manager = kinde.machine("manager").with_audience(audience).with_scope("read:users");
    let token = manager.access_token();
    Api::with_token(&kinde, &token).got("users").await;
    let secret = manager.client_secret();
    let form = [("token", token.as_str()), ("client_id", manager.client_id()), ("client_secret", &secret)];
    let url = format!("{}/oauth2/revoke", kinde.url());
    assert!(client().post(url).form(&form).send().await.unwrap().status().is_success());
    let refused = Api::with_token(&kinde, &token).refused("GET users", Value::Null).await;
    assert_eq!(refused, (403, "INVALID_CREDENTIALS".to_owned()));
}

#[tokio::test]
async fn token_expires_by_the_clock_of_the_environment() {
    let kinde = Environment::start().await;
    kinde.set_time(1_790_000_000);
    let api = Api::of(&kinde).await;
    kinde.advance(Duration::from_secs(86_399));
    api.got("users").await;
    kinde.advance(Duration::from_secs(1));
    assert_eq!(api.refused("GET users", Value::Null).await.0, 403);
}

#[tokio::test]
async fn unknown_path_and_other_verb_are_told_apart() {
    let (_kinde, api) = world().await;
    for path in ["GET galaxies", "GET users/", "GET users/kp_1/galaxies", "GET roles/%ff"] {
        assert_eq!(api.refused(path, Value::Null).await, (404, "ROUTE_NOT_FOUND".to_owned()), "{path}");
    }
    let answer = api.response("PUT user", None).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "DELETE, GET, PATCH, POST");
}

#[tokio::test]
async fn operation_that_is_not_emulated_names_itself() {
    let (_kinde, api) = world().await;
    let answer = api.response("PUT users/kp_1/password", Some(&json!({}))).await;
    assert_eq!(answer.status(), StatusCode::NOT_IMPLEMENTED);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["errors"][0]["code"], "NOT_EMULATED");
    let message = body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("SetUserPassword (PUT /api/v1/users/{user_id}/password)"), "{message}");
}

#[tokio::test]
async fn body_that_is_no_object_or_too_long_is_refused_as_any_mistake_is() {
    let (kinde, _) = world().await;
    let audience = format!("{}/api", kinde.issuer());
    let token = kinde.machine("m").with_audience(audience).with_scope("create:roles").access_token();
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(3 << 20));
    for (status, code, text) in
        [(400, "INVALID_JSON", "{"), (400, "INVALID_JSON", "[1]"), (413, "BODY_REFUSED", long.as_str())]
    {
        let request = client().post(format!("{}/api/v1/roles", kinde.url())).bearer_auth(&token);
        let answer = request.body(text.to_owned()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["errors"][0]["code"], code, "{body}");
    }
}

#[tokio::test]
async fn value_of_another_type_is_named() {
    let (_kinde, api) = world().await;
    let rows = [
        ("POST organization", json!({}), "NAME_REQUIRED"),
        ("POST organization", json!({ "name": 1 }), "NAME_INVALID"),
        (
            "POST organization",
            json!({ "name": "A", "is_allow_registrations": "yes" }),
            "IS_ALLOW_REGISTRATIONS_INVALID",
        ),
        ("POST user", json!({ "identities": {} }), "IDENTITIES_INVALID"),
        ("POST user", json!({ "identities": [{ "type": "email" }] }), "IDENTITY_DETAILS_REQUIRED"),
        ("POST user", json!({ "profile": "Ada" }), "PROFILE_INVALID"),
        ("GET users?active_since=yesterday", Value::Null, "ACTIVE_SINCE_INVALID"),
        ("GET roles?sort=id_asc", Value::Null, "SORT_INVALID"),
    ];
    for (operation, body, code) in rows {
        assert_eq!(api.refused(operation, body).await, (400, code.to_owned()), "{operation}");
    }
}

#[tokio::test]
async fn two_environments_do_not_mix() {
    let ((one, one_api), (two, two_api)) = (world().await, world().await);
    let id = one_api.user("ada@example.test").await;
    assert_eq!(two_api.refused(&format!("GET user?id={id}"), Value::Null).await.0, 400);
    assert_eq!(two_api.got("users").await["users"], json!([]));
    assert_eq!(two_api.user("ada@example.test").await, id, "the same name has the same id everywhere");
    one_api.done(&format!("DELETE user?id={id}"), Value::Null).await;
    two_api.got(&format!("user?id={id}")).await;
    assert_ne!(one.issuer(), two.issuer());
}

/// The domain of a plain http issuer, as Kinde's management client spells the audience of one.
#[tokio::test]
async fn audience_with_two_schemes_is_the_management_api_too() {
    let kinde = Environment::start().await;
    let audience = format!("https://{}/api", kinde.issuer());
    let token = kinde.machine("m").with_audience(audience).with_scope("read:users").access_token();
    Api::with_token(&kinde, &token).got("users").await;
}
