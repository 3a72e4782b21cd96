//! Key IDs that the held set lacks: a rotation is followed, noise costs nothing.

use super::*;
use crate::jwks::KeyAnswer;

fn is_unknown(answer: &Result<(), KeyRefusal>) -> bool {
    matches!(answer, Err(KeyRefusal::UnknownKid { .. }))
}

/// covers: B11 B12
#[tokio::test]
async fn two_hundred_requests_with_a_new_kid_cause_one_fetch_and_all_succeed() {
    let provider = Provider::serving(&["old"]);
    let (jwks, _) = warm_cache(&provider).await;
    provider.serves(&["old", "new"]);
    provider.closes();
    let opening = async {
        let_tasks_run().await;
        assert_eq!(provider.request_count(), 2);
        provider.opens();
    };
    let (answers, ()) = tokio::join!(ask_all(&jwks, (0..200).map(|_| "new".to_owned())), opening);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(provider.request_count(), 2);
}

/// covers: B12
#[tokio::test]
async fn a_thousand_random_kids_cost_one_fetch_per_cooldown() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    for round in 0..3 {
        for batch in 0..10 {
            let kids = (0..100).map(|number| format!("{round} {batch} {number} \"\n"));
            assert!(ask_all(&jwks, kids).await.iter().all(is_unknown));
        }
        assert_eq!(provider.request_count(), 2 + round, "round {round}");
        clock.advance(seconds(30));
    }
}

/// covers: B12
#[tokio::test]
async fn request_that_caused_the_first_load_does_not_ask_again_for_its_unknown_kid() {
    let provider = Provider::serving(&["a"]);
    let (jwks, _) = cache(&provider);
    assert!(is_unknown(&jwks.key(Some("b")).await.map(|_| ())));
    assert_eq!(provider.request_count(), 1);
}

/// covers: B12
#[tokio::test]
async fn new_kid_is_found_right_after_a_load_and_at_most_one_cooldown_after_noise() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    assert!(!finds(&jwks, "noise").await);
    provider.serves(&["a", "b"]);
    clock.advance(seconds(30) - Duration::from_nanos(1));
    assert!(!finds(&jwks, "b").await, "just inside the cooldown");
    assert!(!finds(&jwks, "noise").await);
    clock.advance(Duration::from_nanos(1));
    assert!(finds(&jwks, "b").await, "at its end");
    assert_eq!(provider.request_count(), 3);
}

/// covers: B12
#[tokio::test]
async fn kid_that_was_missing_is_found_one_cooldown_later() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    assert!(!finds(&jwks, "b").await);
    provider.serves(&["a", "b"]);
    clock.advance(seconds(30));
    assert!(finds(&jwks, "b").await);
}

/// covers: B12
#[tokio::test]
async fn kid_that_was_missing_is_refused_at_once_while_a_refresh_hangs_and_a_new_one_joins_it() {
    let provider = Provider::serving(&["a"]);
    let (builder, clock) = builder(&provider);
    let jwks = builder.with_soft_age(seconds(20)).build().unwrap();
    jwks.warm_up().await.unwrap();
    assert!(!finds(&jwks, "noise").await);
    provider.serves(&["a", "b"]);
    provider.closes();
    clock.advance(seconds(18));
    assert!(jwks.held_key(Some("a")).is_some(), "this look starts the refresh");
    let late = tokio::spawn({
        let jwks = jwks.clone();
        async move { finds(&jwks, "b").await }
    });
    let_tasks_run().await;
    assert!(is_unknown(&jwks.key(Some("noise")).await.map(|_| ())));
    assert!(matches!(jwks.key_at_hand(Some("noise")), KeyAnswer::Refused(KeyRefusal::UnknownKid { .. })));
    assert!(matches!(jwks.key_at_hand(Some("b")), KeyAnswer::Wait));
    provider.opens();
    assert!(late.await.unwrap());
    assert_eq!(provider.request_count(), 3);
}

/// covers: B12
#[tokio::test]
async fn unknown_kid_is_unavailable_while_the_latest_fetch_failed_and_unknown_otherwise() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    provider.fails();
    let unavailable = |retry| Err(KeyRefusal::Unavailable { retry_after: seconds(retry) });
    assert_eq!(jwks.key(Some("b")).await.map(|_| ()), unavailable(30));
    clock.advance(seconds(12));
    assert_eq!(jwks.key(Some("c")).await.map(|_| ()), unavailable(18));
    assert!(matches!(jwks.key_at_hand(Some("c")), KeyAnswer::Refused(KeyRefusal::Unavailable { .. })));
    assert_eq!(provider.request_count(), 2);
    provider.serves(&["a", "b"]);
    clock.advance(seconds(18));
    assert!(is_unknown(&jwks.key(Some("c")).await.map(|_| ())));
    assert!(finds(&jwks, "b").await);
}

/// covers: B12 B13
#[tokio::test]
async fn known_kids_do_not_wait_while_the_endpoint_hangs_or_fails_for_unknown_ones() {
    for mood in [Mood::Hangs, Mood::Fails(FetchErrorKind::Connection)] {
        let provider = Provider::serving(&["a"]);
        let (jwks, _) = warm_cache(&provider).await;
        provider.is(mood);
        let noise = tokio::spawn({
            let jwks = jwks.clone();
            async move { ask_all(&jwks, (0..200).map(|number| number.to_string())).await }
        });
        let_tasks_run().await;
        assert_eq!(provider.request_count(), 2);
        assert!(jwks.held_key(Some("a")).is_some());
        assert!(matches!(jwks.key_at_hand(Some("a")), KeyAnswer::Key(_)));
        noise.abort();
    }
}

/// covers: B7 B12 F14
#[tokio::test]
async fn twenty_rotations_one_cooldown_apart_lose_no_verification() {
    let provider = Provider::serving(&["kid 0"]);
    let (jwks, clock) = warm_cache(&provider).await;
    for rotation in 1..=20 {
        let (former, current) = (format!("kid {}", rotation - 1), format!("kid {rotation}"));
        provider.serves(&[&former, &current]);
        assert!(finds(&jwks, &former).await, "former key in rotation {rotation}");
        assert!(finds(&jwks, &current).await, "new key in rotation {rotation}");
        clock.advance(seconds(30));
    }
    assert!(provider.request_count() <= 21 + 3);
}

/// covers: B5
#[tokio::test]
async fn token_without_kid_is_refused_at_once_when_two_keys_are_held() {
    let provider = Provider::serving(&["a", "b"]);
    let (jwks, _) = warm_cache(&provider).await;
    assert_eq!(jwks.key(None).await.map(|_| ()), Err(KeyRefusal::KidMissing));
    assert!(matches!(jwks.key_at_hand(None), KeyAnswer::Refused(KeyRefusal::KidMissing)));
    assert_eq!(provider.request_count(), 1);
}
