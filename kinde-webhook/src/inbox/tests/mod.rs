//! The memory inbox against the suite of all inboxes, and what is its own: its bound, its clock.

#![expect(clippy::arithmetic_side_effects, reason = "tests count with small numbers")]

use std::time::Duration;

use kinde_core::{EventVerifier, Issuer, Jwks, ManualClock};
use kinde_emulator::Environment;
use serde_json::json;

use self::conformance::{Stage, TERMS, key, look, take};
use super::{EventKey, Inbox, InboxError, Lease, MemoryInbox, ParkedEvent, Reservation, Terms};
use crate::{Event, WebhookVerifier};

mod conformance;

/// covers: H7
#[tokio::test]
async fn memory_does_what_every_inbox_must_do() {
    let clock = ManualClock::at_unix_seconds(1_790_000_000);
    let inbox = MemoryInbox::builder().with_clock(clock.clone()).build();
    conformance::all(&InMemory { inbox, clock }, &event().await).await;
}

/// covers: H7
#[tokio::test]
async fn full_memory_refuses_the_new_and_remembers_the_old() {
    let inbox = MemoryInbox::builder().with_limit(2).build();
    let lease = take(&inbox, &key("one")).await;
    inbox.confirm(&lease).await.unwrap();
    take(&inbox, &key("two")).await;
    let full = inbox.reserve(&key("three"), TERMS).await.unwrap_err();
    assert_eq!(full.to_string(), "the inbox is full: it holds 2 events");
    assert_eq!((look(&inbox, &key("one")).await, look(&inbox, &key("two")).await), ("handled", "in flight"));
}

#[tokio::test]
async fn room_comes_back_exactly_when_an_event_may_be_forgotten() {
    let clock = ManualClock::at_unix_seconds(1_790_000_000);
    let inbox = MemoryInbox::builder().with_limit(1).with_clock(clock.clone()).build();
    inbox.confirm(&take(&inbox, &key("one")).await).await.unwrap();
    clock.advance(TERMS.keep - Duration::from_nanos(1));
    assert!(matches!(inbox.reserve(&key("two"), TERMS).await, Err(InboxError::Full { limit: 1 })));
    clock.advance(Duration::from_nanos(1));
    assert_eq!(look(&inbox, &key("two")).await, "yours");
}

#[tokio::test]
async fn lease_ends_exactly_at_its_end() {
    let clock = ManualClock::at_unix_seconds(1_790_000_000);
    let inbox = MemoryInbox::builder().with_clock(clock.clone()).build();
    take(&inbox, &key("one")).await;
    clock.advance(TERMS.lease - Duration::from_nanos(1));
    assert_eq!(look(&inbox, &key("one")).await, "in flight");
    clock.advance(Duration::from_nanos(1));
    assert_eq!(look(&inbox, &key("one")).await, "yours");
}

/// covers: B18
#[tokio::test]
async fn wall_clock_that_jumps_neither_forgets_nor_frees_an_event() {
    let clock = ManualClock::at_unix_seconds(1_790_000_000);
    let inbox = MemoryInbox::builder().with_clock(clock.clone()).build();
    take(&inbox, &key("one")).await;
    clock.set_wall(Duration::from_secs(2_000_000_000));
    assert_eq!(look(&inbox, &key("one")).await, "in flight");
}

#[tokio::test]
async fn inbox_for_no_events_refuses_every_event() {
    let inbox = MemoryInbox::builder().with_limit(0).build();
    assert!(matches!(inbox.reserve(&key("one"), TERMS).await, Err(InboxError::Full { limit: 0 })));
}

#[tokio::test]
async fn parking_over_its_limit_is_refused_until_one_is_settled() {
    let inbox = MemoryInbox::builder().with_parked_limit(1).build();
    let event = event().await;
    inbox.park(&take(&inbox, &key("one")).await, &event, "first").await.unwrap();
    let second = take(&inbox, &key("two")).await;
    let full = inbox.park(&second, &event, "second").await;
    assert!(matches!(full, Err(InboxError::Full { limit: 1 })), "{full:?}");
    let reopened = inbox.reopen(&key("one"), TERMS).unwrap();
    inbox.confirm(&reopened).await.unwrap();
    inbox.park(&second, &event, "second").await.unwrap();
    inbox.park(&second, &event, "second, again").await.unwrap();
    assert_eq!(inbox.parked().iter().map(ParkedEvent::reason).collect::<Vec<_>>(), ["second, again"]);
}

/// A night's events end at once: each new one forgets some of them, and the memory shrinks to nothing.
#[tokio::test]
async fn a_hundred_thousand_ended_events_are_forgotten_a_few_at_a_time() {
    let clock = ManualClock::at_unix_seconds(1_790_000_000);
    let inbox = MemoryInbox::builder().with_clock(clock.clone()).build();
    for number in 0..100_000 {
        inbox.confirm(&take(&inbox, &key(&number.to_string())).await).await.unwrap();
    }
    assert!(matches!(inbox.reserve(&key("one more"), TERMS).await, Err(InboxError::Full { limit: 100_000 })));
    clock.advance(TERMS.keep);
    take(&inbox, &key("first of the day")).await;
    let held = format!("{inbox:?}");
    assert_eq!(held, "MemoryInbox { held: 99937, limit: 100000, .. }");
    for number in 0..2_000 {
        take(&inbox, &key(&format!("day {number}"))).await;
    }
    assert_eq!(format!("{inbox:?}"), "MemoryInbox { held: 2001, limit: 100000, .. }");
}

#[test]
fn reason_is_cut_between_characters() {
    assert_eq!(super::cut("short"), "short");
    assert_eq!(super::cut(""), "");
    assert_eq!(super::cut(&"a".repeat(1024)).len(), 1024);
    assert_eq!(super::cut(&"a".repeat(1025)).len(), 1024);
    assert_eq!(super::cut(&"€".repeat(400)).len(), 1023);
}

/// covers: I1
#[tokio::test]
async fn debug_of_a_parked_event_shows_no_token() {
    let inbox = MemoryInbox::new();
    inbox.park(&take(&inbox, &key("one")).await, &event().await, "why").await.unwrap();
    let shown = format!("{:?}", inbox.parked());
    assert!(shown.contains("[redacted]") && !shown.contains("eyJ"), "{shown}");
}

struct InMemory {
    inbox: MemoryInbox,
    clock: ManualClock,
}

impl Stage for InMemory {
    type Inbox = MemoryInbox;

    fn inbox(&self) -> &MemoryInbox {
        &self.inbox
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    async fn parked(&self) -> Vec<ParkedEvent> {
        self.inbox.parked()
    }

    async fn reopen(&self, key: &EventKey) -> Option<Lease> {
        self.inbox.reopen(key, TERMS)
    }
}

async fn event() -> Event {
    let kinde = Environment::start().await;
    let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).build().unwrap();
    let verifier = WebhookVerifier::from(EventVerifier::new(jwks));
    let data = json!({ "user": { "id": "kp_1", "email": "zoë@example.com" } });
    verifier.verify(kinde.webhook_token("user.created", data)).await.unwrap()
}
