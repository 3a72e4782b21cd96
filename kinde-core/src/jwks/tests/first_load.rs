//! The first load: one fetch for all, whoever goes away meanwhile.

use std::{sync::mpsc, thread};

use tokio::runtime::Builder;

use super::*;
use crate::jwks::{Holding, JwksErrorKind, KeyAnswer};

/// covers: B17
#[tokio::test]
async fn building_asks_nobody_and_the_first_token_loads_the_keys() {
    let provider = Provider::serving(&["a"]);
    let (jwks, _) = cache(&provider);
    let_tasks_run().await;
    assert_eq!(provider.request_count(), 0);
    assert!(jwks.held_key(Some("a")).is_none());
    assert!(matches!(jwks.key_at_hand(Some("a")), KeyAnswer::Wait));
    assert_eq!(provider.request_count(), 0);
    assert!(finds(&jwks, "a").await);
    assert!(matches!(jwks.key_at_hand(Some("a")), KeyAnswer::Key(_)));
    assert_eq!(provider.request_count(), 1);
}

/// covers: B17 B19
#[tokio::test]
async fn warm_up_loads_once_and_tells_why_it_cannot() {
    let provider = Provider::serving(&["a"]);
    provider.fails();
    let (jwks, clock) = cache(&provider);
    let unavailable = jwks.warm_up().await.unwrap_err();
    assert_eq!(unavailable.last_error(), Some(JwksErrorKind::Connection));
    assert_eq!(unavailable.retry_after(), seconds(30));
    provider.serves(&["a"]);
    assert!(jwks.warm_up().await.is_err(), "inside the cooldown");
    clock.advance(seconds(30));
    assert!(jwks.warm_up().await.is_ok() && jwks.warm_up().await.is_ok());
    assert_eq!(provider.request_count(), 2);
}

/// covers: B11
#[tokio::test]
async fn two_hundred_first_requests_cause_one_fetch() {
    let provider = Provider::serving(&["a"]);
    provider.closes();
    let (jwks, _) = cache(&provider);
    let opening = async {
        let_tasks_run().await;
        assert_eq!(provider.request_count(), 1);
        provider.opens();
    };
    let (answers, ()) = tokio::join!(ask_all(&jwks, (0..200).map(|_| "a".to_owned())), opening);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(provider.request_count(), 1);
}

/// covers: B11
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_requests_on_several_threads_cause_one_fetch() {
    let provider = Provider::serving(&["a"]);
    let (jwks, _) = cache(&provider);
    let answers = ask_all(&jwks, (0..200).map(|_| "a".to_owned())).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(provider.request_count(), 1);
}

/// covers: B11 B14
#[tokio::test]
async fn failed_first_fetch_refuses_all_waiters_as_unavailable_and_is_not_repeated() {
    let provider = Provider::serving(&[]);
    provider.fails();
    let (jwks, clock) = cache(&provider);
    let answers = ask_all(&jwks, (0..200).map(|number| format!("kid {number}"))).await;
    let unavailable = Err(KeyRefusal::Unavailable { retry_after: seconds(30) });
    assert!(answers.iter().all(|answer| *answer == unavailable), "{:?}", answers[0]);
    assert_eq!(provider.request_count(), 1);
    clock.advance(seconds(29));
    let answer = jwks.key(None).await.map(|_| ());
    assert_eq!(answer, Err(KeyRefusal::Unavailable { retry_after: seconds(1) }));
    assert_eq!(provider.request_count(), 1);
}

/// covers: B16
#[tokio::test]
async fn service_recovers_after_the_provider_is_back() {
    let provider = Provider::serving(&[]);
    provider.fails();
    let (jwks, clock) = cache(&provider);
    assert!(!finds(&jwks, "a").await);
    provider.serves(&["a"]);
    clock.advance(seconds(30));
    assert!(finds(&jwks, "a").await);
}

/// covers: J5 B11
#[tokio::test]
async fn fetch_survives_the_caller_who_started_it() {
    let provider = Provider::serving(&["a"]);
    provider.closes();
    let (jwks, _) = cache(&provider);
    tokio::select! {
        biased;
        _ = jwks.key(Some("a")) => panic!("the provider is closed"),
        () = let_tasks_run() => {}
    }
    assert_eq!((provider.request_count(), provider.cancelled_count()), (1, 0));
    provider.opens();
    assert!(finds(&jwks, "a").await);
    assert_eq!(provider.request_count(), 1);
}

