//! What a failure costs: nothing is lost, and the answer makes Kinde do the right thing.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use kinde_emulator::{Environment, Fault, WebhookOutcome};
use kinde_webhook::{
    Event, EventKey, HandlerError, HandlerFn, Inbox, InboxError, Lease, Once, Process, Reservation,
    WebhookService,
    inbox::{MemoryInbox, Terms},
};

use crate::receiver::{Notebook, Order, endpoint, post, serve, verifier_of};

fn statuses(kinde: &Environment) -> Vec<u16> {
    let status = |outcome: &WebhookOutcome| match outcome {
        WebhookOutcome::Status(status) => *status,
        other => panic!("{other:?}"),
    };
    kinde.webhook_attempts().iter().map(|attempt| status(&attempt.outcome)).collect()
}

/// covers: H7 H8
#[tokio::test]
async fn event_whose_handler_fails_comes_again_and_is_handled() {
    for order in [Order::Fail, Order::Panic] {
        let kinde = Environment::start().await;
        let notebook = Notebook::ordered([order]);
        endpoint(&kinde, &notebook).await;
        let id = kinde.trigger("user.created");
        kinde.settled().await;
        kinde.advance(Duration::from_secs(5));
        kinde.settled().await;
        assert_eq!(statuses(&kinde), [503, 200]);
        assert_eq!(notebook.runs(), [id.clone(), id]);
    }
}

/// covers: H8
#[tokio::test]
async fn event_that_can_never_be_handled_is_acknowledged_and_parked() {
    let kinde = Environment::start().await;
    let notebook = Notebook::ordered([Order::FailForGood]);
    let inbox = endpoint(&kinde, &notebook).await;
    let id = kinde.trigger("user.created");
    kinde.settled().await;
    kinde.resend(&id);
    kinde.settled().await;
    assert_eq!(statuses(&kinde), [200, 200]);
    assert_eq!(notebook.runs(), [id]);
    let parked = inbox.parked();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].reason(), "no such plan");
    // What was parked can be verified and handled later.
    assert!(verifier_of(&kinde).verify(parked[0].token().expose()).await.is_ok());
}

/// covers: H7 H8
#[tokio::test]
async fn retry_that_arrives_during_a_slow_delivery_that_fails_is_answered_the_same() {
    let kinde = Environment::start().await;
    let notebook = Notebook::ordered([Order::Take(Duration::from_millis(200)), Order::Fail]);
    endpoint(&kinde, &notebook).await;
    let id = kinde.trigger("user.created");
    while notebook.runs().is_empty() {
        tokio::task::yield_now().await;
    }
    kinde.resend(&id);
    kinde.settled().await;
    assert_eq!(statuses(&kinde), [503, 503]);
    assert_eq!(notebook.runs().len(), 1);
    kinde.advance(Duration::from_secs(5));
    kinde.settled().await;
    assert_eq!(notebook.counts()[&id], 2, "the retry handled it");
    assert_eq!(statuses(&kinde)[2..], [200, 200]);
}

/// covers: H7 H8
#[tokio::test]
async fn retry_that_arrives_during_a_slow_delivery_that_succeeds_is_acknowledged() {
    let kinde = Environment::start().await;
    let notebook = Notebook::ordered([Order::Take(Duration::from_millis(200))]);
    endpoint(&kinde, &notebook).await;
    let id = kinde.trigger("user.created");
    kinde.resend(&id);
    kinde.settled().await;
    assert_eq!(statuses(&kinde), [200, 200]);
    assert_eq!(notebook.runs(), [id]);
}

