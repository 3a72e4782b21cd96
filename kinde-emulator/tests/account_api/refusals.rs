//! Who is refused, and how.

use kinde_emulator::Environment;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::asking::{asked, response, told};

const PATHS: [&str; 9] = [
    "permissions",
    "permission/create:todos",
    "roles",
    "feature_flags",
    "entitlements",
    "entitlement/seats",
    "entitlement?key=seats",
    "properties",
    "portal_link",
];

fn sample() -> Value {
    let errors: Value = serde_json::from_str(include_str!("samples/errors.json")).unwrap();
    errors["403"].clone()
}

#[tokio::test]
async fn whoever_has_no_live_access_token_of_a_person_gets_the_403_of_the_sample() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice").in_org("acme");
    let bob = kinde.person("bob");
    let of_bob = bob.access_token();
    bob.delete();
    let good = alice.access_token();
    let bearer = |token: &str| vec![format!("Bearer {token}")];
    let rows = [
        ("no header", Vec::new()),
        ("another scheme", vec![format!("Basic {good}")]),
        ("two headers", vec![format!("Bearer {good}"), format!("Bearer {good}")]),
        ("no token", bearer("")),
        ("expired", bearer(&alice.expired().access_token())),
        ("ID token", bearer(&alice.id_token())),
        ("machine token", bearer(&kinde.machine("billing").access_token())),
        ("webhook", bearer(&kinde.event("user.created").token())),
        ("another key", bearer(&alice.wrong().other_key())),
        ("deleted person", bearer(&of_bob)),
    ];
    for (name, authorization) in rows {
        let authorization: Vec<_> = authorization.iter().map(String::as_str).collect();
        for path in PATHS {
            let answer = response(&kinde, &format!("/account_api/v1/{path}"), &authorization).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name} at {path}");
            assert_eq!(answer.json::<Value>().await.unwrap(), sample(), "{name} at {path}");
        }
    }
}

#[tokio::test]
async fn revoked_token_is_refused_at_once() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    told(&kinde, "roles", &token).await;
    let client_secret = kinde.client_secret();
    let form =
        [("token", token.as_str()), ("client_id", kinde.client_id()), ("client_secret", &client_secret)];
    let client = Client::builder().no_proxy().build().unwrap();
    let revoked = client.post(format!("{}/oauth2/revoke", kinde.url())).form(&form).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::OK);
    assert_eq!(asked(&kinde, "/account_api/v1/roles", &token).await, (StatusCode::FORBIDDEN, sample()));
}

#[tokio::test]
async fn token_is_refused_from_its_last_second_on() {
    let kinde = Environment::start().await;
    kinde.set_time(1_790_000_000);
    let token = kinde.person("alice").access_token();
    kinde.set_time(1_790_086_399);
    told(&kinde, "roles", &token).await;
    kinde.set_time(1_790_086_400);
    assert_eq!(asked(&kinde, "/account_api/v1/roles", &token).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn token_of_an_environment_is_worth_nothing_at_the_one_beside_it() {
    let (ours, theirs) = (Environment::start().await, Environment::start().await);
    // The same person and the same keys in both.
    let token = ours.person("alice").access_token();
    assert_eq!(theirs.person("alice").id(), ours.person("alice").id());
    assert_eq!(theirs.signing_kid(), ours.signing_kid());
    for path in PATHS {
        let path = format!("/account_api/v1/{path}");
        assert_eq!(asked(&theirs, &path, &token).await, (StatusCode::FORBIDDEN, sample()), "{path}");
    }
    assert_eq!(asked(&theirs, "/oauth2/v2/user_profile", &token).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(asked(&ours, "/oauth2/v2/user_profile", &token).await.0, StatusCode::OK);
    let client = Client::builder().no_proxy().build().unwrap();
    let introspected = client
        .post(format!("{}/oauth2/introspect", theirs.url()))
        .bearer_auth(theirs.person("alice").access_token())
        .form(&[("token", &token)])
        .send()
        .await
        .unwrap();
    assert_eq!(introspected.json::<Value>().await.unwrap(), json!({ "active": false }));
}

#[tokio::test]
async fn what_is_not_there_is_a_named_error() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let rows = [
        ("entitlement/seats", 404, "ENTITLEMENT_NOT_FOUND"),
        ("entitlement?key=seats", 404, "ENTITLEMENT_NOT_FOUND"),
        ("entitlement", 400, "KEY_MISSING"),
        ("permission", 404, "ROUTE_NOT_FOUND"),
        ("user_organizations", 404, "ROUTE_NOT_FOUND"),
        ("feature_flags/beta", 404, "ROUTE_NOT_FOUND"),
        ("", 404, "ROUTE_NOT_FOUND"),
    ];
    for (path, status, code) in rows {
        let (answered, body) = asked(&kinde, &format!("/account_api/v1/{path}"), &token).await;
        assert_eq!((answered.as_u16(), &body["errors"][0]["code"]), (status, &Value::from(code)), "{path}");
    }
}

#[tokio::test]
async fn account_api_is_only_read() {
    let kinde = Environment::start().await;
    let client = Client::builder().no_proxy().build().unwrap();
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let request = client.request(method, format!("{}/account_api/v1/permissions", kinde.url()));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.json::<Value>().await.unwrap()["errors"][0]["code"], "METHOD_NOT_ALLOWED");
    }
    let head = client.head(format!("{}/account_api/v1/permissions", kinde.url())).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::FORBIDDEN);
}
