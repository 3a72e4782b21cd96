//! Applications, their callbacks, and the APIs they may use.

use kinde_emulator::Environment;
use serde_json::{Value, json};

use crate::{
    browser::claims,
    calling::{client, each, world},
};

/// Asks the token endpoint as a machine; returns the answer.
async fn token(kinde: &Environment, application: &Value, audience: &str, scope: &str) -> Value {
    let text = |name: &str| application[name].as_str().unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", text("client_id")),
        ("client_secret", text("client_secret")),
        ("audience", audience),
        ("scope", scope),
    ];
    let answer = client().post(format!("{}/oauth2/token", kinde.url())).form(&form).send().await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test]
async fn application_is_created_changed_and_deleted() {
    let (kinde, api) = world().await;
    let created = api.done("POST applications", json!({ "name": "Shop", "type": "reg" })).await;
    let id = created["application"]["client_id"].as_str().unwrap();
    assert_eq!(created["application"]["id"], id);
    let path = format!("applications/{id}");
    let body = json!({
        "name": "Shop 2", "redirect_uris": ["http://localhost:3000/callback"], "login_uri": "http://localhost:3000/login",
        "is_ask_for_name": false,
    });
    api.done(&format!("PATCH {path}"), body).await;
    let known = &api.got(&path).await["application"];
    assert_eq!((&known["name"], &known["type"]), (&json!("Shop 2"), &json!("reg")));
    assert_eq!(
        (&known["login_uri"], &known["is_ask_for_name"]),
        (&json!("http://localhost:3000/login"), &json!(false))
    );
    let query = format!(
        "client_id={id}&redirect_uri=http://localhost:3000/callback&response_type=code&scope=openid&state=12345678"
    );
    let url = format!("{}/oauth2/auth?{query}", kinde.url());
    assert!(kinde.sign_in(&url, &kinde.person("alice")).unwrap().contains("code="));
    api.done(&format!("DELETE {path}"), Value::Null).await;
    assert_eq!(
        api.refused(&format!("GET {path}"), Value::Null).await,
        (400, "APPLICATION_NOT_FOUND".to_owned())
    );
    assert!(kinde.sign_in(&url, &kinde.person("alice")).is_err());
}

#[tokio::test]
async fn every_type_of_application_is_told_back() {
    let (_kinde, api) = world().await;
    for (kind, has_secret) in [("reg", true), ("spa", false), ("m2m", true), ("device", false)] {
        let first = api.done("POST applications", json!({ "name": "Same name", "type": kind })).await;
        let second = api.done("POST applications", json!({ "name": "Same name", "type": kind })).await;
        assert_ne!(first["application"]["id"], second["application"]["id"]);
        let path = format!("applications/{}", first["application"]["id"].as_str().unwrap());
        let known = api.got(&path).await;
        assert_eq!(
            (&known["application"]["type"], &known["application"]["name"]),
            (&json!(kind), &json!("Same name"))
        );
        assert_eq!(known["application"]["client_secret"].is_string(), has_secret, "{kind}");
    }
    let unknown = api.refused("POST applications", json!({ "name": "A", "type": "web" })).await;
    assert_eq!(unknown, (400, "APPLICATION_TYPE_INVALID".to_owned()));
    let listed = api.got("applications?page_size=500&sort=name_asc").await;
    assert_eq!(each(&listed["applications"], "name").iter().filter(|name| **name == "Same name").count(), 8);
}

#[tokio::test]
async fn callbacks_and_logout_urls_are_added_replaced_and_deleted() {
    let (kinde, api) = world().await;
    for (path, list) in [("auth_redirect_urls", "redirect_urls"), ("auth_logout_urls", "logout_urls")] {
        let path = format!("applications/{}/{path}", kinde.client_id());
        let (one, two) = ("http://localhost:3000/1?a=b", "http://localhost:3000/2");
        api.done(&format!("PUT {path}"), json!({ "urls": [one] })).await;
        api.done(&format!("POST {path}"), json!({ "urls": [one, two] })).await;
        assert_eq!(api.got(&path).await[list], json!([one, two]));
        api.done(&format!("DELETE {path}?urls=http%3A%2F%2Flocalhost%3A3000%2F1%3Fa%3Db"), Value::Null).await;
        assert_eq!(api.got(&path).await[list], json!([two]));
        assert_eq!(api.refused(&format!("POST {path}"), json!({})).await.1, "URLS_REQUIRED");
        assert_eq!(
            api.refused(&format!("PUT {path}"), json!({ "urls": ["callback"] })).await.1,
            "URLS_INVALID"
        );
        assert_eq!(api.refused(&format!("DELETE {path}"), Value::Null).await.1, "URLS_REQUIRED");
    }
}

