//! The life of a held set: refreshed in time, kept through outages, dropped at the bound.

use super::*;
use crate::{
    Clock,
    jwks::{Holding, JwksErrorKind, KeyAnswer},
};

const DAY: u64 = 24 * 60 * 60;

/// covers: B13 J7
#[tokio::test]
async fn due_refresh_happens_in_the_background_and_nobody_waits_for_it() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    provider.closes();
    clock.advance(seconds(270) - Duration::from_nanos(1));
    assert!(jwks.held_key(Some("a")).is_some());
    let_tasks_run().await;
    assert_eq!(provider.request_count(), 1, "just before it is due");
    clock.advance(Duration::from_nanos(1));
    for _ in 0..200 {
        assert!(jwks.held_key(Some("a")).is_some());
        assert!(matches!(jwks.key_at_hand(Some("a")), KeyAnswer::Key(_)));
        assert!(finds(&jwks, "a").await);
    }
    let_tasks_run().await;
    assert_eq!(provider.request_count(), 2, "one for all");
    assert_eq!(jwks.health().fetches, 2, "no lock is held while the fetch waits");
    provider.opens();
    let_tasks_run().await;
    assert_eq!(jwks.health().set_age, Some(Duration::ZERO));
}

/// covers: B7
#[tokio::test]
async fn withdrawn_key_is_refused_right_after_the_refresh_and_the_kept_one_stays_itself() {
    let provider = Provider::serving(&["kept", "withdrawn"]);
    let (jwks, clock) = warm_cache(&provider).await;
    let [kept, withdrawn] = ["kept", "withdrawn"].map(|kid| jwks.held_key(Some(kid)).unwrap());
    provider.serves(&["kept"]);
    clock.advance(seconds(270));
    assert_eq!(jwks.still_holds(&withdrawn), Holding::Yes, "this look starts the refresh");
    let_tasks_run().await;
    assert_eq!(jwks.still_holds(&withdrawn), Holding::No);
    assert_eq!(jwks.still_holds(&kept), Holding::Yes);
    assert!(jwks.held_key(Some("withdrawn")).is_none());
    assert!(!finds(&jwks, "withdrawn").await);
    assert!(finds(&jwks, "kept").await);
}

/// covers: B7
#[tokio::test]
async fn key_that_replaces_another_under_its_kid_ends_the_former_one() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    let former = jwks.held_key(Some("a")).unwrap();
    provider.answers(200, jwks_of(vec![jwk_of("a", 99)]));
    clock.advance(seconds(270));
    jwks.held_key(Some("a"));
    let_tasks_run().await;
    assert_eq!(jwks.still_holds(&former), Holding::No);
    assert_ne!(jwks.held_key(Some("a")).unwrap().thumbprint(), former.thumbprint());
}

/// covers: B6 B19
#[tokio::test]
async fn set_without_a_usable_key_does_not_replace_a_good_one() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    for body in [r#"{"keys":[]}"#, r#"{"keys":[null,{"kty":"oct","k":"AQ","kid":"a"}]}"#] {
        provider.answers(200, body);
        clock.advance(seconds(270));
        jwks.held_key(Some("a"));
        let_tasks_run().await;
        assert_eq!(jwks.health().last_error, Some(JwksErrorKind::NoUsableKey));
        assert!(jwks.held_key(Some("a")).is_some());
    }
    clock.advance(seconds(DAY));
    assert!(!finds(&jwks, "a").await, "past the hard bound");
}

/// covers: B14
#[tokio::test]
async fn held_set_survives_an_outage_until_the_hard_bound_and_then_keys_are_unavailable() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    let key = jwks.held_key(Some("a")).unwrap();
    provider.fails();
    clock.advance(seconds(300 + DAY) - Duration::from_nanos(1));
    assert!(finds(&jwks, "a").await, "just inside");
    assert_eq!(jwks.still_holds(&key), Holding::Yes);
    let_tasks_run().await;
    clock.advance(Duration::from_nanos(1));
    assert!(jwks.held_key(Some("a")).is_none(), "just outside");
    assert_eq!(jwks.still_holds(&key), Holding::Unusable);
    let refused = jwks.key(Some("a")).await.map(|_| ());
    assert!(matches!(refused, Err(KeyRefusal::Unavailable { .. })), "{refused:?}");
    assert!(!jwks.health().is_usable);
}

