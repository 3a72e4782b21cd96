//! Roles and permissions.

use serde_json::{Value, json};

use crate::{
    browser::claims,
    calling::{each, world},
};

#[tokio::test]
async fn role_is_created_changed_and_deleted() {
    let (kinde, api) = world().await;
    let body =
        json!({ "name": "Admin", "key": "admin", "description": "All of it", "is_default_role": true });
    let created = api.done("POST roles", body.clone()).await;
    let id = created["role"]["id"].as_str().unwrap();
    assert_eq!(api.refused("POST roles", body).await, (400, "ROLE_ALREADY_EXISTS".to_owned()));
    let path = format!("roles/{id}");
    assert_eq!(api.got(&path).await["role"]["description"], "All of it");
    let alice = kinde.person("alice");
    alice.add_role("acme", "admin");
    api.done(&format!("PATCH {path}"), json!({ "name": "Boss", "key": "boss" })).await;
    let role = &api.got(&path).await["role"];
    assert_eq!(
        (&role["key"], &role["description"], &role["is_default_role"]),
        (&json!("boss"), &json!("All of it"), &json!(true))
    );
    assert_eq!(claims(&alice.access_token())["roles"], json!([{ "id": id, "key": "boss", "name": "Boss" }]));
    let users = api.got(&format!("{path}/users")).await;
    assert_eq!(users["users"], json!([{ "id": alice.id(), "org_codes": [kinde.org("acme").code()] }]));
    api.done(&format!("DELETE {path}"), Value::Null).await;
    assert_eq!(api.refused(&format!("GET {path}"), Value::Null).await, (400, "ROLE_NOT_FOUND".to_owned()));
    assert!(claims(&alice.access_token()).get("roles").is_none());
}

#[tokio::test]
async fn permission_is_created_changed_and_deleted() {
    let (kinde, api) = world().await;
    let body = json!({ "name": "Create todos", "key": "create:todos" });
    api.done("POST permissions", body.clone()).await;
    assert_eq!(api.refused("POST permissions", body).await, (400, "PERMISSION_ALREADY_EXISTS".to_owned()));
    let listed = api.got("permissions").await;
    let id = each(&listed["permissions"], "id")[0].to_owned();
    let alice = kinde.person("alice");
    alice.add_permission("acme", "create:todos");
    let body = json!({ "key": "make:todos", "description": "Make them" });
    api.done(&format!("PATCH permissions/{id}"), body).await;
    assert_eq!(claims(&alice.access_token())["permissions"], json!(["make:todos"]));
    assert_eq!(api.got("permissions").await["permissions"][0]["name"], "Create todos");
    api.done(&format!("DELETE permissions/{id}"), Value::Null).await;
    assert_eq!(claims(&alice.access_token())["permissions"], json!([]));
    let gone = api.refused(&format!("DELETE permissions/{id}"), Value::Null).await;
    assert_eq!(gone, (400, "PERMISSION_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn permissions_of_a_role_reach_whoever_has_it() {
    let (kinde, api) = world().await;
    let (read, write, admin) = (kinde.permission("read"), kinde.permission("write"), kinde.role("admin"));
    let alice = kinde.person("alice");
    alice.add_role("acme", "admin");
    let path = format!("roles/{}/permissions", admin.id());
    let body = json!({ "permissions": [{ "id": read.id() }, { "id": write.id() }] });
    let changed = api.done(&format!("PATCH {path}"), body.clone()).await;
    assert_eq!(changed["permissions_added"], json!([read.id(), write.id()]));
    assert_eq!(api.done(&format!("PATCH {path}"), body).await["permissions_added"], json!([]));
    assert_eq!(claims(&alice.access_token())["permissions"], json!(["read", "write"]));
    let body = json!({ "permissions": [{ "id": read.id(), "operation": "delete" }] });
    assert_eq!(api.done(&format!("PATCH {path}"), body).await["permissions_removed"], json!([read.id()]));
    assert_eq!(each(&api.got(&path).await["permissions"], "key"), ["write"]);
    api.done(&format!("DELETE {path}/{}", write.id()), Value::Null).await;
    assert_eq!(claims(&alice.access_token())["permissions"], json!([]));
}

#[tokio::test]
async fn role_has_scopes_of_apis() {
    let (kinde, api) = world().await;
    kinde.register_api("https://api.example.test", &["read:invoices"]);
    let apis = api.got("apis?expand=scopes").await;
    let invoices =
        apis["apis"].as_array().unwrap().iter().find(|api| api["is_management_api"] == false).unwrap();
    let scope = invoices["scopes"][0]["id"].as_str().unwrap();
    let path = format!("roles/{}/scopes", kinde.role("admin").id());
    api.done(&format!("POST {path}"), json!({ "scope_id": scope })).await;
    let held = api.got(&path).await;
    assert_eq!(
        (&held["scopes"][0]["key"], &held["scopes"][0]["api_id"]),
        (&json!("read:invoices"), &invoices["id"])
    );
    api.done(&format!("DELETE {path}/{scope}"), Value::Null).await;
    assert_eq!(api.got(&path).await["scopes"], json!([]));
    assert_eq!(api.refused(&format!("DELETE {path}/{scope}"), Value::Null).await.1, "SCOPE_NOT_FOUND");
}
