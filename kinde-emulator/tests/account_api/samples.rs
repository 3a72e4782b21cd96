//! Every answer equals the sample of it, in a world made to the sample's measure; only the digits of ids differ.

use std::collections::BTreeMap;

use kinde_emulator::{Entitlement, Environment, Person};
use serde_json::{Value, json};

use crate::asking::{asked, told};

const ORG: &str = "org_7d21c9e04b6";

macro_rules! sample {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("samples/", $name, ".json"))).unwrap()
    };
}

/// Replaces the 32 hexadecimal digits of every id by their number, and puts lists in the order of their keys.
fn normalised(value: Value) -> Value {
    match value {
        Value::String(text) => match text.rsplit_once('_') {
            Some((prefix, digits)) if digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                format!("{prefix}_32").into()
            }
            _ => text.into(),
        },
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(normalised).collect();
            items.sort_by_key(|item| item["key"].as_str().map(str::to_owned));
            items.into()
        }
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, normalised(value))).collect()
        }
        other => other,
    }
}

fn assert_is_sample(answer: Value, sample: Value) {
    assert_eq!(normalised(answer), normalised(sample));
}

async fn world() -> (Environment, Person) {
    let kinde = Environment::start().await;
    let mira = kinde.person("mira").in_org(ORG);
    (kinde, mira)
}

#[tokio::test]
async fn permissions_are_as_the_sample_on_both_pages() {
    let (kinde, mira) = world().await;
    for number in 1..=10 {
        let key = format!("act:{number}");
        kinde.permission(&key).update(|details| details.name = format!("Permission {number}"));
        mira.add_permission(ORG, &key);
    }
    mira.add_permission(ORG, "close:tickets");
    let token = mira.access_token();
    let first = told(&kinde, "permissions", &token).await;
    let last = first["data"]["permissions"][9]["id"].clone();
    assert_eq!(first["metadata"]["next_page_starting_after"], last);
    let next = format!("permissions?starting_after={}", last.as_str().unwrap());
    let second = told(&kinde, &next, &token).await;
    assert_is_sample(first, sample!("permissions-page1"));
    assert_is_sample(second, sample!("permissions-page2"));
}

#[tokio::test]
async fn roles_are_as_the_sample() {
    let (kinde, mira) = world().await;
    mira.add_role(ORG, "dispatcher");
    let mut answer = told(&kinde, "roles", &mira.access_token()).await;
    // The samples differ in whether the last page names its last item; here it always does.
    let last = answer["metadata"]["next_page_starting_after"].take();
    assert_eq!(last, answer["data"]["roles"][0]["id"]);
    assert_is_sample(answer, sample!("roles"));
}

#[tokio::test]
async fn role_has_the_id_of_the_token_without_its_dashes() {
    let (kinde, mira) = world().await;
    mira.add_role(ORG, "dispatcher");
    let answer = told(&kinde, "roles", &mira.access_token()).await;
    let id = kinde.role("dispatcher").id().replace('-', "");
    assert_eq!(answer["data"]["roles"][0]["id"], format!("role_{id}"));
}

#[tokio::test]
async fn feature_flags_are_as_the_sample() {
    let (kinde, mira) = world().await;
    kinde.flag("compact_ui").update(|details| details.name = "Compact UI".to_owned());
    kinde.flag("seat_cap").update(|details| {
        details.name = "Seat cap".to_owned();
        details.set_default_value(10);
    });
    kinde.flag("limits").update(|details| details.set_default_value(json!({ "daily": 100 })));
    kinde.org(ORG).set_flag("seat_cap", 25);
    mira.set_flag("compact_ui", true);
    let answer = told(&kinde, "feature_flags", &mira.access_token()).await;
    assert_is_sample(answer, sample!("feature_flags"));
}

fn subscribe_to_fleet(kinde: &Environment) {
    // When the sample's organization subscribed.
    kinde.set_time(1_780_315_200);
    let fleet = kinde.plan("fleet");
    let seats = Entitlement::new("seats").with_unit_amount(900).with_minimum(1).with_maximum(25);
    fleet.add_entitlement(seats);
    let base = Entitlement::new("base").with_feature_name("Base price").with_price_name("Fleet base");
    fleet.add_entitlement(base.with_fixed_charge(4_900));
    kinde.org(ORG).subscribe("fleet");
}

#[tokio::test]
async fn entitlements_are_as_the_sample() {
    let (kinde, mira) = world().await;
    subscribe_to_fleet(&kinde);
    let answer = told(&kinde, "entitlements", &mira.access_token()).await;
    assert_is_sample(answer, sample!("entitlements"));
}

