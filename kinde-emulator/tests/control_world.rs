//! Arranging, breaking and asserting over HTTP: what a test in another language does between two requests.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kinde_emulator::{Environment, WrongToken};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

async fn environment() -> Environment {
    Environment::builder().with_control_api().start().await
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

async fn control(kinde: &Environment, operation: &str, details: Value) -> Response {
    client().post(format!("{}/_emulator/{operation}", kinde.url())).json(&details).send().await.unwrap()
}

async fn done(kinde: &Environment, operation: &str, details: Value) -> Value {
    let answer = control(kinde, operation, details).await;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{operation}: {body}");
    body
}

async fn refused(kinde: &Environment, operation: &str, details: Value) -> (u16, String) {
    let answer = control(kinde, operation, details).await;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body.get("error").and_then(Value::as_str).unwrap().to_owned())
}

async fn asked(kinde: &Environment, question: &str) -> Value {
    let answer = client().get(format!("{}/_emulator/{question}", kinde.url())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{question}");
    answer.json().await.unwrap()
}

fn claims(token: &Value) -> Value {
    let payload = token["token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn jwks(kinde: &Environment, fault: &str) -> reqwest::Result<Response> {
    client().get(format!("{}/.well-known/jwks", kinde.url())).header("x-emulator-fault", fault).send().await
}

/// The table of docs/emulator.md, its cells like `POST /_emulator/hold_webhooks` and `withdraw_key`, is the API.
#[tokio::test]
async fn documented_operations_are_those_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/emulator.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `GET /_emulator/") || line.starts_with("| `POST /_emulator/"));
    let mut documented = BTreeSet::new();
    for row in rows {
        let cell = row.split('|').nth(1).unwrap();
        let (method, _) = cell.trim().trim_start_matches('`').split_once(' ').unwrap();
        for name in cell.split('`').skip(1).step_by(2) {
            let name = name.rsplit('/').next().unwrap().split('?').next().unwrap();
            documented.insert(format!("{method} /_emulator/{name}"));
        }
    }
    let kinde = environment().await;
    let operations = asked(&kinde, "operations").await;
    let operations: Vec<String> = serde_json::from_value(operations["operations"].clone()).unwrap();
    assert_eq!(documented, operations.into_iter().collect());
}

#[tokio::test]
async fn person_is_arranged_changed_and_deleted() {
    let kinde = environment().await;
    done(&kinde, "add_permission", json!({ "person": "ada", "org": "acme", "permission": "create:todos" }))
        .await;
    done(&kinde, "add_role", json!({ "person": "ada", "org": "acme", "role": "admin" })).await;
    let changes =
        json!({ "person": "ada", "email": "ada@new.example", "phone": "+32123", "password": "secret" });
    let ada = done(&kinde, "update_person", changes).await;
    assert_eq!((&ada["email"], &ada["phone"]), (&json!("ada@new.example"), &json!("+32123")));
    assert_eq!(ada["memberships"][0]["permissions"], json!(["create:todos"]));
    let ada = done(&kinde, "update_person", json!({ "person": "ada", "phone": null })).await;
    assert_eq!((&ada["phone"], &ada["email"]), (&Value::Null, &json!("ada@new.example")));
    done(&kinde, "remove_from_org", json!({ "person": "ada", "org": "acme" })).await;
    assert_eq!(asked(&kinde, "people").await["people"][0]["memberships"], json!([]));
    done(&kinde, "delete_person", json!({ "person": "ada" })).await;
    assert_eq!(refused(&kinde, "delete_person", json!({ "person": "ada" })).await.0, 404);
    assert_eq!(asked(&kinde, "people").await["people"], json!([]));
}

#[tokio::test]
async fn organizations_roles_flags_and_properties_reach_the_next_token() {
    let kinde = environment().await;
    let changes = json!({ "org": "acme", "name": "Acme Ltd" });
    let code = done(&kinde, "update_organization", changes).await["code"].clone();
    done(&kinde, "update_role", json!({ "role": "admin", "permissions": ["create:todos"] })).await;
    done(&kinde, "update_permission", json!({ "permission": "create:todos", "name": "New todos" })).await;
    done(&kinde, "add_role", json!({ "person": "ada", "org": "acme", "role": "admin" })).await;
    done(&kinde, "set_flag", json!({ "key": "beta", "value": false })).await;
    done(&kinde, "set_flag", json!({ "key": "beta", "value": true, "person": "ada" })).await;
    done(&kinde, "set_property", json!({ "key": "badge", "value": "17", "person": "ada" })).await;
    let minted = claims(&done(&kinde, "mint", json!({ "person": "ada" })).await);
    assert_eq!((&minted["org_code"], &minted["permissions"]), (&code, &json!(["create:todos"])));
    assert_eq!(minted["feature_flags"]["beta"]["v"], json!(true));
    assert_eq!(minted["user_properties"]["badge"]["v"], "17");
    done(&kinde, "unset_flag", json!({ "key": "beta", "person": "ada" })).await;
    done(&kinde, "delete_role", json!({ "role": "admin" })).await;
    let minted = claims(&done(&kinde, "mint", json!({ "person": "ada" })).await);
    assert_eq!((&minted["permissions"], &minted["feature_flags"]["beta"]["v"]), (&json!([]), &json!(false)));
    assert_eq!(refused(&kinde, "set_flag", json!({ "key": "a", "person": "x", "org": "y" })).await.0, 400);
    assert_eq!(refused(&kinde, "delete_organization", json!({ "org": "globex" })).await.0, 404);
}

#[tokio::test]
async fn seed_is_imported_beside_what_is_there_and_mistakes_are_told() {
    let kinde = environment().await;
    done(&kinde, "update_organization", json!({ "org": "acme" })).await;
    let seed = json!({
        "people": [{ "name": "ada", "memberships": [{ "org": "acme", "permissions": ["read:todos"] }] }],
        "applications": [{ "name": "spa", "kind": "public", "client_id": "spa" }],
        "apis": [{ "audience": "https://api.example" }],
    });
    done(&kinde, "import", seed).await;
    assert_eq!(
        claims(&done(&kinde, "mint", json!({ "person": "ada" })).await)["permissions"],
        json!(["read:todos"])
    );
    let callback = json!({ "client_id": "spa", "url": "http://localhost:5173/cb" });
    done(&kinde, "allow_callback", callback).await;
    let applications = asked(&kinde, "applications").await;
    let spa = applications["applications"].as_array().unwrap().iter().find(|known| known["name"] == "spa");
    assert_eq!(spa.unwrap()["callbacks"], json!(["http://localhost:5173/cb"]));
    let (status, told) = refused(&kinde, "import", json!({ "peeple": [] })).await;
    assert_eq!((status, told.contains("did you mean `people`?")), (422, true), "{told}");
    done(&kinde, "delete_api", json!({ "audience": "https://api.example" })).await;
    done(&kinde, "delete_application", json!({ "client_id": "spa" })).await;
    assert_eq!(refused(&kinde, "allow_callback", json!({ "client_id": "spa", "url": "x" })).await.0, 404);
}

#[tokio::test]
async fn any_token_is_minted_for_people_and_machines() {
    let kinde = environment().await;
    kinde.set_time(1_790_000_000);
    let wanted = json!({
        "person": "ada", "org": "acme", "permissions": ["a"], "roles": ["admin"], "audiences": ["https://x"],
        "scopes": ["openid"], "claims": { "tier": 3 }, "without_claims": ["jti"], "issued_at": 1_000,
        "expires_in_seconds": 60, "flags": { "beta": true },
    });
    let minted = claims(&done(&kinde, "mint", wanted).await);
    assert_eq!((&minted["iat"], &minted["exp"], &minted["tier"]), (&json!(1_000), &json!(1_060), &json!(3)));
    assert_eq!((&minted["aud"], &minted["scp"]), (&json!(["https://x"]), &json!(["openid"])));
    assert!(minted.get("jti").is_none());
    let id =
        claims(&done(&kinde, "mint", json!({ "person": "ada", "kind": "id_token", "nonce": "n" })).await);
    assert_eq!((&id["nonce"], id.get("scp")), (&json!("n"), None));
    let machine = json!({ "machine": "billing", "audiences": ["https://x"], "scopes": ["read:invoices"] });
    let machine = claims(&done(&kinde, "mint", machine).await);
    assert_eq!((machine.get("sub"), &machine["scope"]), (None, &json!("read:invoices")));
    let outside =
        claims(&done(&kinde, "mint", json!({ "person": "ada", "org": null, "expired": true })).await);
    assert_eq!((outside.get("org_code"), &outside["exp"]), (None, &json!(1_789_996_400)));
    for details in
        [json!({}), json!({ "person": "a", "machine": "b" }), json!({ "machine": "b", "nonce": "n" })]
    {
        assert_eq!(refused(&kinde, "mint", details).await.0, 400);
    }
}

#[tokio::test]
async fn every_wrong_token_is_minted_by_its_name() {
    let kinde = environment().await;
    assert_eq!(asked(&kinde, "wrong_tokens").await["wrong_tokens"], json!(WrongToken::NAMES));
    let good = claims(&done(&kinde, "mint", json!({ "person": "ada" })).await);
    for name in WrongToken::NAMES {
        let wrong = done(&kinde, "mint", json!({ "person": "ada", "wrong": name })).await;
        let of_machine = done(&kinde, "mint", json!({ "machine": "billing", "wrong": name })).await;
        assert!(wrong["token"].is_string() && of_machine["token"].is_string(), "{name}");
    }
    let foreign = claims(&done(&kinde, "mint", json!({ "person": "ada", "wrong": "foreign_issuer" })).await);
    assert_ne!(foreign["iss"], good["iss"]);
    let (status, told) = refused(&kinde, "mint", json!({ "person": "ada", "wrong": "purple" })).await;
    assert_eq!((status, told.contains("alg_none")), (400, true), "{told}");
}

/// A name for each method of `WrongToken` that needs nothing more said.
#[test]
fn wrong_tokens_have_the_names_of_their_methods() {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/wrong.rs")).unwrap();
    let methods: BTreeSet<_> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub fn ")?.strip_suffix("(&self) -> String {"))
        .collect();
    assert_eq!(WrongToken::NAMES.iter().copied().collect::<BTreeSet<_>>(), methods);
}

#[tokio::test]
async fn fault_happens_to_a_path_as_often_as_said() {
    let kinde = environment().await;
    let keys = "/.well-known/jwks";
    done(&kinde, "fault", json!({ "path": keys, "fault": { "status": 503 }, "times": 2 })).await;
    done(&kinde, "fault", json!({ "path": keys, "fault": "reset", "times": 1, "percent": 100 })).await;
    let url = format!("{}{keys}", kinde.url());
    assert!(client().get(&url).send().await.is_err());
    for expected in [503, 503, 200] {
        assert_eq!(client().get(&url).send().await.unwrap().status(), expected);
    }
    done(&kinde, "fault", json!({ "path": keys, "fault": "hang" })).await;
    done(&kinde, "clear_faults", json!({})).await;
    assert_eq!(client().get(&url).send().await.unwrap().status(), 200);
    for details in
        [json!({ "path": keys, "fault": "explode" }), json!({ "path": keys, "fault": { "status": "x" } })]
    {
        assert_eq!(refused(&kinde, "fault", details).await.0, 422);
    }
    assert_eq!(refused(&kinde, "fault", json!({ "path": "jwks", "fault": "hang" })).await.0, 400);
}

#[tokio::test]
async fn header_breaks_one_request_where_the_control_api_is() {
    let kinde = environment().await;
    assert_eq!(jwks(&kinde, r#"{"status":418}"#).await.unwrap().status(), 418);
    let limited = jwks(&kinde, r#"{"rate_limit_seconds":7}"#).await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), limited.headers()["ratelimit-reset"].to_str().unwrap()),
        (429, "7")
    );
    assert!(jwks(&kinde, "reset").await.is_err());
    assert_eq!(jwks(&kinde, "explode").await.unwrap().status(), 400);
    let from_a_page = client()
        .get(format!("{}/.well-known/jwks", kinde.url()))
        .header("x-emulator-fault", "hang")
        .header("origin", "https://example.test");
    assert_eq!(from_a_page.send().await.unwrap().status(), 403);
    let silent = Environment::start().await;
    assert_eq!(jwks(&silent, "reset").await.unwrap().status(), 200);
}

#[tokio::test]
async fn sign_ins_and_token_requests_go_wrong_on_demand() {
    let kinde =
        Environment::builder().with_callback("http://localhost:3000/cb").with_control_api().start().await;
    let url = format!(
        "{}/oauth2/auth?client_id={}&redirect_uri=http://localhost:3000/cb&response_type=code&state=statestate",
        kinde.url(),
        kinde.client_id()
    );
    let sign_in = json!({ "person": kinde.person("ada").id(), "authorization_url": url });
    done(&kinde, "refuse_next_sign_in", json!({ "error": "access_denied" })).await;
    let location = done(&kinde, "sign_in", sign_in.clone()).await["location"].to_string();
    assert!(location.contains("error=access_denied"), "{location}");
    done(&kinde, "answer_wrongly", json!({ "wrong": "missing_state" })).await;
    let location = done(&kinde, "sign_in", sign_in.clone()).await["location"].to_string();
    assert!(location.contains("code=") && !location.contains("state="), "{location}");
    done(&kinde, "show_error_at_next_sign_in", json!({ "code": 4032 })).await;
    assert!(refused(&kinde, "sign_in", sign_in).await.1.contains("4032"));
    done(&kinde, "fail_next_token_request", json!({ "error": "server_error" })).await;
    let answer =
        client().post(format!("{}/oauth2/token", kinde.url())).form(&[("a", "b")]).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "server_error");
    done(&kinde, "answer_rightly", json!({})).await;
    assert_eq!(refused(&kinde, "answer_wrongly", json!({ "wrong": "purple" })).await.0, 422);
    assert!(asked(&kinde, "wrong_answers").await["wrong_answers"].as_array().unwrap().len() > 9);
}

#[tokio::test]
async fn requests_are_expected_and_a_surprise_says_what_arrived() {
    let kinde = environment().await;
    client().get(format!("{}/.well-known/jwks", kinde.url())).send().await.unwrap();
    done(&kinde, "expect_requests", json!({ "path": "/.well-known/jwks", "count": 1 })).await;
    let (status, told) =
        refused(&kinde, "expect_requests", json!({ "path": "/oauth2/token", "count": 1 })).await;
    assert_eq!((status, told.contains("GET /.well-known/jwks (200)")), (409, true), "{told}");
    let recent = asked(&kinde, "recent_requests").await;
    let expected = json!([{ "method": "GET", "path": "/.well-known/jwks", "status": 200 }]);
    assert_eq!(recent["requests"], expected);
}

#[tokio::test]
async fn world_is_put_back_by_name_and_to_the_start() {
    let kinde = environment().await;
    done(&kinde, "update_person", json!({ "person": "ada" })).await;
    done(&kinde, "snapshot", json!({ "name": "arranged" })).await;
    done(&kinde, "update_person", json!({ "person": "mallory" })).await;
    done(&kinde, "restore", json!({ "name": "arranged" })).await;
    assert_eq!(asked(&kinde, "people").await["people"].as_array().unwrap().len(), 1);
    assert_eq!(refused(&kinde, "restore", json!({ "name": "no such" })).await.0, 404);
    done(&kinde, "reset", json!({})).await;
    assert_eq!(asked(&kinde, "people").await["people"], json!([]));
}

#[tokio::test]
async fn keys_and_time_have_every_operation_of_the_rust_api() {
    let kinde = environment().await;
    let unpublished =
        done(&kinde, "add_unpublished_key", json!({})).await["kid"].as_str().unwrap().to_owned();
    assert!(!kinde.jwks().contains(&unpublished));
    let minted = done(&kinde, "mint", json!({ "person": "ada", "signed_by": unpublished })).await;
    let header = minted["token"].as_str().unwrap().split('.').next().unwrap().to_owned();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header["kid"], unpublished);
    done(&kinde, "replace_keys", json!({})).await;
    assert_eq!(kinde.jwks().matches("\"kid\"").count(), 1);
    done(&kinde, "set_jwks_cache_control", json!({ "value": "max-age=60" })).await;
    done(&kinde, "set_jwks_etag", json!({ "is_on": true })).await;
    let answer = client().get(format!("{}/.well-known/jwks", kinde.url())).send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "max-age=60");
    assert!(answer.headers().contains_key("etag"));
    done(&kinde, "set_time", json!({ "unix_seconds": 1_790_000_000 })).await;
    done(&kinde, "set_token_clock_offset", json!({ "seconds": -30 })).await;
    assert_eq!(claims(&done(&kinde, "mint", json!({ "person": "ada" })).await)["iat"], 1_789_999_970);
    done(&kinde, "follow_system_time", json!({})).await;
    let frozen = done(&kinde, "freeze_time", json!({})).await["now"].as_u64().unwrap();
    assert_eq!(kinde.now(), frozen);
}

#[tokio::test]
async fn webhooks_are_held_released_resent_and_deleted() {
    let kinde = environment().await;
    let endpoint = json!({ "endpoint": "http://127.0.0.1:9/hooks" });
    let id = done(&kinde, "add_webhook", endpoint).await["id"].clone();
    done(&kinde, "hold_webhooks", json!({})).await;
    let event = done(&kinde, "trigger", json!({ "event_type": "user.created" })).await["event_id"].clone();
    assert_eq!(asked(&kinde, "webhook_attempts").await, json!({ "attempts": [], "waiting": 1 }));
    done(&kinde, "release_webhooks", json!({ "shuffle_seed": 7 })).await;
    done(&kinde, "settle_webhooks", json!({})).await;
    let attempts = asked(&kinde, "webhook_attempts").await;
    assert_eq!(
        (&attempts["attempts"][0]["event_id"], &attempts["attempts"][0]["status"]),
        (&event, &Value::Null)
    );
    done(&kinde, "resend", json!({ "event_id": event })).await;
    assert_eq!(asked(&kinde, "webhooks").await["webhooks"][0]["id"], id);
    done(&kinde, "delete_webhook", json!({ "id": id })).await;
    assert_eq!(refused(&kinde, "delete_webhook", json!({ "id": id })).await.0, 404);
    assert_eq!(refused(&kinde, "resend", json!({ "event_id": "event_0" })).await.0, 404);
}

#[tokio::test]
async fn details_are_json_or_nothing() {
    let kinde = environment().await;
    let url = format!("{}/_emulator/rotate_keys", kinde.url());
    assert_eq!(client().post(&url).send().await.unwrap().status(), 200);
    let url = format!("{}/_emulator/snapshot", kinde.url());
    for (media_type, body, expected) in [
        ("text/plain", "{\"name\":\"a\"}", 415),
        ("application/json", "{", 400),
        ("application/json", "{\"nam\":\"a\"}", 422),
        ("application/json", "", 422),
        ("application/json; charset=utf-8", "{\"name\":\"a\"}", 200),
    ] {
        let asked = client().post(&url).header("content-type", media_type).body(body);
        assert_eq!(asked.send().await.unwrap().status(), expected, "{body}");
    }
}
