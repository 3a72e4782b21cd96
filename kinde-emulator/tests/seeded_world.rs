//! A world from a file, and the shapes of what it answers.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(dead_code, reason = "these tests need only part of the browser")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod browser;

use std::collections::BTreeSet;

use browser::{Browser, authorization_url, claims, parameter};
use kinde_emulator::{Environment, Seed};
use serde_json::{Value, json};

const WORLD: &str = r#"
    [flags]
    beta = false
    limits = { daily = 100 }

    [[applications]]
    name = "web"
    client_id = "5e1c0b7a9d4f4c26b8f3a1720e6d9c45"
    callbacks = ["http://localhost:3000/callback"]
    hasura = true

    [[applications]]
    name = "billing"
    kind = "machine"
    org = "acme"

    [[apis]]
    audience = "https://api.example"
    scopes = ["read:invoices"]

    [[organizations]]
    handle = "acme"
    code = "org_7d21c9e04b6"
    name = "Voss Freight"
    properties = { kp_org_city = "Ghent" }

    [[people]]
    name = "mira"
    id = "kp:0f4b7c2d9e8a4d13b6a5c7e1f2903846"
    provided_id = "crm-8841"
    memberships = [{ org = "acme", permissions = ["read:tickets"], roles = ["dispatcher"] }]
    flags = { beta = true }
"#;

async fn world() -> Environment {
    Environment::builder().with_seed(Seed::from_toml(WORLD).unwrap()).start().await
}

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn tokens(kinde: &Environment, scope: &str) -> Value {
    let url = authorization_url(kinde, &[("scope", scope)]);
    let callback = kinde.sign_in(&url, &kinde.person("mira")).unwrap();
    let (_, tokens) = Browser::new().exchange(kinde, &parameter(&callback, "code").unwrap()).await;
    tokens
}

#[tokio::test]
async fn seeded_person_gets_what_the_file_says_under_hasura_names() {
    let kinde = world().await;
    assert_eq!(kinde.client_id(), "5e1c0b7a9d4f4c26b8f3a1720e6d9c45");
    let tokens = tokens(&kinde, "openid profile email offline").await;
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(access["sub"], "kp:0f4b7c2d9e8a4d13b6a5c7e1f2903846");
    assert_eq!(access["x-hasura-permissions"], json!(["read:tickets"]));
    assert_eq!(access["x-hasura-org-code"], "org_7d21c9e04b6");
    assert_eq!(access["x-hasura-roles"][0]["name"], "Dispatcher");
    assert_eq!(access["x-hasura-organization_properties"], json!({ "kp_org_city": { "v": "Ghent" } }));
    let flags = json!({ "beta": { "t": "b", "v": true }, "limits": { "t": "j", "v": { "daily": 100 } } });
    assert_eq!(access["x-hasura-feature-flags"], flags);
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (&id["x-hasura-org-codes"], &id["provided_id"]),
        (&json!(["org_7d21c9e04b6"]), &json!("crm-8841"))
    );
}

#[tokio::test]
async fn token_responses_have_the_members_kinde_answers() {
    let kinde = world().await;
    let with_offline = ["access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"];
    assert_eq!(names(&tokens(&kinde, "openid offline").await), BTreeSet::from(with_offline));
    let without = ["access_token", "expires_in", "id_token", "scope", "token_type"];
    assert_eq!(names(&tokens(&kinde, "openid profile").await), BTreeSet::from(without));
}

#[tokio::test]
async fn seeded_machine_is_scoped_to_its_organization() {
    let kinde = world().await;
    let billing = kinde.machine("billing");
    let secret = billing.client_secret();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", billing.client_id()),
        ("client_secret", secret.as_str()),
        ("audience", "https://api.example"),
    ];
    let answer = Browser::new().post(&format!("{}/oauth2/token", kinde.url()), &form).await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(names(&body), BTreeSet::from(["access_token", "expires_in", "scope", "token_type"]));
    let token = claims(body["access_token"].as_str().unwrap());
    assert_eq!((&token["org_code"], &token["scope"]), (&json!("org_7d21c9e04b6"), &json!("read:invoices")));
    assert_eq!(token["azp"], billing.client_id());
}

#[tokio::test]
async fn seeded_person_holds_the_same_token_when_minted_directly() {
    let kinde = world().await;
    let minted = claims(&kinde.person("mira").access_token());
    assert_eq!(minted["permissions"], json!(["read:tickets"]));
    let more = claims(&kinde.person("mira").in_org("acme").with("close:tickets").access_token());
    assert_eq!(more["permissions"], json!(["read:tickets", "close:tickets"]));
    let none = claims(&kinde.person("mira").without_org().access_token());
    assert_eq!((none.get("org_code"), none.get("permissions")), (None, None));
}
