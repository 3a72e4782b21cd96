//! Webhooks on their way: headers, retries, filters, order.
#![expect(unreachable_pub, reason = "the receiver is shared by several test binaries")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod receiver;

use http::Method;
use kinde_emulator::{Environment, WebhookOutcome};
use receiver::Receiver;
use serde_json::json;

#[tokio::test]
async fn new_person_arrives_as_a_signed_event() {
    let (kinde, receiver) = (Environment::start().await, Receiver::start().await);
    let webhook = kinde.add_webhook(receiver.url()).unwrap();
    let alice = kinde.person("alice");
    kinde.settled().await;

    let received = receiver.received();
    assert_eq!(received.len(), 1);
    assert_eq!((&received[0].method, received[0].path.as_str()), (&Method::POST, "/hooks/kinde"));
    assert_eq!(received[0].header("content-type"), "application/jwt");
    assert_eq!(
        received[0].jose_header(),
        json!({ "alg": "RS256", "kid": kinde.signing_kid(), "typ": "JWT" })
    );
    let claims = received[0].claims();
    assert_eq!((&claims["type"], &claims["source"]), (&json!("user.created"), &json!("api")));
    assert_eq!(claims["data"]["user"]["id"], alice.id());

    let attempts = kinde.webhook_attempts();
    assert_eq!(attempts.len(), 1);
    assert_eq!((attempts[0].number, &attempts[0].outcome), (1, &WebhookOutcome::Status(200)));
    assert_eq!(attempts[0].endpoint_id, webhook.id());
    assert_eq!(attempts[0].webhook_id, received[0].header("webhook-id"));
    assert_eq!(claims["event_id"], attempts[0].event_id);
}
