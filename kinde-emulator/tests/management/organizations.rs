//! Organizations and their members.

use serde_json::{Value, json};

use crate::{
    browser::claims,
    calling::{each, world},
};

#[tokio::test]
async fn organization_is_created_changed_and_deleted() {
    let (kinde, api) = world().await;
    let body =
        json!({ "name": "Acmé & Söhne", "handle": "acme", "external_id": "crm 1", "theme_code": "dark" });
    let created = api.done("POST organization", body).await;
    let code = created["organization"]["code"].as_str().unwrap();
    let path = format!("organization?code={code}");
    let known = api.got(&path).await;
    assert_eq!(
        (&known["name"], &known["handle"], &known["theme_code"]),
        (&json!("Acmé & Söhne"), &json!("acme"), &json!("dark"))
    );
    api.done(&format!("PATCH organization/{code}"), json!({ "name": "Acme", "external_id": null })).await;
    let known = api.got(&path).await;
    assert_eq!(
        (&known["name"], &known["handle"], &known["external_id"]),
        (&json!("Acme"), &json!("acme"), &Value::Null)
    );
    assert_eq!(kinde.org("acme").name(), "Acme");
    api.done(&format!("DELETE organization/{code}/handle"), Value::Null).await;
    assert_eq!(api.got(&path).await["handle"], Value::Null);
    api.done(&format!("DELETE organization/{code}"), Value::Null).await;
    let gone = (400, "ORGANIZATION_NOT_FOUND".to_owned());
    assert_eq!(api.refused(&format!("GET {path}"), Value::Null).await, gone);
    // The specification lists 404 for this operation only.
    assert_eq!(api.refused(&format!("DELETE organization/{code}"), Value::Null).await.0, 404);
}

#[tokio::test]
async fn handle_and_external_id_belong_to_one_organization() {
    let (_kinde, api) = world().await;
    api.done("POST organization", json!({ "name": "Acme", "handle": "acme", "external_id": "1" })).await;
    let other = api.organization("Acme").await;
    for (body, code) in [
        (json!({ "name": "B", "handle": "acme" }), "HANDLE_ALREADY_EXISTS"),
        (json!({ "name": "B", "external_id": "1" }), "EXTERNAL_ID_ALREADY_EXISTS"),
    ] {
        assert_eq!(api.refused("POST organization", body.clone()).await, (400, code.to_owned()));
        assert_eq!(api.refused(&format!("PATCH organization/{other}"), body).await, (400, code.to_owned()));
    }
    let names = api.got("organizations?sort=name_desc").await;
    assert_eq!(each(&names["organizations"], "name"), ["Acme", "Acme"]);
}

#[tokio::test]
async fn members_come_change_and_go() {
    let (kinde, api) = world().await;
    kinde.role("admin");
    kinde.permission("create:todos");
    let code = api.organization("Acme").await;
    let (ada, bob) = (api.user("ada@example.test").await, api.user("bob@example.test").await);
    let path = format!("organizations/{code}/users");
    let users = json!([{ "id": ada, "roles": ["admin"] }, { "id": bob, "permissions": ["create:todos"] }]);
    let added = api.done(&format!("POST {path}"), json!({ "users": users })).await;
    assert_eq!(added["users_added"], json!([ada, bob]));
    assert_eq!(claims(&kinde.person(&bob).access_token())["permissions"], json!(["create:todos"]));
    assert_eq!(
        each(&api.got(&format!("{path}?roles=admin")).await["organization_users"], "id"),
        [ada.as_str()]
    );
    assert_eq!(
        each(&api.got(&format!("{path}?permissions=create:todos")).await["organization_users"], "id"),
        [bob.as_str()]
    );
    let users = json!([{ "id": ada, "operation": "delete" }, { "id": bob, "roles": ["admin"] }]);
    let changed = api.done(&format!("PATCH {path}"), json!({ "users": users })).await;
    assert_eq!((&changed["users_removed"], &changed["users_updated"]), (&json!([ada]), &json!([bob])));
    let members = api.got(&path).await;
    assert_eq!(members["organization_users"][0]["roles"], json!(["admin"]));
    api.done(&format!("DELETE {path}/{bob}"), Value::Null).await;
    assert_eq!(api.got(&path).await["organization_users"], json!([]));
}

#[tokio::test]
async fn list_with_one_mistake_changes_nobody() {
    let (kinde, api) = world().await;
    let code = api.organization("Acme").await;
    let ada = api.user("ada@example.test").await;
    let path = format!("organizations/{code}/users");
    for (second, error) in [
        (json!({ "id": "kp_nobody" }), "USER_INVALID"),
        (json!({ "id": ada, "roles": ["nothing"] }), "ROLE_NOT_FOUND"),
        (json!({ "id": ada, "permissions": ["nothing"] }), "PERMISSION_NOT_FOUND"),
    ] {
        let body = json!({ "users": [{ "id": ada }, second] });
        assert_eq!(api.refused(&format!("POST {path}"), body).await, (400, error.to_owned()));
    }
    let many = vec![json!({ "id": ada }); 101];
    assert_eq!(api.refused(&format!("POST {path}"), json!({ "users": many })).await.1, "TOO_MANY_PARAMETERS");
    assert_eq!(api.got(&path).await["organization_users"], json!([]));
    api.done(&format!("POST {path}"), json!({ "users": vec![json!({ "id": ada }); 100] })).await;
    assert!(claims(&kinde.person(&ada).access_token())["org_code"].is_string());
}

#[tokio::test]
async fn roles_and_permissions_of_a_member_are_given_and_taken_by_id() {
    let (kinde, api) = world().await;
    let (admin, create) = (kinde.role("admin"), kinde.permission("create:todos"));
    admin.add_permission("delete:todos");
    let alice = kinde.person("alice");
    alice.add_to_org("acme");
    let code = kinde.org("acme").code().to_owned();
    let member = format!("organizations/{code}/users/{}", alice.id());
    api.done(&format!("POST {member}/roles"), json!({ "role_id": admin.id() })).await;
    api.done(&format!("POST {member}/permissions"), json!({ "permission_id": create.id() })).await;
    assert_eq!(each(&api.got(&format!("{member}/roles")).await["roles"], "key"), ["admin"]);
    let held = api.got(&format!("{member}/permissions?expand=roles")).await;
    assert_eq!(each(&held["permissions"], "key"), ["create:todos", "delete:todos"]);
    assert_eq!(held["permissions"][1]["roles"], json!([{ "id": admin.id(), "key": "admin" }]));
    let with_role = format!("organizations/{code}/roles/{}/users", admin.id());
    assert_eq!(each(&api.got(&with_role).await["users"], "id"), [alice.id()]);
    assert_eq!(api.got(&format!("{with_role}/count")).await["count"], 1);
    api.done(&format!("DELETE {member}/roles/{}", admin.id()), Value::Null).await;
    api.done(&format!("DELETE {member}/permissions/{}", create.id()), Value::Null).await;
    assert_eq!(claims(&alice.access_token())["permissions"], json!([]));
    let other = format!("organizations/{code}/users/{}/roles", kinde.person("bob").id());
    assert_eq!(api.refused(&format!("GET {other}"), Value::Null).await.1, "USER_NOT_IN_ORGANIZATION");
}
