//! The whole plan of Kinde's attempts, on a clock set by hand.

use kinde_tests::scale::scaled;
use std::{sync::Arc, time::Duration};

use kinde_emulator::{Environment, WebhookDelivery};
use kinde_webhook::{WebhookService, inbox::MemoryInbox};

use crate::receiver::{ClockOf, Notebook, Order, event_verifier_of, post, serve};

const HOUR: Duration = Duration::from_secs(3600);

/// covers: H6 H7
#[tokio::test]
async fn event_that_fails_at_nine_attempts_is_handled_at_the_tenth_36_hours_later() {
    for delivery in [WebhookDelivery::default(), WebhookDelivery::default().with_fresh_tokens()] {
        let kinde = Arc::new(Environment::start().await);
        kinde.set_time(kinde.now());
        kinde.set_webhook_delivery(delivery);
        let notebook = Notebook::ordered((0..9).map(|_| Order::Fail));
        let noted = notebook.clone();
        let clock = ClockOf(Arc::clone(&kinde));
        let inbox = MemoryInbox::builder().with_clock(clock.clone()).build();
        let verifier = event_verifier_of(&kinde).with_clock(clock).into();
        let service = WebhookService::from_fn(verifier, inbox, move |event| noted.clone().handle(event));
        kinde.add_webhook(serve(service).await).unwrap();
        let id = kinde.trigger("user.created");
        kinde.elapse(37 * HOUR).await;
        let attempts = kinde.webhook_attempts();
        assert_eq!(attempts.len(), 10);
        assert_eq!(attempts.iter().filter(|attempt| attempt.outcome.is_success()).count(), 1);
        assert_eq!(notebook.counts()[&id], 10);
        // Whatever comes after it was handled is a duplicate.
        kinde.resend(&id);
        kinde.settled().await;
        assert_eq!(notebook.counts()[&id], 10);
    }
}

/// covers: H7
#[tokio::test]
async fn all_attempts_of_many_events_in_any_order_reach_the_handler_once_each() {
    let events = scaled("events, each sent ten times in any order", 10_000);
    let kinde = Environment::start().await;
    let notebook = Notebook::default();
    let noted = notebook.clone();
    let verifier = event_verifier_of(&kinde).into();
    let service =
        WebhookService::from_fn(verifier, MemoryInbox::new(), move |event| noted.clone().handle(event));
    let mut tokens: Vec<_> = (0..events).map(|_| kinde.event("user.updated").token()).collect();
    let mut order = 1_u64;
    for _ in 0..10 {
        // A fixed walk through all of them, another each time.
        order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let shift = usize::try_from(order >> 40).unwrap() % tokens.len();
        tokens.rotate_left(shift);
        let mut deliveries = tokio::task::JoinSet::new();
        for token in tokens.iter().cloned() {
            let service = service.clone();
            deliveries.spawn(async move { post(&service, token).await.0 });
        }
        while let Some(status) = deliveries.join_next().await {
            assert_eq!(status.unwrap(), 200);
        }
    }
    let counts = notebook.counts();
    assert_eq!(counts.len(), tokens.len());
    assert!(counts.values().all(|count| *count == 1));
}
