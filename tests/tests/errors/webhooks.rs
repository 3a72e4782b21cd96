//! Refused webhooks: each code of `WebhookError` that is no token's is provoked, through the public API alone.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use http_body::{Body, Frame};
use http_body_util::Full;
use kinde_core::{EventVerifier, Issuer, Jwks, ManualClock};
use kinde_emulator::Environment;
use kinde_webhook::{
    Disposition, Event, EventKey, HandlerError, HandlerFn, Inbox, InboxError, Lease, Once, Process,
    Reception, Reservation, WebhookError, WebhookErrorKind, WebhookReason, WebhookVerifier,
    inbox::{MemoryInbox, Terms},
};
use serde_json::json;

use crate::{capture::Capture, document};

/// An environment, and a verifier that holds its keys.
struct Sender {
    kinde: Environment,
    verifier: WebhookVerifier,
}

impl Sender {
    async fn start() -> Self {
        let kinde = Environment::start().await;
        kinde.set_time(NOW);
        let jwks = Jwks::from_static_json(Issuer::new(kinde.issuer()).unwrap(), &kinde.jwks()).unwrap();
        let verifier = EventVerifier::new(jwks).with_clock(ManualClock::at_unix_seconds(NOW)).into();
        Self { kinde, verifier }
    }

    async fn event(&self) -> Event {
        self.verifier.verify(self.kinde.event("user.created").token()).await.unwrap()
    }
}

/// Answers as it is told, in this order; it remembers nothing.
#[derive(Clone, Default)]
struct Scripted {
    reservations: Arc<Mutex<VecDeque<Answer>>>,
    /// What confirming and releasing fail with.
    failure: Option<fn() -> InboxError>,
}

enum Answer {
    Yours,
    InFlight,
    Unavailable,
}

impl Scripted {
    fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { reservations: Arc::new(Mutex::new(answers.into_iter().collect())), failure: None }
    }

    fn then_failing(mut self, failure: fn() -> InboxError) -> Self {
        self.failure = Some(failure);
        self
    }

    fn outcome(&self) -> Result<(), InboxError> {
        self.failure.map_or(Ok(()), |failure| Err(failure()))
    }
}

impl Inbox for Scripted {
    async fn reserve(&self, key: &EventKey, terms: Terms) -> Result<Reservation, InboxError> {
        match self.reservations.lock().unwrap().pop_front().unwrap() {
            Answer::Yours => Ok(Reservation::Yours(Lease::new(key.clone(), 1, terms))),
            Answer::InFlight => Ok(Reservation::InFlight),
            Answer::Unavailable => Err(unavailable()),
        }
    }

    async fn confirm(&self, _: &Lease) -> Result<(), InboxError> {
        self.outcome()
    }

    async fn release(&self, _: &Lease) -> Result<(), InboxError> {
        self.outcome()
    }

    async fn park(&self, _: &Lease, _: &Event, _: &str) -> Result<(), InboxError> {
        self.outcome()
    }
}

fn unavailable() -> InboxError {
    InboxError::Unavailable("connection reset".into())
}

/// A body whose connection breaks.
struct Broken;

impl Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}

/// Reads a request that is right but for what the caller changes.
async fn refused_at_the_door(method: Method, media_type: &str, length: usize) -> Option<WebhookError> {
    let request = Request::builder().method(method).header("content-type", media_type);
    let request = request.body(Full::new(Bytes::from(vec![b'a'; length]))).unwrap();
    Reception::default().with_body_limit_bytes(10).read(request).await.err()
}

/// Hands an event to a handler that ends as it is told.
async fn processed<I: Inbox>(
    inbox: I,
    event: Event,
    outcome: fn() -> Result<(), HandlerError>,
) -> Result<Disposition, WebhookError> {
    let handler = HandlerFn::new(move |_: Event| async move { outcome() });
    let keys = Jwks::builder(event.issuer().clone()).build().unwrap();
    let verifier = WebhookVerifier::from(EventVerifier::new(keys));
    Once::new(inbox, &verifier, handler).with_patience(Duration::from_millis(50)).process(event).await
}

async fn refused_by<I: Inbox>(inbox: I, event: Event) -> Option<WebhookError> {
    processed(inbox, event, || Ok(())).await.err()
}

