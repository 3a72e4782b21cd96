//! What every inbox must do, whatever it stores in. `tests/tests/store/` runs the same file against real servers.

use std::time::Duration;

use super::{Event, EventKey, Inbox, InboxError, Lease, ParkedEvent, Reservation, Terms};

pub(super) const TERMS: Terms =
    Terms { lease: Duration::from_secs(60), keep: Duration::from_secs(49 * 3600) };

/// An inbox under test, and what only its store can do.
pub(super) trait Stage {
    type Inbox: Inbox;

    fn inbox(&self) -> &Self::Inbox;

    /// Lets time pass for the store.
    async fn pass(&self, time: Duration);

    async fn parked(&self) -> Vec<ParkedEvent>;

    async fn reopen(&self, key: &EventKey) -> Option<Lease>;
}

/// Runs the whole suite. `event` is any verified event.
pub(super) async fn all(stage: &impl Stage, event: &Event) {
    confirmed_event_is_handled_and_a_second_delivery_meanwhile_in_flight(stage).await;
    confirm_whose_answer_was_lost_can_be_repeated(stage).await;
    released_event_is_new_again(stage).await;
    release_after_confirm_changes_nothing(stage).await;
    event_of_a_crashed_worker_comes_back_with_the_end_of_its_lease(stage).await;
    late_worker_cannot_touch_the_event_of_another(stage, event).await;
    late_worker_whose_event_nobody_took_confirms(stage).await;
    outcome_is_kept_for_its_time_and_not_longer(stage).await;
    parked_event_counts_as_handled_and_is_listed(stage, event).await;
    reopened_event_is_one_persons_until_it_is_settled(stage, event).await;
    environment_endpoint_and_id_are_independent(stage).await;
    keys_with_separators_quotes_and_unicode_never_collide(stage).await;
    of_200_deliveries_at_once_one_gets_the_event(stage).await;
}

async fn confirmed_event_is_handled_and_a_second_delivery_meanwhile_in_flight(stage: &impl Stage) {
    let (inbox, key) = (stage.inbox(), key("once"));
    let lease = take(inbox, &key).await;
    assert_eq!(look(inbox, &key).await, "in flight");
    inbox.confirm(&lease).await.unwrap();
    assert_eq!(look(inbox, &key).await, "handled");
}

async fn confirm_whose_answer_was_lost_can_be_repeated(stage: &impl Stage) {
    let (inbox, key) = (stage.inbox(), key("twice"));
    let lease = take(inbox, &key).await;
    inbox.confirm(&lease).await.unwrap();
    inbox.confirm(&lease).await.unwrap();
    assert_eq!(look(inbox, &key).await, "handled");
}

async fn released_event_is_new_again(stage: &impl Stage) {
    let (inbox, key) = (stage.inbox(), key("released"));
    let first = take(inbox, &key).await;
    inbox.release(&first).await.unwrap();
    let second = take(inbox, &key).await;
    assert_ne!(first.nonce(), second.nonce());
    inbox.release(&first).await.unwrap();
    assert_eq!(look(inbox, &key).await, "in flight", "an old lease releases nothing");
}

async fn release_after_confirm_changes_nothing(stage: &impl Stage) {
    let (inbox, key) = (stage.inbox(), key("released late"));
    let lease = take(inbox, &key).await;
    inbox.confirm(&lease).await.unwrap();
    inbox.release(&lease).await.unwrap();
    assert_eq!(look(inbox, &key).await, "handled");
}

async fn event_of_a_crashed_worker_comes_back_with_the_end_of_its_lease(stage: &impl Stage) {
    let (inbox, key) = (stage.inbox(), key("crashed"));
    take(inbox, &key).await;
    // Servers count in milliseconds, and a second of their own may pass while this runs.
    stage.pass(TERMS.lease - Duration::from_secs(10)).await;
    assert_eq!(look(inbox, &key).await, "in flight");
    stage.pass(Duration::from_secs(10)).await;
    assert_eq!(look(inbox, &key).await, "yours");
}

async fn late_worker_cannot_touch_the_event_of_another(stage: &impl Stage, event: &Event) {
    let (inbox, key) = (stage.inbox(), key("late"));
    let late = take(inbox, &key).await;
    stage.pass(TERMS.lease).await;
    let current = take(inbox, &key).await;

    assert!(matches!(inbox.confirm(&late).await, Err(InboxError::LeaseLost)));
    assert!(matches!(inbox.park(&late, event, "late").await, Err(InboxError::LeaseLost)));
    inbox.release(&late).await.unwrap();
    assert_eq!(look(inbox, &key).await, "in flight");

    inbox.confirm(&current).await.unwrap();
    assert!(matches!(inbox.confirm(&late).await, Err(InboxError::LeaseLost)));
    inbox.release(&late).await.unwrap();
    assert_eq!(look(inbox, &key).await, "handled");
}

async fn late_worker_whose_event_nobody_took_confirms(stage: &impl Stage) {
    let (inbox, key) = (stage.inbox(), key("late and alone"));
    let late = take(inbox, &key).await;
    stage.pass(TERMS.lease).await;
    inbox.confirm(&late).await.unwrap();
    assert_eq!(look(inbox, &key).await, "handled");
}

async fn outcome_is_kept_for_its_time_and_not_longer(stage: &impl Stage) {
    let (inbox, key) = (stage.inbox(), key("kept"));
    let lease = take(inbox, &key).await;
    inbox.confirm(&lease).await.unwrap();
    stage.pass(TERMS.keep - Duration::from_secs(10)).await;
    assert_eq!(look(inbox, &key).await, "handled");
    stage.pass(Duration::from_secs(10)).await;
    assert_eq!(look(inbox, &key).await, "yours");
}

