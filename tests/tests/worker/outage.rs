//! PostgreSQL goes away under the endpoint and the worker, and comes back.

use std::collections::BTreeSet;

use kinde_emulator::{WebhookAttempt, WebhookOutcome};

use crate::shop::{Shop, eventually};

/// covers: H8
#[tokio::test(flavor = "multi_thread")]
async fn database_that_crashes_costs_503_and_no_event() {
    let mut shop = Shop::open_on_a_server_of_its_own().await;
    let worker = shop.worker();
    let mut sent: BTreeSet<_> = (0..30).map(|_| shop.kinde.trigger("user.created")).collect();
    eventually("the worker begins", async || !shop.handled().await.is_empty()).await;

    shop.postgres.crash();
    let of_the_outage: BTreeSet<_> = (0..10).map(|_| shop.kinde.trigger("user.created")).collect();
    shop.kinde.settled().await;
    let answers = answers_to(&shop, &of_the_outage);
    assert!(answers.iter().all(|answer| *answer == WebhookOutcome::Status(503)), "{answers:?}");
    let log = shop.endpoint.log();
    let is_told = |event: &String| {
        log.lines().any(|line| line.contains("webhook postponed") && line.contains(event.as_str()))
    };
    assert!(of_the_outage.iter().all(is_told), "{log}");

    shop.postgres.start().await;
    sent.extend(of_the_outage.iter().cloned());
    // The first may still find a dead connection.
    shop.try_again().await;
    shop.worked_off().await;
    let answers = answers_to(&shop, &of_the_outage);
    let accepted = answers.iter().filter(|answer| answer.is_success()).count();
    assert_eq!(accepted, of_the_outage.len(), "{answers:?}");
    shop.assert_handled_exactly_once(&sent).await;
    // Its pool may have mended everything before the worker asked again.
    let log = worker.log();
    let has_noticed = ["begins anew", "terminating connection"].iter().any(|told| log.contains(told));
    assert!(has_noticed, "the worker noticed nothing:\n{log}");
    println!("{} events, {} of them during the outage: each handled once", sent.len(), accepted);
}

fn answers_to(shop: &Shop, events: &BTreeSet<String>) -> Vec<WebhookOutcome> {
    let attempts = shop.kinde.webhook_attempts();
    let theirs = attempts.into_iter().filter(|attempt: &WebhookAttempt| events.contains(&attempt.event_id));
    theirs.map(|attempt| attempt.outcome).collect()
}
