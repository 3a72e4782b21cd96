//! Answers have the members of the samples, with values of the same types.

use serde_json::{Value, json};

use crate::{browser::Browser, calling::world};

macro_rules! sample {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("samples/", $name, ".json"))).unwrap()
    };
}

/// Every member of the sample is in the answer; null fits everything, because samples leave out what is unknown.
fn assert_fits(answer: &Value, sample: &Value, place: &str) {
    match (answer, sample) {
        (Value::Object(answer), Value::Object(sample)) => {
            for (name, expected) in sample {
                let found = answer.get(name).unwrap_or_else(|| panic!("{place}.{name} is missing"));
                assert_fits(found, expected, &format!("{place}.{name}"));
            }
        }
        (Value::Array(answer), Value::Array(sample)) => {
            let Some(expected) = sample.first() else { return };
            let found = answer.first().unwrap_or_else(|| panic!("{place} is empty"));
            assert_fits(found, expected, &format!("{place}[0]"));
        }
        (Value::Null, _) | (_, Value::Null) => {}
        _ => {
            let kinds = (std::mem::discriminant(answer), std::mem::discriminant(sample));
            assert_eq!(kinds.0, kinds.1, "{place}: {answer} and {sample}");
        }
    }
}

#[tokio::test]
async fn answers_have_the_members_of_the_samples() {
    let (kinde, api) = world().await;
    let browser = Browser::new();
    kinde.add_webhook("http://127.0.0.1:1/hooks/kinde").unwrap();
    kinde.person("alice").add_to_org("acme");
    browser.tokens(&kinde, "openid offline").await;
    let id = kinde.person("alice").id().to_owned();
    let user = api.got(&format!("user?id={id}&expand=organizations,identities,billing")).await;
    assert_fits(&user, &sample!("user"), "user");
    let _ = kinde.person("bob");
    assert_fits(&api.got("users?page_size=1").await, &sample!("users-page"), "users-page");
    assert_fits(&api.got(&format!("users/{id}/sessions")).await, &sample!("sessions"), "sessions");
    assert_fits(&api.got("webhooks").await, &sample!("webhooks"), "webhooks");
    assert_fits(&api.got("event_types").await, &sample!("event_types"), "event_types");
    let event = kinde.trigger("user.deleted");
    assert_fits(&api.got(&format!("events/{event}")).await, &sample!("event"), "event");
}

#[tokio::test]
async fn api_key_and_its_verification_have_the_members_of_the_samples() {
    let (kinde, api) = world().await;
    let apis = api.got("apis").await;
    let details = json!({ "name": "k", "type": "environment", "api_id": apis["apis"][0]["id"] });
    let created = api.done("POST api_keys", details).await;
    assert_fits(&created, &sample!("api-key-created"), "api-key-created");
    let samples = sample!("api-key-verify");
    let body = json!({ "api_key": created["api_key"]["key"] });
    let valid = api.done("POST api_keys/verify", body.clone()).await;
    let mut expected = samples["valid"].clone();
    expected["scopes"] = json!([]);
    assert_fits(&valid, &expected, "valid");
    kinde.revoke_api_key(created["api_key"]["id"].as_str().unwrap());
    assert_fits(&api.done("POST api_keys/verify", body).await, &samples["inactive"], "inactive");
    let answer = api.response("POST api_keys/verify", Some(&json!({ "api_key": "k_live_x" }))).await;
    assert_eq!(answer.status().as_u16(), samples["unauthorised"]["status"]);
    assert_eq!(answer.json::<Value>().await.unwrap(), samples["unauthorised"]["body"]);
}

#[tokio::test]
async fn refusals_are_those_of_the_samples() {
    let (kinde, api) = world().await;
    let samples = sample!("errors");
    let unknown = api.response("GET user?id=kp_nobody", None).await;
    assert_eq!(unknown.status().as_u16(), 400);
    assert_eq!(unknown.json::<Value>().await.unwrap(), samples["400"]);
    let stranger = crate::calling::Api::with_token(&kinde, "");
    let refused = stranger.response("GET users", None).await;
    assert_eq!(refused.status().as_u16(), 403);
    let error = refused.json::<Value>().await.unwrap()["errors"][0].clone();
    let expected = &samples["403"]["errors"][0];
    assert_eq!(error["code"], expected["code"]);
    assert!(error["message"].as_str().unwrap().starts_with(expected["message"].as_str().unwrap()));
}