#[tokio::test]
async fn entitlement_is_as_the_sample_under_both_of_its_paths() {
    let (kinde, mira) = world().await;
    subscribe_to_fleet(&kinde);
    let token = mira.access_token();
    assert_is_sample(told(&kinde, "entitlement/seats", &token).await, sample!("entitlement"));
    assert_is_sample(told(&kinde, "entitlement?key=seats", &token).await, sample!("entitlement"));
}

#[tokio::test]
async fn person_is_entitled_by_their_own_plan_too() {
    let (kinde, mira) = world().await;
    subscribe_to_fleet(&kinde);
    kinde.plan("pro").add_entitlement(Entitlement::new("export"));
    mira.subscribe("pro");
    mira.subscribe("pro");
    let features = async || {
        let answer = told(&kinde, "entitlements", &mira.access_token()).await;
        let entitlements = answer["data"]["entitlements"].as_array().unwrap().clone();
        entitlements.iter().map(|item| item["feature_key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(features().await, ["seats", "base", "export"]);
    kinde.plan("fleet").remove_entitlement("base");
    mira.unsubscribe("pro");
    assert_eq!(features().await, ["seats"]);
    kinde.org(ORG).unsubscribe("fleet");
    assert!(features().await.is_empty());
}

#[tokio::test]
async fn properties_are_as_the_sample() {
    let (kinde, mira) = world().await;
    mira.set_property("shift", "night");
    kinde.property("badge");
    kinde.org(ORG).set_property("city", "Ghent");
    kinde.property("salary").update(|details| details.is_private = true);
    mira.set_property("salary", 1);
    let answer = told(&kinde, "properties", &mira.access_token()).await;
    assert_is_sample(answer, sample!("properties"));
}

#[tokio::test]
async fn portal_link_is_as_the_sample() {
    let (kinde, mira) = world().await;
    let answer = told(&kinde, "portal_link", &mira.access_token()).await;
    let sample = sample!("portal_link");
    assert_eq!(answer.as_object().unwrap().len(), 1);
    let (host, key) = answer["url"].as_str().unwrap().split_once("/portal_redirect?key=").unwrap();
    assert_eq!(host, kinde.url());
    assert!(key.len() >= 16 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(sample["url"].as_str().unwrap().contains("/portal_redirect?key="));
}

#[tokio::test]
async fn permission_has_the_shape_that_clients_read() {
    let (kinde, mira) = world().await;
    mira.add_permission(ORG, "view reports/advanced");
    let token = mira.access_token();
    let granted = told(&kinde, "permission/view%20reports%2Fadvanced", &token).await;
    let expected = json!({ "permissionKey": "view reports/advanced", "orgCode": ORG, "isGranted": true });
    assert_eq!(granted, expected);
    let absent = told(&kinde, "permission/delete:tickets", &token).await;
    assert_eq!(absent, json!({ "permissionKey": "delete:tickets", "orgCode": ORG, "isGranted": false }));
}

#[tokio::test]
async fn user_profile_has_the_members_and_types_of_the_sample() {
    let (kinde, mira) = world().await;
    let token = mira.access_token();
    let sample = sample!("userinfo");
    for (path, name) in [("/oauth2/v2/user_profile", "v2"), ("/oauth2/user_profile", "legacy_v1")] {
        let (_, answer) = asked(&kinde, path, &token).await;
        assert_same_members(&answer, &sample[name]);
    }
    mira.update(|details| {
        details.picture = String::new();
        details.email = String::new();
    });
    let (_, answer) = asked(&kinde, "/oauth2/v2/user_profile", &token).await;
    assert_eq!((&answer["picture"], &answer["email"]), (&Value::Null, &Value::Null));
    let (status, refused) = asked(&kinde, "/oauth2/v2/user_profile", "no token").await;
    assert_eq!(status, 401);
    assert_same_members(&refused, &sample["error"]);
}

/// The same names, and types that differ only where one of the two is null.
fn assert_same_members(answer: &Value, sample: &Value) {
    let types = |value: &Value| -> BTreeMap<String, std::mem::Discriminant<Value>> {
        let members = value.as_object().unwrap();
        members.iter().map(|(name, value)| (name.clone(), std::mem::discriminant(value))).collect()
    };
    let (answered, sampled) = (types(answer), types(sample));
    assert_eq!(answered.keys().collect::<Vec<_>>(), sampled.keys().collect::<Vec<_>>());
    for (name, answered) in answered {
        let is_null = answer[&name].is_null() || sample[&name].is_null();
        assert!(is_null || answered == sampled[&name], "{name} in {answer}");
    }
}