type Row = (&'static str, WebhookErrorKind, Option<WebhookError>);

/// Provokes every code that is not one of a token as well.
pub(crate) async fn provoked() -> Vec<Row> {
    use WebhookErrorKind as Kind;
    let sender = Sender::start().await;
    let jwt = "application/jwt";
    let broken = Request::post("/").header("content-type", jwt).body(Broken).unwrap();
    let malformed = sender.kinde.event("user.created").set("data.user", json!([])).token();
    let payload = sender.verifier.verify(malformed).await.unwrap().payload();
    let mut rows = vec![
        ("method_not_allowed", Kind::MethodNotAllowed, refused_at_the_door(Method::PUT, jwt, 10).await),
        (
            "media_type_not_allowed",
            Kind::MediaType,
            refused_at_the_door(Method::POST, "application/json", 10).await,
        ),
        ("body_too_large", Kind::TooLarge, refused_at_the_door(Method::POST, jwt, 11).await),
        ("body_unreadable", Kind::Malformed, Reception::default().read(broken).await.err()),
        ("body_not_text", Kind::Malformed, sender.verifier.verify([0xff, 0x00]).await.err()),
        // As the extractor of kinde-axum says it.
        (
            "payload_malformed",
            Kind::Malformed,
            payload.err().map(|error| WebhookReason::Payload(error).into()),
        ),
    ];
    rows.extend(provoked_by_inboxes(&sender).await);
    rows
}

async fn provoked_by_inboxes(sender: &Sender) -> Vec<Row> {
    let full = MemoryInbox::builder().with_limit(1).build();
    assert!(processed(full.clone(), sender.event().await, || Ok(())).await.is_ok());
    let taken = Scripted::answering([Answer::InFlight, Answer::InFlight]);
    let given_back = Scripted::answering([Answer::InFlight, Answer::Yours]);
    let lost = Scripted::answering([Answer::Yours]).then_failing(|| InboxError::LeaseLost);
    let aborted = Scripted::answering([Answer::Yours]).then_failing(|| InboxError::TransactionAborted);
    let away = Scripted::answering([Answer::Unavailable]);
    let failing = processed(MemoryInbox::new(), sender.event().await, || Err("no database".into()));
    let again = WebhookErrorKind::TryAgain;
    vec![
        ("event_in_flight", again, refused_by(taken, sender.event().await).await),
        ("event_failed_elsewhere", again, refused_by(given_back, sender.event().await).await),
        ("inbox_full", again, refused_by(full, sender.event().await).await),
        ("lease_lost", again, refused_by(lost, sender.event().await).await),
        ("transaction_aborted", again, refused_by(aborted, sender.event().await).await),
        ("inbox_unavailable", again, refused_by(away, sender.event().await).await),
        ("handler_failed", again, failing.await.err()),
    ]
}

/// The answer of a kind, as docs/errors.md writes it.
pub(crate) fn answer(kind: WebhookErrorKind) -> &'static str {
    match kind {
        WebhookErrorKind::MethodNotAllowed => "405 with `Allow: POST`",
        WebhookErrorKind::MediaType => "415",
        WebhookErrorKind::TooLarge => "413",
        WebhookErrorKind::Malformed => "400",
        WebhookErrorKind::NotTrusted => "401",
        WebhookErrorKind::TryAgain => "503 with `Retry-After`",
    }
}

/// covers: I4 H8
#[tokio::test]
async fn every_code_of_a_refused_webhook_is_provoked_and_reads_well() {
    let mut provoked_codes = BTreeSet::new();
    for (code, kind, error) in provoked().await {
        let error = error.unwrap_or_else(|| panic!("{code} was not provoked"));
        assert_eq!((error.code(), error.kind()), (code, kind));
        let text = error.to_string();
        assert!(text.ends_with(&format!(" [{code}]")), "{text}");
        assert!(!text.contains(char::is_control) && !text.contains("failed to"), "{text:?}");
        assert_eq!(error.is_temporary(), kind == WebhookErrorKind::TryAgain, "{code}");
        let response = error.respond();
        assert!(answer(kind).starts_with(response.status().as_str()), "{code}: {response:?}");
        assert_eq!(response.headers().contains_key("allow"), answer(kind).contains("Allow"), "{code}");
        assert_eq!(response.headers().contains_key("retry-after"), error.is_temporary(), "{code}");
        provoked_codes.insert(code.to_owned());
    }
    assert_eq!(provoked_codes, document::codes_of_webhooks());
}

/// covers: H3 H8
#[tokio::test]
async fn code_of_a_token_is_400_or_of_its_key_401() {
    let sender = Sender::start().await;
    let wrong = || sender.kinde.event("user.created").wrong();
    for (token, code, kind) in [
        (wrong().hmac_with_public_key(), "algorithm_not_allowed", WebhookErrorKind::Malformed),
        (wrong().without("event_id"), "claim_missing", WebhookErrorKind::Malformed),
        (sender.kinde.person("alice").access_token(), "wrong_token_kind", WebhookErrorKind::Malformed),
        (wrong().unknown_kid(), "key_unknown", WebhookErrorKind::NotTrusted),
        (wrong().tampered_payload(), "signature_invalid", WebhookErrorKind::NotTrusted),
    ] {
        let error = sender.verifier.verify(token).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), (code, kind));
    }
}

/// covers: I4 I6
#[tokio::test]
async fn event_that_is_parked_is_logged_with_its_code() {
    let sender = Sender::start().await;
    let (log, _guard) = Capture::begin();
    let outcome =
        processed(MemoryInbox::new(), sender.event().await, || Err(HandlerError::permanent("no such plan")));
    assert_eq!(outcome.await.unwrap(), Disposition::Parked);
    assert_eq!(codes(&log), ["event_parked"]);
}

/// covers: I4 I6
#[tokio::test]
async fn event_that_cannot_be_given_back_is_logged_with_its_code() {
    let sender = Sender::start().await;
    let (log, _guard) = Capture::begin();
    let inbox = Scripted::answering([Answer::Yours]).then_failing(unavailable);
    let outcome = processed(inbox, sender.event().await, || Err("no database".into())).await;
    assert_eq!(outcome.unwrap_err().code(), "handler_failed");
    assert_eq!(codes(&log), ["handler_failed", "event_not_released"]);
}

/// The codes that were logged at level warning or above.
fn codes(log: &Capture) -> Vec<String> {
    let records = log.records().into_iter().filter(|told| told.target == "kinde_webhook");
    let records = records.filter(|told| told.text.starts_with("ERROR") || told.text.starts_with("WARN"));
    let code = |text: &str| Some(text.split_once("code=")?.1.split_whitespace().next()?.to_owned());
    records.filter_map(|told| code(&told.text)).collect()
}

const NOW: u64 = 1_790_000_000;