/// covers: B14
#[tokio::test]
async fn without_staleness_the_soft_age_is_the_hard_bound_and_requests_wait_for_the_fetch() {
    let provider = Provider::serving(&["a"]);
    let (builder, clock) = builder(&provider);
    let jwks = builder.with_max_stale(Duration::ZERO).build().unwrap();
    jwks.warm_up().await.unwrap();
    clock.advance(seconds(300));
    assert!(jwks.held_key(Some("a")).is_none());
    assert!(matches!(jwks.key_at_hand(Some("a")), KeyAnswer::Wait));
    assert!(finds(&jwks, "a").await);
    assert_eq!(provider.request_count(), 2);
}

/// covers: B13 B16
#[tokio::test]
async fn failing_refresh_is_repeated_once_per_cooldown_and_recovers() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    provider.fails();
    clock.advance(seconds(270));
    for attempt in 1..=3 {
        for _ in 0..30 {
            assert!(jwks.held_key(Some("a")).is_some());
            let_tasks_run().await;
            clock.advance(seconds(1));
        }
        assert_eq!(provider.request_count(), 1 + attempt, "attempt {attempt}");
    }
    assert_eq!(jwks.health().consecutive_failures, 3);
    provider.serves(&["b"]);
    jwks.held_key(Some("a"));
    let_tasks_run().await;
    assert!(jwks.held_key(Some("b")).is_some() && jwks.held_key(Some("a")).is_none());
    assert_eq!(jwks.health().consecutive_failures, 0);
}

/// covers: B15
#[tokio::test]
async fn unchanged_set_is_confirmed_by_its_etag_and_renewed() {
    let provider = Provider::serving(&["a"]);
    provider.sends("etag", "W/\"v1\"");
    let (jwks, clock) = warm_cache(&provider).await;
    let key = jwks.held_key(Some("a")).unwrap();
    assert!(!provider.last_request().contains_key(IF_NONE_MATCH));
    provider.sends("cache-control", "max-age=600");
    clock.advance(seconds(270));
    jwks.held_key(Some("a"));
    let_tasks_run().await;
    assert_eq!(provider.last_request().get(IF_NONE_MATCH).unwrap(), "W/\"v1\"");
    assert_eq!((jwks.health().set_age, jwks.health().last_error), (Some(Duration::ZERO), None));
    assert_eq!(jwks.still_holds(&key), Holding::Yes);
    clock.advance(seconds(539));
    jwks.held_key(Some("a"));
    let_tasks_run().await;
    assert_eq!(provider.request_count(), 2, "the 304 brought its own max-age");
    clock.advance(seconds(1));
    jwks.held_key(Some("a"));
    let_tasks_run().await;
    assert_eq!(provider.request_count(), 3);
}

/// covers: B15
#[tokio::test]
async fn not_modified_without_a_set_is_a_failure() {
    let provider = Provider::serving(&["a"]);
    provider.answers(304, "");
    let (jwks, _) = cache(&provider);
    assert!(!finds(&jwks, "a").await);
    assert_eq!(jwks.health().last_error, Some(JwksErrorKind::NotModifiedWithoutSet));
}