/// covers: H7 H8
#[tokio::test(start_paused = true)]
async fn duplicate_waits_five_seconds_at_most() {
    let kinde = Environment::start().await;
    let token = kinde.event("user.created").token();
    let notebook = Notebook::ordered([Order::Take(Duration::from_secs(20))]);
    let noted = notebook.clone();
    let service = WebhookService::from_fn(verifier_of(&kinde), MemoryInbox::new(), move |event| {
        noted.clone().handle(event)
    });
    let first = tokio::spawn({
        let (service, token) = (service.clone(), token.clone());
        async move { post(&service, token).await.0 }
    });
    while notebook.runs().is_empty() {
        tokio::task::yield_now().await;
    }
    let asked = tokio::time::Instant::now();
    assert_eq!(post(&service, token.clone()).await.0, 503);
    assert_eq!(asked.elapsed().as_secs(), 5);
    assert_eq!(first.await.unwrap(), 200);
    assert_eq!(post(&service, token).await.0, 200);
    assert_eq!(notebook.runs().len(), 1);
}

/// covers: H8
#[tokio::test(start_paused = true)]
async fn handler_over_its_time_limit_is_ended_and_the_event_comes_again() {
    let kinde = Environment::start().await;
    let token = kinde.event("user.created").token();
    let notebook = Notebook::ordered([Order::Take(Duration::from_secs(61))]);
    let noted = notebook.clone();
    let service = WebhookService::from_fn(verifier_of(&kinde), MemoryInbox::new(), move |event| {
        noted.clone().handle(event)
    });
    assert_eq!(post(&service, token.clone()).await.0, 503);
    assert_eq!(post(&service, token).await.0, 200);
}

/// covers: H8 B14
#[tokio::test]
async fn outage_of_the_keys_is_503_and_the_event_is_handled_afterwards() {
    let kinde = Environment::start().await;
    let notebook = Notebook::default();
    kinde.fault("/.well-known/jwks", Fault::Status(500));
    kinde.fault("/.well-known/jwks.json", Fault::Status(500));
    let jwks = kinde_core::Jwks::builder(kinde_core::Issuer::new(kinde.issuer()).unwrap())
        .with_cooldown(Duration::ZERO)
        .build()
        .unwrap();
    let noted = notebook.clone();
    let verifier = kinde_core::EventVerifier::new(jwks).into();
    let service =
        WebhookService::from_fn(verifier, MemoryInbox::new(), move |event| noted.clone().handle(event));
    kinde.add_webhook(serve(service).await).unwrap();
    kinde.trigger("user.created");
    kinde.settled().await;
    kinde.clear_faults();
    kinde.advance(Duration::from_secs(5));
    kinde.settled().await;
    assert_eq!(statuses(&kinde), [503, 200]);
    assert_eq!(notebook.runs().len(), 1);
}

/// covers: H7 H8
#[tokio::test]
async fn full_inbox_is_503_and_forgets_nothing() {
    let kinde = Environment::start().await;
    let notebook = Notebook::default();
    let noted = notebook.clone();
    let inbox = MemoryInbox::builder().with_limit(1).build();
    let service =
        WebhookService::from_fn(verifier_of(&kinde), inbox, move |event| noted.clone().handle(event));
    let first = kinde.event("user.created").token();
    assert_eq!(post(&service, first.clone()).await.0, 200);
    assert_eq!(post(&service, kinde.event("user.updated").token()).await.0, 503);
    assert_eq!(post(&service, first).await.0, 200);
    assert_eq!(notebook.runs().len(), 1);
}

/// covers: H7
#[tokio::test]
async fn event_of_a_process_that_died_comes_back_when_its_reservation_ends() {
    let kinde = Environment::start().await;
    let clock = kinde_core::ManualClock::at_unix_seconds(kinde.now());
    let inbox = MemoryInbox::builder().with_clock(clock.clone()).build();
    let event = verifier_of(&kinde).verify(kinde.event("user.created").token()).await.unwrap();
    let notebook = Notebook::default();
    let noted = notebook.clone();
    let handler = HandlerFn::new(move |event| noted.clone().handle(event));
    let once = Once::new(inbox.clone(), &verifier_of(&kinde), handler).with_patience(Duration::ZERO);
    // A process reserved it and was never heard of again.
    let terms = Terms { lease: Duration::from_secs(75), keep: Duration::from_secs(9_000) };
    let key = EventKey::new(&event, "default");
    inbox.reserve(&key, terms).await.unwrap();
    assert_eq!(once.process(event.clone()).await.unwrap_err().code(), "event_in_flight");
    clock.advance(Duration::from_secs(75));
    assert!(once.process(event).await.is_ok());
    assert_eq!(notebook.runs().len(), 1);
}

