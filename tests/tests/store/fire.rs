//! Many deliveries at once, over several processes' worth of connections.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use kinde_tests::servers;
use kinde_webhook::{EventKey, Inbox, Reservation, inbox::Begun};
use sqlx::Row;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    conformance::{TERMS, key},
    joined::shop,
    migrated,
};

/// covers: H7
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_delivered_three_times_through_two_pools_are_handled_once_each() {
    let server = servers::postgres().await;
    let inboxes = [migrated(&server.pool().await).await, migrated(&server.pool().await).await];
    assert_eq!(handled_twice(&inboxes).await, Vec::<EventKey>::new());
}

/// Every tenth delivery is rolled back after the handler's write, and delivered again.
///
/// covers: H7
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_in_the_handlers_transaction_leave_one_row_each() {
    let server = servers::postgres().await;
    let (pool, inbox) = shop(&server).await;
    let (other, at_once) = (migrated(&server.pool().await).await, Arc::new(Semaphore::new(12)));
    let mut deliveries = JoinSet::new();
    for (attempt, number) in (0..3).flat_map(|attempt| (0..1000).map(move |number| (attempt, number))) {
        let inbox = if attempt % 2 == 0 { inbox.clone() } else { other.clone() };
        let at_once = Arc::clone(&at_once);
        deliveries.spawn(async move {
            let _permit = at_once.acquire().await.unwrap();
            let Begun::New(mut transaction) = inbox.begin(&key(&number.to_string()), TERMS).await.unwrap()
            else {
                return;
            };
            let write = sqlx::query("insert into welcomed values ($1)").bind(i64::from(number));
            write.execute(transaction.connection()).await.unwrap();
            match attempt == 0 && number % 10 == 0 {
                true => transaction.rollback().await.unwrap(),
                false => transaction.commit().await.unwrap(),
            }
        });
    }
    while let Some(delivery) = deliveries.join_next().await {
        delivery.unwrap();
    }
    let rows =
        sqlx::query("select count(*), count(distinct number) from welcomed").fetch_one(&pool).await.unwrap();
    assert_eq!((rows.get::<i64, _>(0), rows.get::<i64, _>(1)), (1000, 1000));
}

/// Delivers 1,000 events three times each, 20 at a time, and names those that were handled twice or never.
pub(crate) async fn handled_twice<I: Inbox>(inboxes: &[I]) -> Vec<EventKey> {
    let handled = Arc::new(Mutex::new(HashMap::<EventKey, usize>::new()));
    let at_once = Arc::new(Semaphore::new(20));
    let mut deliveries = JoinSet::new();
    for index in 0..3000_usize {
        let inbox = inboxes[index % inboxes.len()].clone();
        let (handled, at_once) = (Arc::clone(&handled), Arc::clone(&at_once));
        deliveries.spawn(async move {
            let _permit = at_once.acquire().await.unwrap();
            let key = key(&format!("fire {}", index % 1000));
            if let Reservation::Yours(lease) = inbox.reserve(&key, TERMS).await.unwrap() {
                *handled.lock().unwrap().entry(key).or_default() += 1;
                inbox.confirm(&lease).await.unwrap();
            }
        });
    }
    while let Some(delivery) = deliveries.join_next().await {
        delivery.unwrap();
    }
    let handled = handled.lock().unwrap();
    let keys = (0..1000).map(|number| key(&format!("fire {number}")));
    keys.filter(|key| handled.get(key) != Some(&1)).collect()
}
