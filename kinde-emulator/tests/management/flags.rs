//! Feature flags and what overrides them.

use kinde_emulator::Environment;
use serde_json::{Value, json};

use crate::{
    browser::claims,
    calling::{Api, world},
};

async fn seats(api: &Api) {
    let body = json!({
        "name": "Seats", "key": "seats", "type": "int", "default_value": "5", "allow_override_level": "usr",
    });
    api.done("POST feature_flags", body).await;
}

fn seats_of_alice(kinde: &Environment) -> Value {
    let flags = claims(&kinde.person("alice").access_token())["feature_flags"].clone();
    flags["seats"].clone()
}

#[tokio::test]
async fn nearest_override_reaches_the_token_and_ends() {
    let (kinde, api) = world().await;
    seats(&api).await;
    let alice = kinde.person("alice");
    alice.add_to_org("acme");
    assert_eq!(seats_of_alice(&kinde), json!({ "t": "i", "v": 5 }));
    let organization = format!("organizations/{}/feature_flags", kinde.org("acme").code());
    api.done("PATCH environment/feature_flags/seats", json!({ "value": "10" })).await;
    assert_eq!(seats_of_alice(&kinde)["v"], 10);
    api.done(&format!("PATCH {organization}/seats?value=20"), Value::Null).await;
    assert_eq!(seats_of_alice(&kinde)["v"], 20);
    api.done(&format!("PATCH users/{}/feature_flags/seats?value=-3", alice.id()), Value::Null).await;
    assert_eq!(seats_of_alice(&kinde)["v"], -3);
    alice.unset_flag("seats");
    let overrides = json!({ "seats": { "type": "int", "value": 20 } });
    assert_eq!(api.got(&organization).await["feature_flags"], overrides);
    api.done(&format!("DELETE {organization}/seats"), Value::Null).await;
    let again = api.refused(&format!("DELETE {organization}/seats"), Value::Null).await;
    assert_eq!(again, (400, "FEATURE_FLAG_NOT_FOUND".to_owned()));
    let overrides = json!({ "seats": { "type": "int", "value": 10 } });
    assert_eq!(api.got("environment/feature_flags").await["feature_flags"], overrides);
    api.done("DELETE environment/feature_flags/seats", Value::Null).await;
    assert_eq!(seats_of_alice(&kinde)["v"], 5);
}

#[tokio::test]
async fn every_override_of_one_place_ends_at_once() {
    let (kinde, api) = world().await;
    seats(&api).await;
    let code = api.organization("Acme").await;
    let organization = format!("organizations/{code}/feature_flags");
    api.done(&format!("PATCH {organization}/seats?value=20"), Value::Null).await;
    api.done(&format!("DELETE {organization}"), Value::Null).await;
    assert_eq!(api.got(&organization).await["feature_flags"], json!({}));
    kinde.flag("seats").set(7);
    api.done("DELETE environment/feature_flags", Value::Null).await;
    assert_eq!(api.got("environment/feature_flags").await["feature_flags"], json!({}));
}

#[tokio::test]
async fn flag_is_changed_by_the_query_and_deleted() {
    let (kinde, api) = world().await;
    seats(&api).await;
    let query = "name=Places&description=&type=str&allow_override_level=env&default_value=many%20more";
    api.done(&format!("PUT feature_flags/seats?{query}"), Value::Null).await;
    assert_eq!(seats_of_alice(&kinde), json!({ "t": "s", "v": "many more" }));
    assert_eq!(kinde.flag("seats").details().name, "Places");
    let code = api.organization("Acme").await;
    let nearer =
        api.refused(&format!("PATCH organizations/{code}/feature_flags/seats?value=x"), Value::Null).await;
    assert_eq!(nearer, (400, "OVERRIDE_NOT_ALLOWED".to_owned()));
    api.done("DELETE feature_flags/seats", Value::Null).await;
    let gone = api.refused("DELETE feature_flags/seats", Value::Null).await;
    assert_eq!(gone, (400, "FEATURE_FLAG_NOT_FOUND".to_owned()));
    assert!(claims(&kinde.person("alice").access_token()).get("feature_flags").is_none());
}

#[tokio::test]
async fn value_of_another_type_and_key_that_is_taken_are_refused() {
    let (_kinde, api) = world().await;
    seats(&api).await;
    let code = api.organization("Acme").await;
    for value in ["many", "1.5", "true"] {
        let path = format!("PATCH organizations/{code}/feature_flags/seats?value={value}");
        assert_eq!(api.refused(&path, Value::Null).await.1, "FEATURE_FLAG_VALUE_INVALID", "{value}");
    }
    let flag = |key: &str, kind: &str, value: &str| json!({ "name": "A", "key": key, "type": kind, "default_value": value });
    let rows = [
        (flag("seats", "int", "1"), "FEATURE_FLAG_ALREADY_EXISTS"),
        (flag("a", "date", "1"), "TYPE_INVALID"),
        (flag("a", "bool", "1"), "FEATURE_FLAG_VALUE_INVALID"),
        (json!({ "name": "A", "key": "a", "type": "str" }), "DEFAULT_VALUE_REQUIRED"),
    ];
    for (body, code) in rows {
        assert_eq!(api.refused("POST feature_flags", body).await, (400, code.to_owned()));
    }
}
