//! Webhooks on their way: headers, retries, filters, order.

use std::time::Duration;

use http::Method;
use kinde_emulator::{
    EndpointError, Environment, StartError, Webhook, WebhookDelivery, WebhookEndpoint, WebhookOutcome,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::receiver::{Received, Receiver};

const START: u64 = 1_790_000_000;
const HOUR: u64 = 3_600;
/// When each attempt is due after the first, in seconds.
const PLAN: [u64; 10] = [0, 5, 30, 120, 600, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR, 36 * HOUR];

/// An environment whose time stands still, and a receiver of every event.
async fn stage() -> (Environment, Receiver, Webhook) {
    let (kinde, receiver) = (Environment::start().await, Receiver::start().await);
    kinde.set_time(START);
    let webhook = kinde.add_webhook(receiver.url()).unwrap();
    (kinde, receiver, webhook)
}

fn statuses(kinde: &Environment) -> Vec<WebhookOutcome> {
    kinde.webhook_attempts().into_iter().map(|attempt| attempt.outcome).collect()
}

#[tokio::test]
async fn new_person_arrives_as_a_signed_event() {
    let (kinde, receiver, webhook) = stage().await;
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

    let attempts = webhook.attempts();
    assert_eq!(attempts, kinde.webhook_attempts());
    assert_eq!((attempts[0].number, attempts[0].copy, attempts[0].at), (1, 0, START));
    assert_eq!(attempts[0].outcome, WebhookOutcome::Status(200));
    assert_eq!(attempts[0].endpoint_id, webhook.id());
    assert_eq!(attempts[0].webhook_id, received[0].header("webhook-id"));
    assert_eq!(claims["event_id"], attempts[0].event_id);
}

#[tokio::test]
async fn failing_delivery_is_tried_ten_times_within_36_hours() {
    let (kinde, receiver, _) = stage().await;
    receiver.always_answer(500);
    kinde.trigger("user.created");
    kinde.settled().await;
    for due in &PLAN[1..] {
        let made = kinde.webhook_attempts().len();
        kinde.set_time(START + due - 1);
        kinde.settled().await;
        assert_eq!(kinde.webhook_attempts().len(), made, "a second before {due}");
        kinde.advance(Duration::from_secs(1));
        kinde.settled().await;
    }
    let attempts = kinde.webhook_attempts();
    assert_eq!(attempts.iter().map(|attempt| attempt.at - START).collect::<Vec<_>>(), PLAN);
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), Vec::from_iter(1..=10));
    assert_eq!(kinde.pending_webhooks(), 0);
    let received = receiver.received();
    let first = &received[0];
    let is_like_the_first = |again: &Received| {
        again.body == first.body && again.header("webhook-id") == first.header("webhook-id")
    };
    assert!(received.iter().all(is_like_the_first));
}

#[tokio::test]
async fn leap_over_the_whole_plan_makes_every_attempt() {
    let (kinde, receiver, _) = stage().await;
    receiver.always_answer(503);
    kinde.trigger("user.created");
    kinde.settled().await;
    kinde.advance(Duration::from_secs(40 * HOUR));
    kinde.settled().await;
    assert_eq!((kinde.webhook_attempts().len(), kinde.pending_webhooks()), (10, 0));
}

#[tokio::test]
async fn time_that_elapses_makes_every_attempt_when_it_is_due() {
    let (kinde, receiver, _) = stage().await;
    receiver.always_answer(503);
    kinde.trigger("user.created");
    kinde.elapse(Duration::from_secs(72 * HOUR)).await;
    let times: Vec<_> = kinde.webhook_attempts().iter().map(|attempt| attempt.at - START).collect();
    assert_eq!((times.as_slice(), kinde.now()), (&PLAN[..], START + 72 * HOUR));
}

#[tokio::test]
async fn success_ends_the_attempts() {
    let (kinde, receiver, _) = stage().await;
    receiver.answer(&[500, 500]);
    kinde.trigger("user.created");
    kinde.settled().await;
    kinde.advance(Duration::from_secs(40 * HOUR));
    kinde.settled().await;
    let expected = [500, 500, 200].map(WebhookOutcome::Status);
    assert_eq!((statuses(&kinde), kinde.pending_webhooks()), (expected.to_vec(), 0));
}

