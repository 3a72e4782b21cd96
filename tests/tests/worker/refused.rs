//! What stands in the queue's table is no proof.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use crate::shop::{Shop, eventually};

/// covers: H1 H10 I2
#[tokio::test(flavor = "multi_thread")]
async fn forged_job_in_the_queues_table_is_refused_and_logged() {
    let shop = Shop::open().await;
    let worker = shop.worker();
    let forged = [
        shop.kinde.event("user.created").wrong().other_key(),
        shop.kinde.event("user.created").wrong().alg_none(),
        shop.kinde.event("user.created").wrong().hmac_with_public_key(),
        shop.kinde.event("user.created").wrong().tampered_payload(),
        shop.kinde.person("alice").in_org("acme").access_token(),
    ];
    for (number, token) in forged.iter().enumerate() {
        shop.put_token(&id(number), token).await;
    }
    shop.put(&id(50), b"not even JSON").await;
    shop.put(&id(51), br#"{"token":7}"#).await;
    shop.kinde.trigger("user.created");
    shop.kinde.settled().await;
    shop.worked_off().await;

    // Alice's arrival is an event, too.
    let sent = shop.kinde.webhook_attempts().into_iter().map(|attempt| attempt.event_id).collect();
    shop.assert_handled_exactly_once(&sent).await;
    assert_eq!(shop.count("select count(*) from apalis.jobs where status = 'Killed'").await, 7);
    let log = worker.log();
    assert_eq!(log.matches("job refused").count(), 7, "{log}");
    let is_told = |token: &str| token.split('.').any(|part| part.len() > 20 && log.contains(part));
    assert!(!forged.iter().any(|token| is_told(token)), "the log tells a token");
}

/// covers: H6
#[tokio::test(flavor = "multi_thread")]
async fn job_within_the_workers_window_of_a_fortnight_is_handled_and_an_older_one_is_refused() {
    let shop = Shop::open().await;
    let worker = shop.worker();
    let inside = shop.kinde.event("user.created").happened_at(days_ago(14) + AN_HOUR);
    let outside = shop.kinde.event("user.created").happened_at(days_ago(14) - AN_HOUR);
    shop.put_token(&id(1), &outside.token()).await;
    shop.put_token(&id(2), &inside.token()).await;
    shop.worked_off().await;

    shop.assert_handled_exactly_once(&BTreeSet::from([inside.id().to_owned()])).await;
    let log = worker.log();
    assert!(log.contains("job refused"), "{log}");
}

/// covers: H7
#[tokio::test(flavor = "multi_thread")]
async fn event_that_can_never_be_handled_is_parked_and_its_job_done() {
    let shop = Shop::open().await;
    let _worker = shop.worker();
    let malformed = shop.kinde.event("user.created").without("data.user.id").send();
    let parked = "select count(*) from kinde_webhook_inbox where state = 'parked'";
    eventually("the event is parked", async || shop.count(parked).await == 1).await;
    shop.worked_off().await;
    assert_eq!(shop.count("select count(*) from apalis.jobs where status = 'Done'").await, 1, "{malformed}");
    assert!(shop.handled().await.is_empty());
}

/// Gives an id as apalis wants them: a ULID.
fn id(number: usize) -> String {
    format!("01JAAAAAAAAAAAAAAAAAAAAA{number:02}")
}

fn days_ago(days: u64) -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the worker is another process and lives by the system's clock"
    )]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
        - Duration::from_secs(days * 86_400).as_secs()
}

const AN_HOUR: u64 = 3600;
