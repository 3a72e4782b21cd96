//! Invitations to organizations.

use serde_json::{Value, json};

use crate::{
    browser::{authorization_url, claims},
    calling::{each, world},
};

#[tokio::test]
async fn invited_address_joins_with_its_roles_once() {
    let (kinde, api) = world().await;
    kinde.role("admin");
    let code = api.organization("Acme").await;
    let path = format!("organization/{code}/invites");
    let body = json!({ "email": "Grace@example.test", "first_name": "Grace", "roles": ["admin"] });
    let created = api.done(&format!("POST {path}"), body).await;
    assert_eq!(created["code"], "INVITATION_CREATED");
    let invitation = created["invite"]["code"].as_str().unwrap();
    let grace = kinde.person("grace@example.test");
    let request = [("scope", "openid"), ("invitation_code", invitation), ("is_invitation", "true")];
    let url = authorization_url(&kinde, &request);
    assert!(kinde.sign_in(&url, &grace).unwrap().contains("code="));
    assert_eq!(claims(&grace.access_token())["roles"][0]["key"], "admin");
    let known = api.got(&format!("{path}/{invitation}")).await;
    assert!(known["accepted_on"].is_string() && known["code"] == invitation);
    assert_eq!(api.got(&path).await["invites"], json!([]));
    let accepted = api.got(&format!("{path}?include_accepted=true")).await;
    assert_eq!(each(&accepted["invites"], "full_name"), ["Grace"]);
    let again =
        api.refused(&format!("POST {path}"), json!({ "email": "grace@example.test", "roles": [] })).await;
    assert_eq!(again, (400, "USER_ALREADY_IN_ORGANIZATION".to_owned()));
}

#[tokio::test]
async fn revoked_invitation_lets_nobody_in() {
    let (kinde, api) = world().await;
    let code = api.organization("Acme").await;
    let path = format!("organization/{code}/invites");
    let created =
        api.done(&format!("POST {path}"), json!({ "email": "grace@example.test", "roles": [] })).await;
    let invitation = created["invite"]["code"].as_str().unwrap();
    assert_eq!(each(&api.got(&path).await["invites"], "code"), [invitation]);
    api.done(&format!("DELETE {path}/{invitation}"), Value::Null).await;
    assert_eq!(api.got(&path).await["invites"], json!([]));
    assert_eq!(api.got(&format!("{path}?include_revoked=true")).await["invites"][0]["is_revoked"], true);
    let grace = kinde.person("grace@example.test");
    let request = [("scope", "openid"), ("invitation_code", invitation), ("is_invitation", "true")];
    let refused = kinde.sign_in(&authorization_url(&kinde, &request), &grace);
    assert!(refused.is_err() || refused.unwrap().contains("error="));
    assert_eq!(claims(&grace.access_token()).get("org_code"), None);
}

#[tokio::test]
async fn invitation_of_another_organization_is_not_found() {
    let (kinde, api) = world().await;
    let invitation = kinde.invite("grace@example.test", "acme", &["admin"], &[]);
    let (own, other) = (kinde.org("acme").code().to_owned(), api.organization("Globex").await);
    api.got(&format!("organization/{own}/invites/{invitation}")).await;
    for operation in ["GET", "DELETE"] {
        let path = format!("{operation} organization/{other}/invites/{invitation}");
        assert_eq!(api.refused(&path, Value::Null).await, (404, "INVITATION_NOT_FOUND".to_owned()));
    }
    for (body, code) in [
        (json!({ "email": "grace", "roles": [] }), "EMAIL_INVALID"),
        (json!({ "email": "g@example.test" }), "ROLES_REQUIRED"),
        (json!({ "email": "g@example.test", "roles": ["nothing"] }), "ROLE_NOT_FOUND"),
    ] {
        let path = format!("POST organization/{own}/invites");
        assert_eq!(api.refused(&path, body).await, (400, code.to_owned()));
    }
}
