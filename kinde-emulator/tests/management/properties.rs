//! Properties and their values.

use serde_json::{Value, json};

use crate::{
    browser::claims,
    calling::{Api, each, world},
};

async fn property(api: &Api, key: &str, context: &str) -> String {
    let category = json!({ "name": format!("About {key}"), "context": context });
    let category = api.done("POST property_categories", category).await["category"]["id"].clone();
    let body = json!({
        "name": key, "key": key, "type": "single_line_text", "context": context, "is_private": false,
        "category_id": category,
    });
    api.done("POST properties", body).await["property"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn values_of_people_and_organizations_reach_the_token() {
    let (kinde, api) = world().await;
    property(&api, "shift", "usr").await;
    property(&api, "city", "org").await;
    let alice = kinde.person("alice");
    alice.add_to_org("acme");
    let organization = format!("organizations/{}/properties", kinde.org("acme").code());
    api.done(&format!("PUT users/{}/properties/shift?value=night%20%26%20day", alice.id()), Value::Null)
        .await;
    api.done(&format!("PATCH {organization}"), json!({ "properties": { "city": "Ghent" } })).await;
    let token = claims(&alice.access_token());
    assert_eq!(token["user_properties"]["shift"]["v"], "night & day");
    assert_eq!(token["organization_properties"]["city"]["v"], "Ghent");
    let values = api.got(&format!("users/{}/properties", alice.id())).await;
    assert_eq!(values["properties"][0]["value"], "night & day");
    api.done(&format!("PUT {organization}/city?value=Bruges"), Value::Null).await;
    assert_eq!(api.got(&organization).await["properties"][0]["value"], "Bruges");
    api.done(&format!("PATCH users/{}/properties", alice.id()), json!({ "properties": { "shift": null } }))
        .await;
    assert_eq!(claims(&alice.access_token())["user_properties"]["shift"], json!({}));
}

#[tokio::test]
async fn property_of_others_is_not_there() {
    let (kinde, api) = world().await;
    property(&api, "city", "org").await;
    let alice = kinde.person("alice");
    for key in ["city", "nothing"] {
        let path = format!("PUT users/{}/properties/{key}?value=1", alice.id());
        assert_eq!(api.refused(&path, Value::Null).await, (400, "PROPERTY_NOT_FOUND".to_owned()), "{key}");
    }
    assert_eq!(each(&api.got("properties?context=org").await["properties"], "key"), ["city"]);
    assert_eq!(api.got("properties?context=usr").await["properties"], json!([]));
}

#[tokio::test]
async fn property_is_changed_and_deleted_with_its_values() {
    let (kinde, api) = world().await;
    let id = property(&api, "shift", "usr").await;
    kinde.person("alice").set_property("shift", "night");
    let category = api.got("property_categories?context=usr").await["categories"][0]["id"].clone();
    let body = json!({ "name": "Shift", "is_private": true, "category_id": category });
    api.done(&format!("PUT properties/{id}"), body).await;
    let known = api.got("properties").await;
    assert_eq!(
        (&known["properties"][0]["name"], &known["properties"][0]["is_private"]),
        (&json!("Shift"), &json!(true))
    );
    let path = format!("property_categories/{}", category.as_str().unwrap());
    api.done(&format!("PUT {path}"), json!({ "name": "Work" })).await;
    assert_eq!(each(&api.got("property_categories").await["categories"], "name"), ["Work"]);
    api.done(&format!("DELETE properties/{id}"), Value::Null).await;
    assert_eq!(api.refused(&format!("DELETE properties/{id}"), Value::Null).await.1, "PROPERTY_NOT_FOUND");
    assert!(claims(&kinde.person("alice").access_token()).get("user_properties").is_none());
}

#[tokio::test]
async fn property_with_a_mistake_is_refused() {
    let (_kinde, api) = world().await;
    property(&api, "shift", "usr").await;
    let category = api.got("property_categories").await["categories"][0]["id"].clone();
    let with = |name: &str, value: Value| {
        let mut body = json!({
            "name": "A", "key": "a", "type": "single_line_text", "context": "usr", "is_private": false,
            "category_id": category,
        });
        body[name] = value;
        body
    };
    let rows = [
        (with("key", json!("shift")), "PROPERTY_ALREADY_EXISTS"),
        (with("type", json!("number")), "TYPE_INVALID"),
        (with("context", json!("galaxy")), "CONTEXT_INVALID"),
        (with("is_private", Value::Null), "IS_PRIVATE_REQUIRED"),
        (with("category_id", json!("category_1")), "CATEGORY_NOT_FOUND"),
    ];
    for (body, code) in rows {
        assert_eq!(api.refused("POST properties", body).await, (400, code.to_owned()));
    }
}

#[tokio::test]
async fn property_of_a_machine_reaches_its_token() {
    let (kinde, api) = world().await;
    property(&api, "tier", "app").await;
    let machine = kinde.machine("billing");
    let path = format!("applications/{}/properties", machine.client_id());
    api.done(&format!("PUT {path}/tier"), json!({ "value": "gold" })).await;
    assert_eq!(api.got(&path).await["properties"][0]["value"], "gold");
    assert_eq!(claims(&machine.access_token())["application_properties"], json!({ "tier": { "v": "gold" } }));
    assert_eq!(api.refused(&format!("PUT {path}/tier"), json!({ "value": 1 })).await.1, "VALUE_INVALID");
}