#[tokio::test]
async fn only_200_is_success_and_redirects_are_not_followed() {
    let (kinde, receiver, webhook) = stage().await;
    for status in [201, 202, 204, 302, 307, 400, 401, 409, 410, 500] {
        receiver.answer(&[status]);
        kinde.trigger("user.created");
        kinde.settled().await;
        assert_eq!(statuses(&kinde), [WebhookOutcome::Status(status)], "{status}");
        assert_eq!(kinde.pending_webhooks(), 1, "{status}");
        kinde.clear_webhook_attempts();
        webhook.disable();
        webhook.enable();
    }
    assert!(receiver.received().iter().all(|request| request.path == "/hooks/kinde"));
}

#[tokio::test]
async fn running_clock_makes_the_second_attempt_by_itself() {
    let (kinde, receiver) = (Environment::start().await, Receiver::start().await);
    kinde.add_webhook(receiver.url()).unwrap();
    receiver.answer(&[500]);
    kinde.trigger("user.created");
    kinde.settled().await;
    kinde.advance(Duration::from_millis(4_900));
    receiver.arrived(2).await;
    assert_eq!(receiver.received()[0].body, receiver.received()[1].body);
}

#[tokio::test]
async fn endpoint_gets_the_types_it_asked_for() {
    let (kinde, receiver) = (Environment::start().await, Receiver::start().await);
    let wanted = WebhookEndpoint::new(receiver.url()).with_event_types(["user.created", "role.deleted"]);
    let webhook = kinde.add_webhook(wanted.with_name("people").with_description("sync")).unwrap();
    for event_type in ["user.created", "user.updated", "role.deleted", "user.created.more"] {
        kinde.trigger(event_type);
        kinde.settled().await;
    }
    assert_eq!(receiver.types(), ["user.created", "role.deleted"]);
    assert_eq!((webhook.name(), webhook.description()), ("people".to_owned(), "sync".to_owned()));
    webhook.set_event_types(["user.updated"]);
    assert_eq!(webhook.event_types(), ["user.updated"]);
    kinde.trigger("user.updated");
    kinde.settled().await;
    assert_eq!(receiver.types().last().unwrap(), "user.updated");
}

#[tokio::test]
async fn two_endpoints_get_the_same_event_under_different_webhook_ids() {
    let (kinde, receiver, first) = stage().await;
    let second = kinde.add_webhook(receiver.url()).unwrap();
    assert_ne!(first.id(), second.id());
    kinde.trigger("user.created");
    kinde.settled().await;
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].body, received[1].body);
    assert_ne!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert!(second.delete() && !second.delete());
    assert_eq!(kinde.webhooks().iter().map(Webhook::id).collect::<Vec<_>>(), [first.id()]);
}

#[tokio::test]
async fn endpoint_that_failed_for_72_hours_is_disabled() {
    let (kinde, receiver, webhook) = stage().await;
    receiver.always_answer(500);
    for time in [START, START + 72 * HOUR - 1] {
        kinde.set_time(time);
        kinde.trigger("user.created");
        kinde.settled().await;
        assert!(webhook.is_enabled());
    }
    kinde.set_time(START + 72 * HOUR);
    kinde.trigger("user.created");
    kinde.settled().await;
    assert!(!webhook.is_enabled());
    assert_eq!(kinde.pending_webhooks(), 0);
}

#[tokio::test]
async fn disabled_endpoint_misses_what_happens_until_it_is_enabled_again() {
    let (kinde, receiver, webhook) = stage().await;
    webhook.disable();
    kinde.trigger("user.deleted");
    kinde.settled().await;
    webhook.enable();
    kinde.trigger("user.updated");
    kinde.settled().await;
    assert_eq!(receiver.types(), ["user.updated"]);
}

#[tokio::test]
async fn failures_before_enabling_again_are_forgotten() {
    let (kinde, receiver, webhook) = stage().await;
    receiver.always_answer(500);
    for time in [START, START + 72 * HOUR] {
        kinde.set_time(time);
        kinde.trigger("user.created");
        kinde.settled().await;
    }
    webhook.enable();
    kinde.trigger("user.created");
    kinde.settled().await;
    assert!(webhook.is_enabled());
}

