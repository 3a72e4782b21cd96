//! API keys, and what verifying them tells.

use kinde_emulator::Environment;
use serde_json::{Value, json};

use crate::calling::{Api, client, each, world};

/// An API with one scope; returns its id and the scope's.
async fn invoices(kinde: &Environment, api: &Api) -> (Value, Value) {
    kinde.register_api("https://api.example.test", &["read:invoices"]);
    let listed = api.got("apis?expand=scopes").await;
    let known = listed["apis"]
        .as_array()
        .unwrap()
        .iter()
        .find(|known| known["is_management_api"] == false)
        .unwrap()
        .clone();
    (known["id"].clone(), known["scopes"][0]["id"].clone())
}

async fn key(api: &Api, details: Value) -> (String, Value) {
    let created = api.done("POST api_keys", details).await;
    (created["api_key"]["id"].as_str().unwrap().to_owned(), created["api_key"]["key"].clone())
}

#[tokio::test]
async fn key_of_an_organization_is_good_until_it_is_rotated_or_deleted() {
    let (kinde, api) = world().await;
    let (api_id, scope) = invoices(&kinde, &api).await;
    let code = api.organization("Acme").await;
    let details = json!({ "name": "k", "type": "organization", "api_id": api_id, "scope_ids": [scope], "org_code": code });
    let (id, secret) = key(&api, details).await;
    let anybody = Api::with_token(&kinde, "");
    let told = anybody.done("POST api_keys/verify", json!({ "api_key": secret })).await;
    assert_eq!((&told["is_valid"], &told["scopes"]), (&json!(true), &json!(["read:invoices"])));
    assert_eq!((&told["org_code"], &told["user_id"]), (&json!(code), &Value::Null));
    let rotated = api.done(&format!("PUT api_keys/{id}"), Value::Null).await;
    assert_eq!((&rotated["code"], &rotated["api_key"]["id"]), (&json!("API_KEY_ROTATED"), &json!(id)));
    let refused = (401, "API_KEY_INVALID".to_owned());
    assert_eq!(anybody.refused("POST api_keys/verify", json!({ "api_key": secret })).await, refused);
    let secret = &rotated["api_key"]["key"];
    anybody.done("POST api_keys/verify", json!({ "api_key": secret })).await;
    assert_eq!(api.got(&format!("api_keys/{id}")).await["api_key"]["verification_count"], 2);
    api.done(&format!("DELETE api_keys/{id}"), Value::Null).await;
    assert_eq!(anybody.refused("POST api_keys/verify", json!({ "api_key": secret })).await, refused);
    for operation in ["GET", "PUT", "DELETE"] {
        let gone = api.refused(&format!("{operation} api_keys/{id}"), Value::Null).await;
        assert_eq!(gone, (404, "API_KEY_NOT_FOUND".to_owned()), "{operation}");
    }
}

#[tokio::test]
async fn revoked_key_is_known_and_not_valid() {
    let kinde = Environment::builder().with_control_api().start().await;
    let api = Api::of(&kinde).await;
    let (api_id, scope) = invoices(&kinde, &api).await;
    let user = api.user("ada@example.test").await;
    let details =
        json!({ "name": "k", "type": "user", "api_id": api_id, "scope_ids": [scope], "user_id": user });
    let (id, secret) = key(&api, details).await;
    let control = format!("{}/_emulator/revoke_api_key", kinde.url());
    for (id, status) in [(id.as_str(), 200), ("api_key_1", 404)] {
        let answer = client().post(&control).json(&json!({ "id": id })).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
    assert!(kinde.revoke_api_key(&id) && !kinde.revoke_api_key("api_key_1"));
    let told = api.done("POST api_keys/verify", json!({ "api_key": secret })).await;
    assert_eq!((&told["is_valid"], &told["status"]), (&json!(false), &json!("revoked")));
    assert_eq!((&told["scopes"], &told["user_id"]), (&json!([]), &json!(user)));
    assert_eq!((&told["verification_count"], &told["last_verified_on"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn keys_are_listed_without_their_secrets() {
    let (kinde, api) = world().await;
    let (api_id, scope) = invoices(&kinde, &api).await;
    let (code, user) = (api.organization("Acme").await, api.user("ada@example.test").await);
    let of = |owner: Value| {
        let mut details = json!({ "name": "k", "api_id": api_id, "scope_ids": [scope] });
        details.as_object_mut().unwrap().extend(owner.as_object().unwrap().clone());
        details
    };
    let (one, secret) = key(&api, of(json!({ "type": "organization", "org_code": code }))).await;
    let (two, _) = key(&api, of(json!({ "type": "user", "user_id": user }))).await;
    let (three, _) = key(&api, of(json!({ "type": "environment" }))).await;
    let rows = [
        (String::new(), vec![&one, &two, &three]),
        ("key_type=user".to_owned(), vec![&two]),
        (format!("user_id={user}"), vec![&two]),
        (format!("org_code={code}"), vec![&one]),
        ("status=revoked".to_owned(), vec![]),
        (format!("page_size=1&starting_after={one}"), vec![&two]),
    ];
    for (query, expected) in rows {
        let listed = api.got(&format!("api_keys?{query}")).await;
        assert_eq!(each(&listed["api_keys"], "id"), expected, "{query}");
        assert!(!listed.to_string().contains(secret.as_str().unwrap()));
    }
    let known = &api.got(&format!("api_keys/{one}")).await["api_key"];
    assert_eq!((&known["created_by"], &known["organization_id"]), (&json!("manager"), &json!(code)));
}

#[tokio::test]
async fn key_with_a_mistake_is_refused() {
    let (kinde, api) = world().await;
    let (api_id, _) = invoices(&kinde, &api).await;
    let rows = [
        (json!({ "name": "k", "type": "user", "api_id": api_id }), "USER_ID_REQUIRED"),
        (json!({ "name": "k", "type": "user", "api_id": api_id, "user_id": "kp_1" }), "USER_INVALID"),
        (
            json!({ "name": "k", "type": "organization", "api_id": api_id, "org_code": "org_1" }),
            "ORGANIZATION_NOT_FOUND",
        ),
        (json!({ "name": "k", "type": "galaxy", "api_id": api_id }), "TYPE_INVALID"),
        (json!({ "name": "k", "type": "environment", "api_id": "none" }), "API_NOT_FOUND"),
        (
            json!({ "name": "k", "type": "environment", "api_id": api_id, "scope_ids": ["none"] }),
            "SCOPE_NOT_FOUND",
        ),
    ];
    for (body, code) in rows {
        assert_eq!(api.refused("POST api_keys", body).await, (400, code.to_owned()));
    }
    for body in [json!({}), json!({ "api_key": "" }), json!({ "api_key": 1 })] {
        assert_eq!(api.refused("POST api_keys/verify", body).await.0, 400);
    }
}

#[tokio::test]
async fn verification_takes_a_token_where_that_was_chosen() {
    let kinde = Environment::builder().with_guarded_api_key_verification().start().await;
    let body = json!({ "api_key": "k_live_nothing" });
    let anybody = Api::with_token(&kinde, "");
    assert_eq!(anybody.refused("POST api_keys/verify", body.clone()).await.0, 403);
    assert_eq!(Api::of(&kinde).await.refused("POST api_keys/verify", body).await.0, 401);
}