/// A store that loses its first answers to a confirmation.
#[derive(Clone)]
struct Forgetful {
    inbox: MemoryInbox,
    losses: Arc<AtomicUsize>,
}

impl Inbox for Forgetful {
    async fn reserve(&self, key: &EventKey, terms: Terms) -> Result<Reservation, InboxError> {
        self.inbox.reserve(key, terms).await
    }

    async fn confirm(&self, lease: &Lease) -> Result<(), InboxError> {
        match self.losses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => Err(InboxError::Unavailable("the answer is lost".into())),
            Err(_) => self.inbox.confirm(lease).await,
        }
    }

    async fn release(&self, lease: &Lease) -> Result<(), InboxError> {
        self.inbox.release(lease).await
    }

    async fn park(&self, lease: &Lease, event: &Event, reason: &str) -> Result<(), InboxError> {
        self.inbox.park(lease, event, reason).await
    }
}

/// covers: H7 H8
#[tokio::test(start_paused = true)]
async fn confirmation_whose_answer_is_lost_is_repeated_and_not_the_handler() {
    let kinde = Environment::start().await;
    let token = kinde.event("user.created").token();
    let notebook = Notebook::default();
    let noted = notebook.clone();
    let inbox = Forgetful { inbox: MemoryInbox::new(), losses: Arc::new(AtomicUsize::new(3)) };
    let service =
        WebhookService::from_fn(verifier_of(&kinde), inbox, move |event| noted.clone().handle(event));
    assert_eq!(post(&service, token.clone()).await.0, 200);
    assert_eq!(post(&service, token).await.0, 200);
    assert_eq!(notebook.runs().len(), 1);
}

/// A store that always has the event elsewhere, and takes its time to say so.
#[derive(Clone)]
struct Slow;

impl Inbox for Slow {
    async fn reserve(&self, _: &EventKey, _: Terms) -> Result<Reservation, InboxError> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(Reservation::InFlight)
    }

    async fn confirm(&self, _: &Lease) -> Result<(), InboxError> {
        Ok(())
    }

    async fn release(&self, _: &Lease) -> Result<(), InboxError> {
        Ok(())
    }

    async fn park(&self, _: &Lease, _: &Event, _: &str) -> Result<(), InboxError> {
        Ok(())
    }
}

/// covers: H7
#[tokio::test(start_paused = true)]
async fn time_that_a_store_takes_counts_towards_the_five_seconds() {
    let kinde = Environment::start().await;
    let verifier = verifier_of(&kinde);
    let event = verifier.verify(kinde.event("user.created").token()).await.unwrap();
    let once = Once::new(Slow, &verifier, HandlerFn::new(|_: Event| async { Ok::<_, HandlerError>(()) }));
    let asked = tokio::time::Instant::now();
    assert_eq!(once.process(event).await.unwrap_err().code(), "event_in_flight");
    // The first answer, five seconds, and the answer that was then under way.
    assert!(asked.elapsed() <= Duration::from_secs(2 + 5 + 2), "{:?}", asked.elapsed());
}

/// covers: H8 H10
#[test]
fn handler_without_a_runtime_is_an_error_that_a_retry_can_cure_and_no_panic() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (kinde, event) = runtime.block_on(async {
        let kinde = Environment::start().await;
        let event = verifier_of(&kinde).verify(kinde.event("user.created").token()).await.unwrap();
        (kinde, event)
    });
    let handler = HandlerFn::new(|_: Event| async { Ok::<_, HandlerError>(()) });
    let once = Once::new(MemoryInbox::new(), &verifier_of(&kinde), handler);
    let mut processing = pin!(once.process(event));
    match processing.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => assert!(error.is_temporary(), "{error}"),
        other => panic!("{other:?}"),
    }
}