/// covers: J5
#[tokio::test]
async fn waiter_dropped_at_any_poll_leaves_the_cache_usable() {
    for polls in 1..8 {
        let provider = Provider::serving(&["a"]);
        let (jwks, _) = cache(&provider);
        let mut left = polls;
        let mut waiter = Box::pin(jwks.key(Some("a")));
        future::poll_fn(|context| {
            left -= 1;
            let is_over = waiter.as_mut().poll(context).is_ready() || left == 0;
            context.waker().wake_by_ref();
            if is_over { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        drop(waiter);
        assert!(finds(&jwks, "a").await, "dropped after {polls} polls");
        assert_eq!(provider.request_count(), 1, "dropped after {polls} polls");
    }
}

/// covers: J8
#[tokio::test]
async fn dropping_the_last_clone_ends_its_fetch() {
    let provider = Provider::serving(&["a"]);
    provider.closes();
    let (jwks, _) = cache(&provider);
    let waiter = tokio::spawn({
        let jwks = jwks.clone();
        async move { jwks.key(Some("a")).await.map(|_| ()) }
    });
    let_tasks_run().await;
    drop(jwks);
    let_tasks_run().await;
    assert_eq!((provider.request_count(), provider.cancelled_count()), (1, 0), "the waiter holds a clone");
    waiter.abort();
    let_tasks_run().await;
    assert_eq!(provider.cancelled_count(), 1);
}

/// covers: B8 J8
#[test]
fn runtime_that_ends_during_a_fetch_fails_it_and_wakes_waiters_elsewhere() {
    let provider = Provider::serving(&["a"]);
    provider.closes();
    let (jwks, clock) = cache(&provider);
    let (is_started, started) = mpsc::channel();
    let (may_end, ends) = mpsc::channel::<()>();
    let starter = jwks.clone();
    let other = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.spawn(async move { starter.key(Some("a")).await.map(|_| ()) });
        runtime.block_on(let_tasks_run());
        is_started.send(()).unwrap();
        ends.recv().unwrap();
        drop(runtime);
    });
    started.recv().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let waiter = tokio::spawn({
            let jwks = jwks.clone();
            async move { jwks.key(Some("a")).await.map(|_| ()) }
        });
        let_tasks_run().await;
        may_end.send(()).unwrap();
        waiter.await.unwrap()
    });
    other.join().unwrap();
    assert_eq!(answer, Err(KeyRefusal::Unavailable { retry_after: seconds(30) }));
    assert_eq!(jwks.health().last_error, Some(JwksErrorKind::Abandoned));
    provider.opens();
    clock.advance(seconds(30));
    assert!(runtime.block_on(finds(&jwks, "a")));
}

/// covers: B8
#[test]
fn waiters_do_not_hang_when_the_runtime_of_the_fetch_stands_still() {
    let provider = Provider::serving(&["a"]);
    provider.closes();
    let jwks = builder(&provider).0.with_deadline(Duration::from_millis(10)).build().unwrap();
    let idle = Builder::new_current_thread().enable_all().build().unwrap();
    idle.block_on(async {
        let starter = jwks.clone();
        tokio::spawn(async move { starter.key(Some("a")).await.map(|_| ()) });
        tokio::task::yield_now().await;
    });
    // Nobody drives that runtime any more.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(jwks.key(Some("a"))).map(|_| ());
    assert!(matches!(answer, Err(KeyRefusal::Unavailable { .. })), "{answer:?}");
    assert_eq!(jwks.health().last_error, Some(JwksErrorKind::Abandoned));
}

/// covers: B8 J4
#[tokio::test]
async fn client_that_panics_counts_as_a_failed_fetch() {
    let provider = Provider::serving(&["a"]);
    provider.is(Mood::Panics);
    let (jwks, clock) = cache(&provider);
    assert!(!finds(&jwks, "a").await);
    assert_eq!(jwks.health().last_error, Some(JwksErrorKind::Abandoned));
    provider.serves(&["a"]);
    clock.advance(seconds(30));
    assert!(finds(&jwks, "a").await);
}

/// covers: J4 J8
#[test]
fn without_a_runtime_held_keys_are_used_and_nothing_panics() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = cache(&provider);
    let refused = |answer| matches!(answer, KeyAnswer::Refused(KeyRefusal::Unavailable { .. }));
    assert!(refused(jwks.key_at_hand(Some("a"))));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(jwks.warm_up()).unwrap();
    drop(runtime);
    clock.advance(seconds(299));
    let key = jwks.held_key(Some("a")).unwrap();
    assert_eq!(jwks.still_holds(&key), Holding::Yes);
    assert!(matches!(jwks.key_at_hand(Some("a")), KeyAnswer::Key(_)));
    assert!(refused(jwks.key_at_hand(Some("new"))));
    assert_eq!(provider.request_count(), 1);
}
