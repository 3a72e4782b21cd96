//! What becomes of events that are delivered as Kinde delivers them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use kinde_core::Kinde;
use kinde_emulator::{EVENT_TYPES, Environment, Fault, WebhookDelivery, WebhookEndpoint};
use kinde_webhook::{
    Dispatcher, HandlerError, Payload, WebhookService, WebhookVerifier,
    inbox::MemoryInbox,
    payload::{UserCreated, UserUpdated},
};

use crate::receiver::{Notebook, Order, endpoint, event_verifier_of, jwks_of, serve, verifier_of};

/// covers: H8
#[tokio::test]
async fn person_who_is_created_and_changed_reaches_the_handlers_of_those_types() {
    let kinde = Environment::start().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let (created, updated) = (Arc::clone(&told), Arc::clone(&told));
    let dispatcher = Dispatcher::new()
        .on::<UserCreated>(move |_, payload| {
            created.lock().unwrap().push(("created", payload.user.id().to_owned()));
            async { Ok(()) }
        })
        .on::<UserUpdated>(move |_, payload| {
            updated.lock().unwrap().push(("updated", payload.user.id().to_owned()));
            async { Ok(()) }
        });
    let service = WebhookService::new(verifier_of(&kinde), MemoryInbox::new(), dispatcher);
    kinde.add_webhook(serve(service).await).unwrap();

    let alice = kinde.person("alice");
    kinde.settled().await;
    alice.update(|details| details.phone = Some("+491234".to_owned()));
    kinde.settled().await;

    let id = alice.id().to_owned();
    assert_eq!(*told.lock().unwrap(), [("created", id.clone()), ("updated", id)]);
    assert!(kinde.webhook_attempts().iter().all(|attempt| attempt.outcome.is_success()));
}

/// covers: H7
#[tokio::test]
async fn event_that_is_delivered_many_times_reaches_the_handler_once() {
    let kinde = Environment::start().await;
    let notebook = Notebook::default();
    endpoint(&kinde, &notebook).await;
    kinde.set_webhook_delivery(WebhookDelivery::default().with_duplicates(9));

    let id = kinde.trigger("user.created");
    kinde.settled().await;
    kinde.resend(&id);
    kinde.settled().await;

    assert_eq!(notebook.runs(), [id]);
    assert_eq!(kinde.webhook_attempts().len(), 11);
    assert!(kinde.webhook_attempts().iter().all(|attempt| attempt.outcome.is_success()));
}

/// covers: H9
#[tokio::test]
async fn every_type_and_unknown_ones_reach_the_handler() {
    let kinde = Environment::start().await;
    let notebook = Notebook::default();
    endpoint(&kinde, &notebook).await;
    for event_type in EVENT_TYPES {
        kinde.trigger(event_type);
    }
    kinde.event("moon.landed").with_data(serde_json::json!({"moon": 1})).send();
    kinde.settled().await;
    assert_eq!(notebook.runs().len(), EVENT_TYPES.len() + 1);
    let event = verifier_of(&kinde).verify(kinde.event("moon.landed").token()).await.unwrap();
    assert!(matches!(event.payload(), Ok(Payload::Unknown { .. })));
}

/// covers: H3
#[tokio::test]
async fn one_fetch_of_the_keys_serves_tokens_and_webhooks() {
    let kinde = Environment::start().await;
    let settings = kinde_core::Settings::from_variables(kinde.variables()).unwrap();
    let handle = Kinde::with_jwks(settings, jwks_of(&kinde)).unwrap();
    let tokens = handle.verifier().build().unwrap();
    let webhooks = WebhookVerifier::new(&handle);
    tokens.verify(&kinde.person("alice").access_token()).await.unwrap();
    webhooks.verify(kinde.event("user.created").token()).await.unwrap();
    assert_eq!(kinde.jwks_fetches(), 1);
}

/// covers: H3
#[tokio::test]
async fn event_under_a_key_that_was_just_rotated_in_is_accepted() {
    let kinde = Environment::start().await;
    let notebook = Notebook::default();
    endpoint(&kinde, &notebook).await;
    kinde.trigger("user.created");
    kinde.settled().await;
    kinde.rotate_keys();
    kinde.trigger("user.updated");
    kinde.settled().await;
    assert_eq!(notebook.runs().len(), 2);
    assert!(kinde.webhook_attempts().iter().all(|attempt| attempt.outcome.is_success()));
}