/// covers: B6 B15
#[tokio::test]
async fn etag_of_a_refused_set_or_one_too_long_is_not_sent() {
    let provider = Provider::serving(&["a"]);
    provider.sends("etag", &format!("\"{}\"", "x".repeat(255)));
    let (jwks, clock) = warm_cache(&provider).await;
    provider.sends("etag", "\"bad\"");
    provider.answers(200, r#"{"keys":[]}"#);
    for _ in 0..2 {
        clock.advance(seconds(270));
        jwks.held_key(Some("a"));
        let_tasks_run().await;
        assert!(!provider.last_request().contains_key(IF_NONE_MATCH));
    }
    assert_eq!(provider.request_count(), 3);
}

/// covers: B15
#[tokio::test]
async fn max_age_moves_the_refresh_unless_the_soft_age_is_set() {
    for (name, explicit, header, due) in [
        ("clamped from below", None, "max-age=0", 54),
        ("longer", None, "max-age=1000", 900),
        ("clamped from above", None, "max-age=999999999", DAY / 10 * 9),
        ("explicit wins", Some(seconds(100)), "max-age=1000", 90),
        ("other directives", None, "no-store, private", 270),
    ] {
        let provider = Provider::serving(&["a"]);
        provider.sends("cache-control", header);
        let (mut builder, clock) = builder(&provider);
        if let Some(soft_age) = explicit {
            builder = builder.with_soft_age(soft_age);
        }
        let jwks = builder.build().unwrap();
        jwks.warm_up().await.unwrap();
        for (step, count) in [(due - 1, 1), (1, 2)] {
            clock.advance(seconds(step));
            jwks.held_key(Some("a"));
            let_tasks_run().await;
            assert_eq!(provider.request_count(), count, "{name}");
        }
    }
}

/// covers: B18
#[tokio::test]
async fn wall_clock_that_jumps_neither_expires_nor_freezes_the_set() {
    let provider = Provider::serving(&["a"]);
    let (jwks, clock) = warm_cache(&provider).await;
    for wall in [0, 4_000_000_000] {
        clock.set_wall(seconds(wall));
        assert!(jwks.held_key(Some("a")).is_some());
        let_tasks_run().await;
        assert_eq!(provider.request_count(), 1);
    }
    clock.advance(seconds(270));
    jwks.held_key(Some("a"));
    let_tasks_run().await;
    assert_eq!(provider.request_count(), 2);
}

/// Reads tokio's clock, which a paused runtime moves.
#[derive(Debug)]
struct RuntimeClock(tokio::time::Instant);

impl Clock for RuntimeClock {
    fn wall(&self) -> Duration {
        seconds(1_790_000_000) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

fn idle_cache(provider: &Provider) -> Jwks {
    let clock = RuntimeClock(tokio::time::Instant::now());
    builder(provider).0.with_clock(clock).build().unwrap()
}

/// covers: B7
#[tokio::test(start_paused = true)]
async fn idle_service_learns_of_a_withdrawn_key_without_a_request() {
    let provider = Provider::serving(&["kept", "withdrawn"]);
    let jwks = idle_cache(&provider);
    jwks.warm_up().await.unwrap();
    provider.serves(&["kept"]);
    tokio::time::sleep(seconds(300)).await;
    assert_eq!(provider.request_count(), 2);
    assert!(jwks.held_key(Some("withdrawn")).is_none());
    tokio::time::sleep(seconds(3000)).await;
    assert_eq!(provider.request_count(), 2 + 11, "one fetch in each soft age");
}

/// covers: B7 B16
#[tokio::test(start_paused = true)]
async fn idle_service_retries_once_per_cooldown_until_the_hard_bound() {
    let provider = Provider::serving(&["a"]);
    let jwks = idle_cache(&provider);
    jwks.warm_up().await.unwrap();
    provider.fails();
    tokio::time::sleep(seconds(310)).await;
    assert_eq!(provider.request_count(), 1 + 2, "when due, and one cooldown later");
    tokio::time::sleep(seconds(30 * DAY)).await;
    let retries = usize::try_from(DAY / 30).unwrap();
    assert!((retries..retries + 10).contains(&provider.request_count()), "{}", provider.request_count());
}

/// covers: J8
#[tokio::test(start_paused = true)]
async fn timer_of_a_paused_runtime_neither_spins_nor_outlives_its_owner() {
    let provider = Provider::serving(&["a"]);
    let (jwks, _) = warm_cache(&provider).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    assert_eq!(metrics.num_alive_tasks(), 1, "the timer");
    tokio::time::sleep(seconds(DAY)).await;
    assert_eq!((provider.request_count(), metrics.num_alive_tasks()), (1, 0), "the clock stood still");
    drop(jwks);
    let (jwks, _) = warm_cache(&provider).await;
    assert_eq!(metrics.num_alive_tasks(), 1);
    drop(jwks);
    let_tasks_run().await;
    assert_eq!(metrics.num_alive_tasks(), 0);
}

/// covers: B5 B13
#[tokio::test]
async fn refresh_noticed_by_a_token_without_a_kid_is_not_lost_with_it() {
    let provider = Provider::serving(&["a", "b"]);
    let (jwks, clock) = warm_cache(&provider).await;
    clock.advance(seconds(301));
    assert!(jwks.key(None).await.is_err(), "two keys, and no kid to choose by");
    let_tasks_run().await;
    assert_eq!((jwks.health().fetches, provider.request_count()), (2, 2));
    provider.serves(&["a", "b", "new"]);
    assert!(finds(&jwks, "new").await);
}