#[tokio::test]
async fn one_success_within_72_hours_keeps_the_endpoint_enabled() {
    let (kinde, receiver, webhook) = stage().await;
    receiver.answer(&[500, 200]);
    kinde.trigger("user.created");
    kinde.settled().await;
    kinde.set_time(START + 71 * HOUR);
    kinde.settled().await;
    receiver.always_answer(500);
    kinde.set_time(START + 100 * HOUR);
    kinde.trigger("user.created");
    kinde.settled().await;
    assert!(webhook.is_enabled());
}

#[tokio::test]
async fn duplicates_are_the_same_event_under_the_same_webhook_id() {
    let (kinde, receiver, _) = stage().await;
    kinde.set_webhook_delivery(WebhookDelivery::default().with_duplicates(2));
    let event_id = kinde.trigger("user.created");
    kinde.settled().await;
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|request| request.claims()["event_id"] == event_id));
    assert!(received.iter().all(|request| request.header("webhook-id") == received[0].header("webhook-id")));
    let mut copies: Vec<_> = kinde.webhook_attempts().iter().map(|attempt| attempt.copy).collect();
    copies.sort_unstable();
    assert_eq!(copies, [0, 1, 2]);
}

#[tokio::test]
async fn single_event_is_sent_again_on_demand() {
    let (kinde, receiver, _) = stage().await;
    let event_id = kinde.trigger("user.created");
    kinde.settled().await;
    assert!(kinde.resend(&event_id));
    assert!(!kinde.resend("event_nobody_sent"));
    kinde.settled().await;
    assert_eq!(receiver.received()[0].body, receiver.received()[1].body);
    assert_eq!(kinde.webhook_attempts()[1].copy, 1);
}

#[tokio::test]
async fn held_deliveries_go_when_released_and_in_order_one_at_a_time() {
    let (kinde, receiver, _) = stage().await;
    kinde.set_webhook_delivery(WebhookDelivery::default().with_at_most(1));
    kinde.hold_webhooks();
    let sent = kinde_emulator::EVENT_TYPES;
    for event_type in sent {
        kinde.trigger(event_type);
    }
    kinde.settled().await;
    assert_eq!((receiver.received().len(), kinde.pending_webhooks()), (0, sent.len()));
    kinde.release_webhooks();
    kinde.settled().await;
    assert_eq!(receiver.types(), sent);
}

#[tokio::test]
async fn released_deliveries_arrive_in_the_order_of_the_seed() {
    let mut orders = Vec::new();
    for seed in [1, 1, 2] {
        let (kinde, receiver, _) = stage().await;
        kinde.set_webhook_delivery(WebhookDelivery::default().with_at_most(1));
        kinde.hold_webhooks();
        for event_type in kinde_emulator::EVENT_TYPES {
            kinde.trigger(event_type);
        }
        kinde.release_webhooks_shuffled(seed);
        kinde.settled().await;
        orders.push(receiver.types());
    }
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
    assert_ne!(orders[0], kinde_emulator::EVENT_TYPES);
    orders[0].sort_unstable();
    let mut all = kinde_emulator::EVENT_TYPES.to_vec();
    all.sort_unstable();
    assert_eq!(orders[0], all);
}

#[tokio::test]
async fn deliveries_run_in_parallel() {
    let (kinde, (url, listener)) = (Environment::start().await, listener().await);
    kinde.add_webhook(url).unwrap();
    for _ in 0..3 {
        kinde.trigger("user.created");
    }
    // Nobody is answered before all three are there.
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(listener.accept().await.unwrap().0);
    }
    for stream in &mut streams {
        answer(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    }
    kinde.settled().await;
    assert_eq!(statuses(&kinde), vec![WebhookOutcome::Status(200); 3]);
}

#[tokio::test]
async fn endpoint_that_does_not_answer_in_time_is_tried_again() {
    let (kinde, (url, listener)) = (Environment::start().await, listener().await);
    kinde.set_time(START);
    kinde.set_webhook_delivery(WebhookDelivery::default().with_timeout(Duration::from_millis(20)));
    kinde.add_webhook(url).unwrap();
    kinde.trigger("user.created");
    let (_held, _) = listener.accept().await.unwrap();
    kinde.settled().await;
    assert_eq!((statuses(&kinde), kinde.pending_webhooks()), (vec![WebhookOutcome::TimedOut], 1));
}

