//! The control API, as a test in another language uses it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kinde_emulator::{Environment, Fault};
use reqwest::{Client, Response, StatusCode, header};
use serde_json::{Value, json};

async fn environment() -> Environment {
    Environment::builder().with_callback("http://localhost:3000/callback").with_control_api().start().await
}

fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn control(kinde: &Environment, operation: &str, details: Value) -> Response {
    client().post(format!("{}/_emulator/{operation}", kinde.url())).json(&details).send().await.unwrap()
}

async fn done(kinde: &Environment, operation: &str, details: Value) -> Value {
    let answer = control(kinde, operation, details).await;
    assert_eq!(answer.status(), StatusCode::OK, "{operation}");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn environment_without_the_control_api_does_not_know_it() {
    let kinde = Environment::start().await;
    let before = kinde.signing_kid();
    assert_eq!(control(&kinde, "rotate_keys", json!({})).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(kinde.signing_kid(), before);
}

#[tokio::test]
async fn keys_are_rotated_withdrawn_and_published() {
    let kinde = environment().await;
    let old = kinde.signing_kid();
    let rotated = done(&kinde, "rotate_keys", json!({})).await;
    assert_eq!(rotated["kid"], kinde.signing_kid());
    assert_ne!(rotated["kid"], old);
    done(&kinde, "withdraw_key", json!({ "kid": old })).await;
    assert!(!kinde.jwks().contains(&old));
    done(&kinde, "publish_key", json!({ "kid": old })).await;
    assert!(kinde.jwks().contains(&old));
    let unknown = control(&kinde, "withdraw_key", json!({ "kid": "no:such:key" })).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn time_is_set_advanced_and_let_go() {
    let kinde = environment().await;
    let set = done(&kinde, "set_time", json!({ "unix_seconds": 1_790_000_000 })).await;
    assert_eq!(set, json!({ "now": 1_790_000_000 }));
    assert_eq!(done(&kinde, "advance", json!({ "seconds": 60 })).await, json!({ "now": 1_790_000_060 }));
    assert_eq!(kinde.now(), 1_790_000_060);
    let known = client().get(format!("{}/_emulator/environment", kinde.url())).send().await.unwrap();
    assert_eq!(known.json::<Value>().await.unwrap()["now"], 1_790_000_060);
    done(&kinde, "follow_system_time", json!({})).await;
    assert_ne!(kinde.now(), 1_790_000_060);
}

#[tokio::test]
async fn person_signs_in_without_a_page() {
    let kinde = environment().await;
    let alice = kinde.person("alice");
    let authorization_url = format!(
        "{}/oauth2/auth?client_id={}&redirect_uri=http://localhost:3000/callback&response_type=code&state=s",
        kinde.url(),
        kinde.client_id()
    );
    let details = json!({ "authorization_url": authorization_url, "person": alice.id() });
    let location = done(&kinde, "sign_in", details).await["location"].as_str().unwrap().to_owned();
    assert!(location.starts_with("http://localhost:3000/callback?code="), "{location}");
    let nobody = json!({ "authorization_url": authorization_url, "person": "mallory" });
    assert_eq!(control(&kinde, "sign_in", nobody).await.status(), StatusCode::NOT_FOUND);
    let wrong = json!({ "authorization_url": "/oauth2/auth", "person": "alice" });
    assert_eq!(control(&kinde, "sign_in", wrong).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn event_is_triggered_with_what_was_set() {
    let kinde = environment().await;
    let endpoint = json!({ "endpoint": "http://127.0.0.1:9/hooks/kinde", "event_types": ["user.created"] });
    done(&kinde, "add_webhook", endpoint).await;
    assert_eq!(kinde.webhooks().len(), 1);
    kinde.hold_webhooks();
    let event = json!({ "event_type": "user.created", "set": { "data.user.email": "ada@example.test" } });
    let triggered = done(&kinde, "trigger", event).await;
    assert!(triggered["event_id"].as_str().unwrap().starts_with("event_"), "{triggered}");
    assert_eq!(kinde.pending_webhooks(), 1);
    let elsewhere = json!({ "endpoint": "https://example.test/hooks" });
    assert_eq!(control(&kinde, "add_webhook", elsewhere).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn requests_are_counted_and_faults_do_not_reach_the_control_api() {
    let kinde = environment().await;
    kinde.fault("/_emulator/requests", Fault::Status(503));
    client().get(format!("{}/.well-known/jwks", kinde.url())).send().await.unwrap();
    let url = format!("{}/_emulator/requests", kinde.url());
    let counted = client().get(format!("{url}?path=/.well-known/jwks")).send().await.unwrap();
    assert_eq!(counted.json::<Value>().await.unwrap(), json!({ "requests": 1 }));
    assert_eq!(client().get(&url).send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    done(&kinde, "reset_requests", json!({})).await;
    assert_eq!(kinde.jwks_fetches(), 0);
}

#[tokio::test]
async fn path_that_nobody_knows_is_kindes_and_not_the_control_apis() {
    let kinde = environment().await;
    let url = format!("{}/oauth2/userinfo", kinde.url());
    let answer = client().get(&url).header(header::ORIGIN, "http://localhost:3000").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    kinde.expect_requests("/oauth2/userinfo", 1);
    kinde.fault("/oauth2/userinfo", Fault::Status(503));
    assert_eq!(client().get(&url).send().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn applications_are_listed_with_what_a_client_needs() {
    let kinde = environment().await;
    let billing = kinde.machine("billing");
    let listed = client().get(format!("{}/_emulator/applications", kinde.url())).send().await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    let by_name = |name: &str| {
        let applications = listed["applications"].as_array().unwrap();
        applications.iter().find(|application| application["name"] == name).cloned().unwrap()
    };
    assert_eq!(by_name("web")["client_id"], kinde.client_id());
    assert_eq!(by_name("web")["callbacks"], json!(["http://localhost:3000/callback"]));
    assert_eq!(by_name("billing")["kind"], "machine");
    assert_eq!(by_name("billing")["client_secret"], billing.client_secret());
}

#[tokio::test]
async fn unknown_detail_is_named() {
    let kinde = environment().await;
    let answer = control(&kinde, "advance", json!({ "minutes": 1 })).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let told = answer.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned();
    assert!(told.contains("minutes"), "{told}");
}

#[tokio::test]
async fn page_of_another_site_cannot_use_the_control_api() {
    let kinde = environment().await;
    let before = kinde.signing_kid();
    for (name, value) in [(header::ORIGIN, "https://example.test"), (header::HOST, "example.test")] {
        let url = format!("{}/_emulator/rotate_keys", kinde.url());
        let answer = client().post(url).header(&name, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(kinde.signing_kid(), before);
}