#[tokio::test]
async fn machine_uses_an_api_only_once_it_is_authorized() {
    let (kinde, api) = world().await;
    let audience = "https://invoices.example.test";
    let machine = api.done("POST applications", json!({ "name": "billing", "type": "m2m" })).await;
    let machine = &machine["application"];
    let created = api.done("POST apis", json!({ "name": "Invoices", "audience": audience })).await;
    let path = format!("apis/{}", created["api"]["id"].as_str().unwrap());
    let scope = api.done(&format!("POST {path}/scopes"), json!({ "key": "read:invoices" })).await;
    let scope = scope["scope"]["id"].as_str().unwrap();
    assert_eq!(token(&kinde, machine, audience, "").await["error"], "unauthorized_client");
    let body = json!({ "applications": [{ "id": machine["id"] }] });
    let changed = api.done(&format!("PATCH {path}/applications"), body).await;
    assert_eq!(changed["applications_connected"], json!([machine["id"]]));
    assert_eq!(token(&kinde, machine, audience, "read:invoices").await["error"], "invalid_scope");
    let authorized = format!("{path}/applications/{}/scopes/{scope}", machine["id"].as_str().unwrap());
    api.done(&format!("POST {authorized}"), Value::Null).await;
    let good = token(&kinde, machine, audience, "").await;
    assert_eq!(claims(good["access_token"].as_str().unwrap())["scp"], json!(["read:invoices"]));
    api.done(&format!("DELETE {authorized}"), Value::Null).await;
    assert_eq!(token(&kinde, machine, audience, "").await["scope"], "");
    let body = json!({ "applications": [{ "id": machine["id"], "operation": "delete" }] });
    api.done(&format!("PATCH {path}/applications"), body).await;
    assert_eq!(token(&kinde, machine, audience, "").await["error"], "unauthorized_client");
}

#[tokio::test]
async fn api_that_a_test_registered_is_open_until_somebody_is_disconnected() {
    let (kinde, api) = world().await;
    kinde.register_api("https://api.example.test", &["read:invoices"]);
    let (one, two) = (kinde.machine("one"), kinde.machine("two"));
    let listed = api.got("apis").await;
    let id = listed["apis"].as_array().unwrap().iter().find(|api| api["is_management_api"] == false).unwrap()
        ["id"]
        .as_str()
        .unwrap();
    let body = json!({ "applications": [{ "id": one.client_id(), "operation": "delete" }] });
    api.done(&format!("PATCH apis/{id}/applications"), body).await;
    let ask = async |machine: &kinde_emulator::Machine| {
        let secret = machine.client_secret();
        let application = json!({ "client_id": machine.client_id(), "client_secret": secret });
        token(&kinde, &application, "https://api.example.test", "read:invoices").await
    };
    assert_eq!(ask(&one).await["error"], "unauthorized_client");
    assert_eq!(ask(&two).await["scope"], "read:invoices");
    let known = &api.got(&format!("apis/{id}")).await["api"];
    let active = |id: &str| {
        let applications = known["applications"].as_array().unwrap();
        applications.iter().find(|application| application["id"] == id).unwrap()["is_active"].clone()
    };
    assert_eq!((active(one.client_id()), active(two.client_id())), (json!(false), json!(true)));
}

#[tokio::test]
async fn api_and_its_scopes_are_changed_and_deleted() {
    let (_kinde, api) = world().await;
    let body = json!({ "name": "Invoices", "audience": "https://api.example.test" });
    let id = api.done("POST apis", body.clone()).await["api"]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.refused("POST apis", body).await, (400, "API_ALREADY_EXISTS".to_owned()));
    let scopes = format!("apis/{id}/scopes");
    let scope = api.done(&format!("POST {scopes}"), json!({ "key": "read:invoices" })).await;
    let scope = format!("{scopes}/{}", scope["scope"]["id"].as_str().unwrap());
    assert_eq!(
        api.refused(&format!("POST {scopes}"), json!({ "key": "read:invoices" })).await.1,
        "SCOPE_ALREADY_EXISTS"
    );
    api.done(&format!("PATCH {scope}"), json!({ "description": "See them" })).await;
    assert_eq!(api.got(&scope).await["scope"]["description"], "See them");
    api.done(&format!("DELETE {scope}"), Value::Null).await;
    assert_eq!(api.got(&scopes).await["scopes"], json!([]));
    assert_eq!(api.refused(&format!("GET {scope}"), Value::Null).await.1, "SCOPE_NOT_FOUND");
    assert_eq!(api.done(&format!("DELETE apis/{id}"), Value::Null).await["code"], "API_DELETED");
    assert_eq!(api.refused(&format!("GET apis/{id}"), Value::Null).await, (400, "API_NOT_FOUND".to_owned()));
    let management = api.got("apis").await["apis"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.refused(&format!("DELETE apis/{management}"), Value::Null).await.1, "API_NOT_DELETABLE");
}