#[tokio::test]
async fn answer_that_is_none_is_told_from_a_status() {
    let rows: [(&str, &[u8], Option<u16>); 5] = [
        ("not HTTP", b"220 mail.example ESMTP\r\n\r\n", None),
        ("closed", b"", None),
        ("cut off", b"HTTP/1.1 200 OK\r\ncontent-le", None),
        (
            "interim first",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            Some(200),
        ),
        ("body cut off", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok", Some(200)),
    ];
    for (name, bytes, status) in rows {
        let (kinde, (url, listener)) = (Environment::start().await, listener().await);
        kinde.add_webhook(url).unwrap();
        kinde.trigger("user.created");
        answer(&mut listener.accept().await.unwrap().0, bytes).await;
        kinde.settled().await;
        match (&statuses(&kinde)[0], status) {
            (WebhookOutcome::Status(seen), Some(expected)) => assert_eq!(*seen, expected, "{name}"),
            (WebhookOutcome::NoAnswer(_), None) => {}
            (seen, _) => panic!("{name}: {seen:?}"),
        }
    }
}

#[tokio::test]
async fn refused_connection_is_tried_again() {
    let (kinde, (url, listener)) = (Environment::start().await, listener().await);
    drop(listener);
    kinde.add_webhook(url).unwrap();
    kinde.trigger("user.created");
    kinde.settled().await;
    assert!(matches!(&statuses(&kinde)[0], WebhookOutcome::NoAnswer(reason) if reason.contains("refused")));
    assert_eq!(kinde.pending_webhooks(), 1);
}

#[tokio::test]
async fn retry_carries_the_same_token_although_the_key_was_rotated() {
    let (kinde, receiver, _) = stage().await;
    receiver.answer(&[500]);
    kinde.trigger("user.created");
    kinde.settled().await;
    kinde.rotate_keys();
    kinde.advance(Duration::from_secs(5));
    kinde.settled().await;
    assert_eq!(receiver.received()[0].body, receiver.received()[1].body);
}

#[tokio::test]
async fn retry_with_a_fresh_token_is_the_same_event_under_the_current_key() {
    let (kinde, receiver, _) = stage().await;
    kinde.set_webhook_delivery(WebhookDelivery::default().with_fresh_tokens());
    receiver.answer(&[500]);
    kinde.trigger("user.created");
    kinde.settled().await;
    let new_kid = kinde.rotate_keys();
    kinde.advance(Duration::from_secs(5));
    kinde.settled().await;
    let (first, second) = (&receiver.received()[0], &receiver.received()[1]);
    assert_eq!(first.claims()["event_id"], second.claims()["event_id"]);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_ne!(first.claims()["timestamp"], second.claims()["timestamp"]);
    assert_eq!(second.jose_header()["kid"], new_kid);
}

#[tokio::test]
async fn endpoint_the_emulator_cannot_send_to_is_refused_early_and_late() {
    let kinde = Environment::start().await;
    let refused = kinde.add_webhook("https://localhost/hooks/kinde").unwrap_err();
    assert!(refused.to_string().contains("not emulated: https"), "{refused}");
    let refused =
        Environment::builder().with_webhook("http://app.example/hook").try_start().await.unwrap_err();
    assert!(matches!(refused, StartError::Webhook(EndpointError::Elsewhere { .. })));
}

#[tokio::test]
async fn stopping_cuts_off_what_is_under_way() {
    let (kinde, (url, listener)) = (Environment::start().await, listener().await);
    kinde.add_webhook(url).unwrap();
    kinde.trigger("user.created");
    let (mut stream, _) = listener.accept().await.unwrap();
    kinde.stop().await;
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert!(received.starts_with(b"POST /hooks/kinde HTTP/1.1\r\n"));
}

async fn listener() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (format!("http://{}/hooks/kinde", listener.local_addr().unwrap()), listener)
}

/// Reads a request up to its last byte, the end of a token, and answers with these bytes.
async fn answer(stream: &mut TcpStream, bytes: &[u8]) {
    let mut request = Vec::new();
    loop {
        stream.read_buf(&mut request).await.unwrap();
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("Content-Length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            break;
        }
    }
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
}