async fn parked_event_counts_as_handled_and_is_listed(stage: &impl Stage, event: &Event) {
    let (inbox, key) = (stage.inbox(), key("parked"));
    let lease = take(inbox, &key).await;
    let reason = format!("no such plan: «\"\0\u{1f980}»{}", "é".repeat(1000));
    inbox.park(&lease, event, &reason).await.unwrap();
    assert_eq!(look(inbox, &key).await, "handled");

    let parked: Vec<_> = stage.parked().await.into_iter().filter(|parked| *parked.key() == key).collect();
    let [parked] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!(parked.token().expose(), event.token().expose());
    assert!(parked.reason().starts_with("no such plan: «\""), "{}", parked.reason());
    assert!(parked.reason().len() <= 1024 && parked.reason().ends_with('é'), "{}", parked.reason().len());
    assert!(parked.parked_at() > Duration::from_secs(1_600_000_000), "{:?}", parked.parked_at());
}

async fn reopened_event_is_one_persons_until_it_is_settled(stage: &impl Stage, event: &Event) {
    let (inbox, key) = (stage.inbox(), key("reopened"));
    let parking = take(inbox, &key).await;
    inbox.park(&parking, event, "no such plan").await.unwrap();

    let first = stage.reopen(&key).await.expect("it is parked");
    assert!(stage.reopen(&key).await.is_none(), "somebody works on it");
    assert!(!is_listed(stage, &key).await);
    assert_eq!(look(inbox, &key).await, "handled", "for Kinde it is");
    assert!(matches!(inbox.confirm(&parking).await, Err(InboxError::LeaseLost)));

    inbox.release(&first).await.unwrap();
    assert!(is_listed(stage, &key).await, "given back");
    stage.reopen(&key).await.expect("it is parked again");
    stage.pass(TERMS.lease).await;
    assert!(is_listed(stage, &key).await, "its lease ended");
    let last = stage.reopen(&key).await.expect("it is parked still");
    inbox.confirm(&last).await.unwrap();
    assert!(!is_listed(stage, &key).await, "settled");
    assert!(stage.reopen(&key).await.is_none());
    assert_eq!(look(inbox, &key).await, "handled");
}

async fn environment_endpoint_and_id_are_independent(stage: &impl Stage) {
    let inbox = stage.inbox();
    for key in [
        EventKey::from_parts("https://a.kinde.com", "/one", "event_i"),
        EventKey::from_parts("https://b.kinde.com", "/one", "event_i"),
        EventKey::from_parts("https://a.kinde.com", "/two", "event_i"),
        EventKey::from_parts("https://a.kinde.com", "/one", "event_j"),
    ] {
        inbox.confirm(&take(inbox, &key).await).await.unwrap();
    }
}

async fn keys_with_separators_quotes_and_unicode_never_collide(stage: &impl Stage) {
    let inbox = stage.inbox();
    let parts = [
        "",
        "a",
        "A",
        ":",
        "a:",
        ":a",
        "/",
        "a/b",
        "%",
        "%3A",
        "%3a",
        "{",
        "}",
        "{}",
        "'",
        "\"",
        "\\",
        "\\0",
        "\0",
        "\u{1}",
        "\n",
        " ",
        "a ",
        "ä",
        "a\u{308}",
        "\u{1f980}",
        "*",
        "?",
        "[a]",
        "--",
        "+",
    ];
    let mut count = 0;
    for (index, one) in parts.iter().enumerate() {
        for other in parts.iter().skip(index) {
            let keys = [
                EventKey::from_parts(*one, *other, "collide"),
                EventKey::from_parts("collide", *one, *other),
                EventKey::from_parts(format!("{one}{other}"), "", "collide"),
            ];
            // The joined form meets itself again where two pairs join to the same text; it must not meet a pair.
            for key in &keys[..2] {
                take(inbox, key).await;
                count += 1;
            }
            if let Reservation::Yours(lease) = inbox.reserve(&keys[2], TERMS).await.unwrap() {
                inbox.release(&lease).await.unwrap();
            }
        }
    }
    assert_eq!(count, parts.len() * (parts.len() + 1));
}

/// covers: H7
async fn of_200_deliveries_at_once_one_gets_the_event(stage: &impl Stage) {
    let (inbox, key) = (stage.inbox(), key("crowd"));
    let deliveries: Vec<_> = (0..200)
        .map(|_| {
            let (inbox, key) = (inbox.clone(), key.clone());
            tokio::spawn(async move { look(&inbox, &key).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for delivery in deliveries {
        outcomes.push(delivery.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "yours").count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "in flight").count(), 199);
}

/// An event of its own for each test, with text in it that stores must not trip over.
pub(super) fn key(name: &str) -> EventKey {
    EventKey::from_parts("https://acme.kinde.com", "/hooks/{tenant}?a=%2F:'", format!("event_{name} \"+%é"))
}

pub(super) async fn take<I: Inbox>(inbox: &I, key: &EventKey) -> Lease {
    match inbox.reserve(key, TERMS).await.unwrap() {
        Reservation::Yours(lease) => lease,
        other => panic!("{key:?} is not new: {other:?}"),
    }
}

pub(super) async fn look<I: Inbox>(inbox: &I, key: &EventKey) -> &'static str {
    match inbox.reserve(key, TERMS).await.unwrap() {
        Reservation::Yours(_) => "yours",
        Reservation::InFlight => "in flight",
        Reservation::Handled => "handled",
    }
}

async fn is_listed(stage: &impl Stage, key: &EventKey) -> bool {
    stage.parked().await.iter().any(|parked| parked.key() == key)
}
