//! Pages, and that what they show is the present and not the token's past.

use kinde_emulator::{Entitlement, Environment};
use serde_json::Value;

use crate::asking::{asked, told};

/// Reads every page as js-utils does: by `starting_after` alone.
async fn every(kinde: &Environment, list: &str, token: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut path) = (Vec::new(), 0, list.to_owned());
    loop {
        let answer = told(kinde, &path, token).await;
        items.extend(answer["data"][list].as_array().unwrap().clone());
        pages += 1;
        if answer["metadata"]["has_more"] != true {
            return (items, pages);
        }
        let last = answer["metadata"]["next_page_starting_after"].as_str().unwrap();
        path = format!("{list}?starting_after={last}");
    }
}

#[tokio::test]
async fn every_list_is_read_page_by_page() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice").in_org("acme");
    for number in 0..21 {
        let key = format!("item_{number:02}");
        alice.add_permission("acme", &key);
        alice.add_role("acme", &key);
        alice.set_property(&key, number);
        kinde.plan("large").add_entitlement(Entitlement::new(&key));
    }
    kinde.org("acme").subscribe("large");
    let token = alice.access_token();
    for list in ["permissions", "roles", "properties", "entitlements"] {
        let (items, pages) = every(&kinde, list, &token).await;
        let mut ids: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), pages), (21, 3), "{list}");
        let all = told(&kinde, &format!("{list}?page_size=500"), &token).await;
        assert_eq!(all["data"][list].as_array().unwrap(), &items, "{list}");
    }
}

#[tokio::test]
async fn eleventh_flag_is_on_the_second_page_and_nobody_says_so() {
    let kinde = Environment::start().await;
    for number in 0..11 {
        kinde.flag(&format!("flag_{number:02}"));
    }
    let token = kinde.person("alice").access_token();
    let first = told(&kinde, "feature_flags", &token).await;
    let flags = first["data"]["feature_flags"].as_array().unwrap();
    assert_eq!(flags.len(), 10);
    assert_eq!(first.get("metadata"), None);
    let next = format!("feature_flags?starting_after={}", flags[9]["id"].as_str().unwrap());
    let second = told(&kinde, &next, &token).await;
    assert_eq!(second["data"]["feature_flags"][0]["key"], "flag_10");
}

#[tokio::test]
async fn page_that_cannot_be_is_a_named_error() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let rows = [
        ("permissions?page_size=0", "PAGE_SIZE_INVALID"),
        ("roles?page_size=501", "PAGE_SIZE_INVALID"),
        ("properties?starting_after=prop_1", "STARTING_AFTER_INVALID"),
    ];
    for (path, code) in rows {
        let (status, body) = asked(&kinde, &format!("/account_api/v1/{path}"), &token).await;
        assert_eq!((status.as_u16(), &body["errors"][0]["code"]), (400, &Value::from(code)), "{path}");
    }
}

#[tokio::test]
async fn answer_is_about_now_and_about_the_organization_of_the_token() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    let keys = async |token: &str, list: &str| {
        let answer = told(&kinde, list, token).await;
        let items = answer["data"][list].as_array().unwrap().clone();
        items.iter().map(|item| item["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // What only the token says is not what the environment knows.
    let token = alice.in_org("acme").with("said:only").with_role("said").access_token();
    assert!(keys(&token, "permissions").await.is_empty());
    alice.add_permission("acme", "create:todos");
    alice.add_permission("globex", "read:todos");
    kinde.role("admin").add_permission("delete:todos");
    kinde.role("admin").add_permission("create:todos");
    alice.add_role("acme", "admin");
    assert_eq!(keys(&token, "permissions").await, ["create:todos", "delete:todos"]);
    assert_eq!(keys(&token, "roles").await, ["admin"]);
    let in_globex = alice.in_org("globex").access_token();
    assert_eq!(keys(&in_globex, "permissions").await, ["read:todos"]);
    alice.remove_role("acme", "admin");
    alice.remove_permission("acme", "create:todos");
    assert!(keys(&token, "permissions").await.is_empty());
}

#[tokio::test]
async fn token_without_an_organization_is_told_of_none() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    alice.add_permission("acme", "create:todos");
    kinde.org("acme").set_flag("beta", true);
    kinde.flag("beta");
    let token = alice.without_org().access_token();
    let answer = told(&kinde, "permissions", &token).await;
    assert_eq!(answer["data"]["org_code"], Value::Null);
    assert_eq!(answer["data"]["permissions"].as_array().unwrap().len(), 0);
    assert_eq!(answer["metadata"]["next_page_starting_after"], Value::Null);
    assert_eq!(told(&kinde, "feature_flags", &token).await["data"]["feature_flags"][0]["value"], false);
}

#[tokio::test]
async fn organization_is_read_under_its_hasura_name_too() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    alice.add_permission("acme", "create:todos");
    let token = alice.in_org("acme").hasura().access_token();
    let answer = told(&kinde, "permissions", &token).await;
    assert_eq!(answer["data"]["permissions"][0]["key"], "create:todos");
    assert_eq!(answer["data"]["org_code"], kinde.org("acme").code());
}
