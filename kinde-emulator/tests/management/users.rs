//! Users and their identities.

use kinde_emulator::Environment;
use serde_json::{Value, json};

use crate::calling::{Api, each, world};

async fn ada(api: &Api) -> String {
    let body = json!({
        "profile": { "given_name": "Ada", "family_name": "Løvelace" },
        "provided_id": "crm-1",
        "identities": [
            { "type": "email", "details": { "email": "ada+1@example.test" } },
            { "type": "username", "details": { "username": "ada" } },
        ],
    });
    let created = api.done("POST user", body).await;
    assert_eq!(created["created"], true);
    let made = json!([
        { "type": "email", "result": { "created": true } },
        { "type": "username", "result": { "created": true } },
    ]);
    assert_eq!(created["identities"], made);
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn created_user_is_what_was_said() {
    let (_kinde, api) = world().await;
    let id = ada(&api).await;
    let user = api.got(&format!("user?id={id}&expand=organizations,identities,billing")).await;
    assert_eq!(user["preferred_email"], "ada+1@example.test");
    assert_eq!(user["first_name"], "Ada");
    assert_eq!(user["provided_id"], "crm-1");
    assert_eq!(user["total_sign_ins"], Value::Null);
    assert_eq!(user["organizations"], json!([]));
    let identities = json!([
        { "type": "email", "identity": "ada+1@example.test" }, { "type": "username", "identity": "ada" },
    ]);
    assert_eq!(user["identities"], identities);
    let brief = api.got(&format!("user?id={id}")).await;
    assert!(brief.get("organizations").is_none() && brief.get("billing").is_none());
}

#[tokio::test]
async fn user_is_created_in_an_organization_and_can_sign_in() {
    let (kinde, api) = world().await;
    let code = api.organization("Acme").await;
    let identity = json!({ "type": "email", "details": { "email": "ada@example.test" } });
    let body = json!({ "organization_code": code, "identities": [identity] });
    let id = api.done("POST user", body).await["id"].as_str().unwrap().to_owned();
    let ada = kinde.person("ada@example.test");
    assert_eq!(ada.id(), id);
    assert_eq!(crate::browser::claims(&ada.access_token())["org_code"], code);
    let url = crate::browser::authorization_url(&kinde, &[("scope", "openid")]);
    assert!(kinde.sign_in(&url, &ada).unwrap().contains("code="));
    let user = api.got(&format!("user?id={id}")).await;
    assert_eq!(user["total_sign_ins"], 1);
    assert!(user["last_signed_in"].is_string());
}

#[tokio::test]
async fn address_somebody_has_is_refused_and_nobody_is_created() {
    let (_kinde, api) = world().await;
    ada(&api).await;
    let identity = json!({ "type": "email", "details": { "email": "ADA+1@example.test" } });
    let refused = api.refused("POST user", json!({ "identities": [identity] })).await;
    assert_eq!(refused, (400, "USER_ALREADY_EXISTS".to_owned()));
    let body = json!({ "organization_code": "org_nowhere" });
    assert_eq!(api.refused("POST user", body).await.1, "ORGANIZATION_NOT_FOUND");
    assert_eq!(api.got("users").await["users"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_what_is_said_changes() {
    let (_kinde, api) = world().await;
    let id = ada(&api).await;
    let path = format!("PATCH user?id={id}");
    let changed = api.done(&path, json!({ "family_name": "King", "is_suspended": true })).await;
    assert_eq!(changed["given_name"], "Ada");
    assert_eq!(changed["family_name"], "King");
    assert_eq!(changed["is_suspended"], true);
    let user = api.got(&format!("user?id={id}")).await;
    assert_eq!((&user["provided_id"], &user["is_suspended"]), (&json!("crm-1"), &json!(true)));
    api.done(&path, json!({ "provided_id": null })).await;
    assert_eq!(api.got(&format!("user?id={id}")).await["provided_id"], Value::Null);
}

#[tokio::test]
async fn deleted_user_is_gone() {
    let (_kinde, api) = world().await;
    let id = ada(&api).await;
    api.done(&format!("DELETE user?id={id}"), Value::Null).await;
    let gone = (400, "USER_INVALID".to_owned());
    assert_eq!(api.refused(&format!("GET user?id={id}"), Value::Null).await, gone);
    assert_eq!(api.refused(&format!("DELETE user?id={id}"), Value::Null).await, gone);
    assert_eq!(api.refused("GET user", Value::Null).await, (400, "USER_REQUIRED".to_owned()));
}

#[tokio::test]
async fn users_are_found_by_what_the_query_says() {
    let (kinde, api) = world().await;
    let id = ada(&api).await;
    kinde.person("bob").add_to_org("acme");
    let all = api.got("users").await;
    assert_eq!(each(&all["users"], "email"), ["ada+1@example.test", "bob@example.test"]);
    let rows = [
        (format!("user_id={id}"), "ada+1@example.test"),
        ("email=ADA%2B1@example.test".to_owned(), "ada+1@example.test"),
        ("username=ada,eve".to_owned(), "ada+1@example.test"),
        ("has_organization=true".to_owned(), "bob@example.test"),
        ("has_organization=false".to_owned(), "ada+1@example.test"),
    ];
    for (query, email) in rows {
        assert_eq!(each(&api.got(&format!("users?{query}")).await["users"], "email"), [email], "{query}");
    }
    assert_eq!(api.got("users?active_since=2020-01-01T00:00:00Z").await["users"], json!([]));
    let found = api.got("search/users?query=løve").await;
    assert_eq!(each(&found["results"], "id"), [id]);
    assert_eq!(api.got("search/users?query=*").await["results"].as_array().unwrap().len(), 2);
    for query in ["api_scopes=read:x", "properties[city]=Ghent"] {
        let refused = api.refused(&format!("GET search/users?{query}"), Value::Null).await;
        assert_eq!(refused, (501, "NOT_EMULATED".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn further_identity_can_become_the_primary_one_and_go() {
    let (kinde, api) = world().await;
    let id = ada(&api).await;
    let second = json!({ "type": "email", "value": "second@example.test" });
    let made = api.done(&format!("POST users/{id}/identities"), second.clone()).await;
    let identity = made["identity"]["id"].as_str().unwrap();
    assert_eq!(api.refused(&format!("POST users/{id}/identities"), second).await.1, "USER_ALREADY_EXISTS");
    assert_eq!(kinde.person("second@example.test").id(), id, "they sign in with it");
    let known = api.got(&format!("identities/{identity}")).await;
    assert_eq!((&known["name"], &known["is_primary"]), (&json!("second@example.test"), &json!(false)));
    api.done(&format!("PATCH identities/{identity}"), json!({ "is_primary": true })).await;
    assert_eq!(kinde.person(&id).email(), "second@example.test");
    api.done(&format!("DELETE identities/{identity}"), Value::Null).await;
    assert_eq!(kinde.person(&id).email(), "ada+1@example.test");
    let left = api.got(&format!("users/{id}/identities")).await;
    assert_eq!(each(&left["identities"], "name"), ["ada+1@example.test", "ada"]);
    assert_eq!(api.refused(&format!("GET identities/{identity}"), Value::Null).await.1, "IDENTITY_NOT_FOUND");
}

#[tokio::test]
async fn subscriber_is_created_by_the_query() {
    let (_kinde, api) = world().await;
    let created = api.done("POST subscribers?first_name=Lea&email=lea%2B1@canal.example", Value::Null).await;
    let id = created["subscriber"]["subscriber_id"].as_str().unwrap();
    let known = api.got(&format!("subscribers/{id}")).await;
    assert_eq!(known["subscribers"][0]["preferred_email"], "lea+1@canal.example");
    assert_eq!(each(&api.got("subscribers").await["subscribers"], "full_name"), ["Lea"]);
    assert_eq!(api.refused("POST subscribers?first_name=Lea", Value::Null).await.1, "EMAIL_REQUIRED");
}

#[tokio::test]
async fn business_and_environment_tell_what_they_are() {
    let (kinde, api): (Environment, Api) = world().await;
    api.done("PATCH business", json!({ "business_name": "Voss", "is_click_wrap": true })).await;
    let business = api.got("business").await;
    assert_eq!(
        (&business["business"]["name"], &business["business"]["has_clickwrap"]),
        (&json!("Voss"), &json!(true))
    );
    let domain = api.got("environment").await["environment"]["kinde_domain"].clone();
    assert_eq!(format!("http://{}", domain.as_str().unwrap()), kinde.issuer());
}
