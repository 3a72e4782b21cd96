//! The `Webhook` argument of axum handlers.

use axum::{Router, body::Body, extract::FromRef, routing::post};
use http::Request;
use http_body_util::BodyExt;
use kinde_axum::Webhook;
use kinde_emulator::Environment;
use kinde_webhook::{Event, WebhookVerifier, payload::UserCreated};
use tower::ServiceExt;

use crate::receiver::verifier_of;

#[derive(Clone)]
struct Shop {
    webhooks: WebhookVerifier,
}

impl FromRef<Shop> for WebhookVerifier {
    fn from_ref(shop: &Shop) -> Self {
        shop.webhooks.clone()
    }
}

fn app(kinde: &Environment) -> Router {
    Router::new()
        .route("/created", post(async |created: Webhook<UserCreated>| created.user.id().to_owned()))
        .route("/any", post(async |event: Webhook<Event>| event.event_type().to_owned()))
        .with_state(Shop { webhooks: verifier_of(kinde) })
}

async fn send(app: &Router, path: &str, media_type: &str, body: String) -> (u16, String) {
    let request = Request::post(path).header("content-type", media_type).body(Body::from(body)).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// covers: H1 H8
#[tokio::test]
async fn event_reaches_a_handler_as_its_payload_or_as_itself() {
    let kinde = Environment::start().await;
    let app = app(&kinde);
    let token = kinde.event("user.created").set("data.user.id", "kp_7").token();
    assert_eq!(send(&app, "/created", "application/jwt", token.clone()).await, (200, "kp_7".to_owned()));
    assert_eq!(send(&app, "/any", "application/jwt", token).await, (200, "user.created".to_owned()));
}

/// covers: H2 H5 H8 H9
#[tokio::test]
async fn what_is_not_the_event_never_reaches_the_handler() {
    let kinde = Environment::start().await;
    let app = app(&kinde);
    let event = kinde.event("user.created");
    let jwt = "application/jwt";
    for (name, media_type, token, status) in [
        ("signed by another", jwt, event.wrong().other_key(), 401),
        ("access token", jwt, kinde.person("alice").access_token(), 400),
        ("media type", "application/json", event.token(), 415),
        ("no token", jwt, String::new(), 400),
        ("payload without its id", jwt, kinde.event("user.created").without("data.user.id").token(), 400),
    ] {
        let (found, body) = send(&app, "/created", media_type, token).await;
        assert_eq!(found, status, "{name}: {body}");
        assert!(!body.contains("kp_"), "{name}: {body}");
    }
    // Kinde may send more types to an endpoint than one handler takes: acknowledged, and not handled.
    let (status, body) = send(&app, "/created", jwt, kinde.event("role.created").token()).await;
    assert_eq!(status, 200);
    assert!(body.contains(r#""outcome":"ignored""#), "{body}");
}
