//! Attacks: what is not an event of this environment never reaches the handler.

use axum::body::Body;
use http::Request;
use kinde_emulator::Environment;
use kinde_webhook::{WebhookService, inbox::MemoryInbox};
use serde_json::json;

use crate::receiver::{Notebook, post, send, verifier_of};

macro_rules! service {
    ($kinde:expr, $notebook:expr) => {{
        let notebook = $notebook.clone();
        WebhookService::from_fn(verifier_of(&$kinde), MemoryInbox::new(), move |event| {
            notebook.clone().handle(event)
        })
    }};
}

/// covers: A1 A2 A3 A4 A6 H3 H8
#[tokio::test]
async fn forged_event_is_refused() {
    let (kinde, notebook) = (Environment::start().await, Notebook::default());
    let service = service!(kinde, notebook);
    let event = || kinde.event("user.created").wrong();
    for (name, token, status) in [
        ("signed by another key", event().other_key(), 401),
        ("unknown kid", event().unknown_kid(), 401),
        ("none", event().alg_none(), 400),
        ("HMAC with the public key", event().hmac_with_public_key(), 400),
        ("changed after signing", event().tampered_payload(), 401),
        ("no event_id", event().without("event_id"), 400),
        ("no timestamp", event().without("timestamp"), 400),
        ("no data", event().without("data"), 400),
        ("data is a list", event().saying("data", json!([])), 400),
        ("a subject", event().saying("sub", json!("kp_1")), 400),
        ("foreign issuer", event().saying("iss", json!("https://evil.example")), 400),
    ] {
        let (found, body) = post(&service, token).await;
        assert_eq!(found, status, "{name}: {body}");
    }
    assert!(notebook.runs().is_empty());
}

/// covers: H2 H8
#[tokio::test]
async fn body_that_is_not_one_token_is_refused() {
    let (kinde, notebook) = (Environment::start().await, Notebook::default());
    let service = service!(kinde, notebook);
    let token = kinde.event("user.created").token();
    for (name, body, status) in [
        ("empty", Vec::new(), 400),
        ("white space", b" \r\n".to_vec(), 400),
        ("1 MiB", vec![b'a'; 1 << 20], 413),
        ("just over the limit", vec![b'a'; (256 << 10) + 1], 413),
        ("two tokens", format!("{token}\n{token}").into_bytes(), 400),
        ("byte order mark", format!("\u{feff}{token}").into_bytes(), 400),
        ("HTML", b"<html><body>502</body></html>".to_vec(), 400),
        ("JSON around", format!("{{\"token\":\"{token}\"}}").into_bytes(), 400),
        ("quoted", format!("\"{token}\"").into_bytes(), 400),
        ("not UTF-8", vec![0xff, 0xfe, 0x00], 400),
        ("gzip's first bytes", vec![0x1f, 0x8b, 0x08, 0x00], 400),
        ("cut", token.as_bytes()[..token.len() / 2].to_vec(), 400),
        ("white space inside", token.replacen('.', " .", 1).into_bytes(), 400),
    ] {
        let (found, body) = post(&service, body).await;
        assert_eq!(found, status, "{name}: {body}");
    }
    assert!(notebook.runs().is_empty());
    for body in [format!("{token}\n"), format!("\r\n {token}\t")] {
        assert_eq!(post(&service, body).await.0, 200);
    }
    assert_eq!(notebook.runs().len(), 1);
}

/// covers: H2 H8
#[tokio::test]
async fn request_of_another_method_or_media_type_is_refused() {
    let (kinde, notebook) = (Environment::start().await, Notebook::default());
    let service = service!(kinde, notebook);
    let token = kinde.event("user.created").token();
    let request = |method: &str, headers: &[(&str, &str)]| {
        let builder = headers
            .iter()
            .fold(Request::builder().method(method), |builder, (name, value)| builder.header(*name, *value));
        builder.body(Body::from(token.clone())).unwrap()
    };
    const JWT: (&str, &str) = ("content-type", "application/jwt");
    for (method, headers, status) in [
        ("GET", &[JWT][..], 405),
        ("PUT", &[JWT], 405),
        ("HEAD", &[JWT], 405),
        ("POST", &[], 415),
        ("POST", &[("content-type", "application/json")], 415),
        ("POST", &[("content-type", "text/plain")], 415),
        ("POST", &[JWT, JWT], 415),
        ("POST", &[JWT, ("content-encoding", "gzip")], 415),
        ("POST", &[("content-type", "Application/JWT; charset=utf-8")], 200),
    ] {
        let (found, body) = send(&service, request(method, headers)).await;
        assert_eq!(found, status, "{method} {headers:?}: {body}");
    }
}

/// covers: H7
#[tokio::test]
async fn recorded_event_with_a_new_webhook_id_is_not_handled_again() {
    let (kinde, notebook) = (Environment::start().await, Notebook::default());
    let service = service!(kinde, notebook);
    let token = kinde.event("user.created").token();
    for webhook_id in ["webhook_1", "webhook_2", ""] {
        let request = Request::post("/")
            .header("content-type", "application/jwt")
            .header("webhook-id", webhook_id)
            .body(Body::from(token.clone()))
            .unwrap();
        assert_eq!(send(&service, request).await.0, 200);
    }
    assert_eq!(notebook.runs().len(), 1);
}

/// covers: D3 I5
#[tokio::test]
async fn refusal_tells_the_sender_nothing_but_the_status() {
    let (kinde, notebook) = (Environment::start().await, Notebook::default());
    let service = service!(kinde, notebook);
    let (status, body) = post(&service, kinde.event("user.created").wrong().unknown_kid()).await;
    assert_eq!(
        (status, body.as_str()),
        (401, r#"{"status":401,"title":"Unauthorized","type":"about:blank"}"#)
    );
}