/// covers: H7
#[tokio::test]
async fn two_endpoints_with_one_inbox_handle_one_event_each() {
    let kinde = Environment::start().await;
    let (inbox, first, second) = (MemoryInbox::new(), Notebook::default(), Notebook::default());
    for (name, notebook) in [("first", &first), ("second", &second)] {
        let notebook = notebook.clone();
        let service = WebhookService::from_fn(verifier_of(&kinde), inbox.clone(), move |event| {
            notebook.clone().handle(event)
        });
        kinde.add_webhook(serve(service.map_once(|once| once.with_endpoint(name))).await).unwrap();
    }
    kinde.trigger("user.created");
    kinde.settled().await;
    assert_eq!((first.runs().len(), second.runs().len()), (1, 1));
}

/// covers: H3 B9
#[tokio::test]
async fn endpoint_of_two_environments_tells_who_sent_an_event() {
    let (one, two) = (Environment::start().await, Environment::start().await);
    // Both start with the same embedded keys.
    two.rotate_keys();
    let both = WebhookVerifier::any_of([event_verifier_of(&one), event_verifier_of(&two)]).unwrap();
    for kinde in [&one, &two] {
        let event = both.verify(kinde.event("user.created").token()).await.unwrap();
        assert_eq!(event.issuer().as_str(), kinde.issuer());
    }
    let stranger = Environment::start().await;
    for _ in 0..3 {
        stranger.rotate_keys();
    }
    let refused = both.verify(stranger.event("user.created").token()).await.unwrap_err();
    assert_eq!(refused.code(), "key_unknown");
}

/// covers: H8
#[tokio::test]
async fn type_without_a_handler_is_acknowledged_and_goes_to_otherwise_where_there_is_one() {
    let kinde = Environment::start().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let bare = Dispatcher::new().on::<UserCreated>(|_, _| async { Err(HandlerError::retryable("never")) });
    let with_fallback = bare.clone().otherwise(move |event| {
        noted.lock().unwrap().push(event.event_type().to_owned());
        async { Ok(()) }
    });
    for dispatcher in [bare, with_fallback] {
        let service = WebhookService::new(verifier_of(&kinde), MemoryInbox::new(), dispatcher);
        let endpoint = WebhookEndpoint::new(serve(service).await).with_event_types(["role.created"]);
        kinde.add_webhook(endpoint).unwrap();
    }
    kinde.trigger("role.created");
    kinde.settled().await;
    assert!(kinde.webhook_attempts().iter().all(|attempt| attempt.outcome.is_success()));
    assert_eq!(*told.lock().unwrap(), ["role.created"]);
}

/// covers: H8
#[tokio::test]
async fn sender_that_hangs_up_does_not_end_the_handler() {
    let kinde = Environment::start().await;
    let notebook = Notebook::ordered([Order::Take(Duration::from_millis(300))]);
    endpoint(&kinde, &notebook).await;
    kinde.set_webhook_delivery(WebhookDelivery::default().with_timeout(Duration::from_millis(50)));
    let id = kinde.trigger("user.created");
    kinde.settled().await;
    kinde.set_webhook_delivery(WebhookDelivery::default());
    kinde.advance(Duration::from_secs(5));
    kinde.settled().await;
    let outcomes: Vec<_> =
        kinde.webhook_attempts().iter().map(|attempt| attempt.outcome.is_success()).collect();
    assert_eq!(outcomes, [false, true]);
    assert_eq!(notebook.runs(), [id]);
}

/// covers: H3
#[tokio::test(start_paused = true)]
async fn environment_whose_keys_hang_does_not_hold_up_the_other() {
    let (away, here) = (Environment::start().await, Environment::start().await);
    here.rotate_keys();
    away.fault("/.well-known/jwks", Fault::Hang);
    let both = WebhookVerifier::any_of([event_verifier_of(&away), event_verifier_of(&here)]).unwrap();
    for environment in both.environments().filter(|one| one.issuer().as_str() == here.issuer()) {
        for keys in environment.key_sets() {
            keys.warm_up().await.unwrap();
        }
    }
    let asked = tokio::time::Instant::now();
    assert!(both.verify(here.event("user.created").token()).await.is_ok());
    assert_eq!(asked.elapsed(), Duration::ZERO);
}
