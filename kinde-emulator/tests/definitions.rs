//! Feature flags, properties and plans that the environment defines, as tokens show them.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(dead_code, reason = "these tests need only part of the browser")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod browser;

use browser::claims;
use kinde_emulator::Environment;
use serde_json::{Value, json};

#[tokio::test]
async fn nearest_value_of_a_flag_is_in_the_token() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice").in_org("acme");
    let seats = kinde.flag("seats");
    seats.update(|details| details.set_default_value(1));
    let in_token = || claims(&alice.access_token())["feature_flags"]["seats"].clone();
    assert_eq!(in_token(), json!({ "t": "i", "v": 1 }));
    seats.set(2);
    assert_eq!(in_token()["v"], 2);
    kinde.org("acme").set_flag("seats", 3);
    assert_eq!(in_token()["v"], 3);
    alice.set_flag("seats", 4);
    assert_eq!(in_token()["v"], 4);
    assert_eq!(claims(&alice.with_flag("seats", 5).access_token())["feature_flags"]["seats"]["v"], 5);
    alice.unset_flag("seats");
    kinde.org("acme").unset_flag("seats");
    seats.unset();
    assert_eq!(in_token()["v"], 1);
    assert!(seats.delete());
    assert_eq!(in_token(), Value::Null);
}

#[tokio::test]
async fn flag_of_type_json_may_hold_anything() {
    let kinde = Environment::start().await;
    let limits = kinde.flag("limits");
    limits.update(|details| details.set_default_value(json!({ "daily": 100 })));
    limits.set(true);
    let token = kinde.person("alice").access_token();
    assert_eq!(claims(&token)["feature_flags"]["limits"], json!({ "t": "j", "v": true }));
}

#[tokio::test]
async fn private_property_is_not_in_the_token() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice").in_org("acme");
    alice.set_property("shift", "night");
    alice.set_property("badge", "17");
    kinde.org("acme").set_property("city", "Ghent");
    kinde.property("badge").update(|details| details.is_private = true);
    let claims = claims(&alice.access_token());
    assert_eq!(claims["user_properties"], json!({ "shift": { "v": "night" } }));
    assert_eq!(claims["organization_properties"], json!({ "city": { "v": "Ghent" } }));
}
