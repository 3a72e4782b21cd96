//! Keys come, go and fail to arrive: nobody with a good token is refused, and the provider is hardly asked.

use std::time::Duration;

use axum::Router;
use kinde_axum::KindeLayer;
use kinde_core::{Issuer, Jwks, ManualClock, Verifier};
use kinde_emulator::{Environment, Fault};
use kinde_tests::{Answer, api, send, send_bearer, verifier_of};

use kinde_tests::scale::scaled;

/// An API whose clock, and its provider's, are set by hand; every setting of the key cache is the default.
struct Stage {
    kinde: Environment,
    clock: ManualClock,
    jwks: Jwks,
    app: Router,
}

impl Stage {
    async fn set() -> Self {
        let kinde = Environment::start().await;
        kinde.set_time(NOW);
        let clock = ManualClock::at_unix_seconds(NOW);
        let issuer = Issuer::new(kinde.issuer()).unwrap();
        let jwks = Jwks::builder(issuer).with_clock(clock.clone()).build().unwrap();
        let verifier = Verifier::builder(jwks.clone())
            .with_application(kinde.client_id())
            .with_clock(clock.clone())
            .build()
            .unwrap();
        let app = api(KindeLayer::new(verifier));
        Self { kinde, clock, jwks, app }
    }

    /// As `set`, after a first request.
    async fn warm() -> Self {
        let stage = Self::set().await;
        assert_eq!(stage.get(&stage.token("first")).await.status, 200);
        stage
    }

    fn token(&self, name: &str) -> String {
        self.kinde.person(name).access_token()
    }

    fn advance(&self, by: Duration) {
        self.kinde.advance(by);
        self.clock.advance(by);
    }

    async fn get(&self, token: &str) -> Answer {
        send_bearer(&self.app, "/me", token).await
    }

    /// Waits until the fetch that is under way has ended, well or badly.
    async fn landed(&self, fetches: u64) {
        let mut health = self.jwks.health();
        while health.fetches < fetches
            || (health.set_age != Some(Duration::ZERO) && health.last_error_age != Some(Duration::ZERO))
        {
            tokio::task::yield_now().await;
            health = self.jwks.health();
        }
    }
}

/// Sends all of them at once and gives what is not 200.
async fn refusals(app: &Router, tokens: Vec<String>) -> Vec<Answer> {
    let requests: Vec<_> = tokens
        .into_iter()
        .map(|token| {
            let app = app.clone();
            tokio::spawn(async move { send_bearer(&app, "/me", &token).await })
        })
        .collect();
    let mut refused = Vec::new();
    for request in requests {
        let answer = request.await.unwrap();
        if answer.status != 200 {
            refused.push(answer);
        }
    }
    refused
}

/// covers: B7 B11 B12 B13
#[tokio::test]
async fn storm_of_rotations_one_cooldown_apart_refuses_nobody_and_costs_one_fetch_each() {
    let each = scaled("verifications in the rotation storm", 10_000) / ROTATIONS;
    let stage = Stage::warm().await;
    let mut kids = vec![stage.kinde.signing_kid()];
    for rotation in 1..=ROTATIONS {
        kids.push(stage.kinde.rotate_keys());
        stage.advance(COOLDOWN);
        // Old keys stay published: their tokens arrive among those of the new one, in any order.
        let tokens = (0..each).map(|number| {
            let kid = &kids[(number as usize * 7 + 1) % kids.len()];
            stage.kinde.person(&format!("{rotation}+{number}%")).signed_by(kid).access_token()
        });
        let tokens: Vec<_> = tokens.chain([stage.token("newest")]).collect();
        let refused = refusals(&stage.app, tokens).await;
        assert!(refused.is_empty(), "rotation {rotation}: {refused:?}");
        assert!(stage.kinde.jwks_fetches() <= 1 + rotation as usize, "rotation {rotation}");
    }
}

/// covers: B7
#[tokio::test]
async fn storm_that_withdraws_old_keys_refuses_their_tokens_and_no_others() {
    let stage = Stage::warm().await;
    let mut kids = vec![stage.kinde.signing_kid()];
    for rotation in 1..=5 {
        let old = kids.last().unwrap().clone();
        let remembered = stage.token("alice");
        assert_eq!(stage.get(&remembered).await.status, 200, "rotation {rotation}");
        kids.push(stage.kinde.rotate_keys());
        assert!(stage.kinde.withdraw_key(&old));
        stage.advance(COOLDOWN);
        assert_eq!(stage.get(&stage.token("bob")).await.status, 200, "rotation {rotation}");
        let unseen = stage.kinde.person("carol").signed_by(&old).access_token();
        for (name, token) in [("remembered", &remembered), ("unseen", &unseen)] {
            let answer = stage.get(token).await;
            assert_eq!((answer.status, answer.code), (401, Some("key_unknown")), "{name}, {rotation}");
        }
        assert!(stage.kinde.jwks_fetches() <= 1 + rotation, "rotation {rotation}");
    }
}

/// covers: B7 B13
#[tokio::test]
async fn withdrawn_key_dies_with_the_first_refresh_past_the_soft_age() {
    let stage = Stage::warm().await;
    let (token, kid) = (stage.token("alice"), stage.kinde.signing_kid());
    stage.kinde.rotate_keys();
    stage.kinde.withdraw_key(&kid);
    assert_eq!(stage.get(&token).await.status, 200, "the set is fresh");
    stage.advance(SOFT_AGE);
    assert_eq!(stage.get(&token).await.status, 200, "this request starts the refresh and does not wait");
    stage.landed(2).await;
    let answer = stage.get(&token).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.challenge.as_deref(), Some(r#"Bearer realm="api", error="invalid_token""#));
    assert_eq!(answer.code, Some("key_unknown"));
}

/// covers: B11 B12
#[tokio::test]
async fn two_hundred_requests_with_a_new_key_cause_one_fetch_and_all_pass() {
    let kinde = Environment::start().await;
    let app = api(KindeLayer::new(verifier_of(&kinde)));
    assert_eq!(send_bearer(&app, "/me", &kinde.person("alice").access_token()).await.status, 200);
    kinde.rotate_keys();
    let tokens = (0..200).map(|number| kinde.person(&format!("person {number}")).access_token());
    let refused = refusals(&app, tokens.collect()).await;
    assert!(refused.is_empty(), "{} refused, first {:?}", refused.len(), refused.first());
    assert_eq!(kinde.jwks_fetches(), 2);
}

/// covers: B11 B17
#[tokio::test]
async fn thousand_first_requests_cause_one_fetch_and_all_pass() {
    let kinde = Environment::start().await;
    let app = api(KindeLayer::new(verifier_of(&kinde)));
    let tokens = (0..1_000).map(|number| kinde.person(&format!("person {number}")).access_token());
    let refused = refusals(&app, tokens.collect()).await;
    assert!(refused.is_empty(), "{} refused, first {:?}", refused.len(), refused.first());
    assert_eq!(kinde.jwks_fetches(), 1);
}

/// covers: B12
#[tokio::test]
async fn thousand_random_key_ids_cost_at_most_one_fetch_a_cooldown_and_disturb_nobody() {
    let stage = Stage::warm().await;
    let alice = stage.token("alice");
    for round in 1..=4 {
        let mut tokens: Vec<_> =
            (0..250).map(|_| stage.kinde.person("mallory").wrong().random_kid()).collect();
        tokens.insert(100, alice.clone());
        let refused = refusals(&stage.app, tokens).await;
        assert_eq!(refused.len(), 250, "round {round}");
        for answer in refused {
            assert_eq!((answer.status, answer.code), (401, Some("key_unknown")), "round {round}");
        }
        assert!(stage.kinde.jwks_fetches() <= 1 + round, "round {round}");
        stage.advance(COOLDOWN);
    }
}

/// covers: B12
#[tokio::test]
async fn new_key_passes_at_once_right_after_a_load() {
    let stage = Stage::warm().await;
    stage.kinde.rotate_keys();
    assert_eq!(stage.get(&stage.token("alice")).await.status, 200);
    assert_eq!(stage.kinde.jwks_fetches(), 2);
}

/// covers: B13 B14
#[tokio::test]
async fn provider_that_fails_or_hangs_does_not_disturb_known_keys() {
    for (name, fault) in [
        ("status 500", Fault::Status(500)),
        ("hangs", Fault::Hang),
        ("resets", Fault::Reset),
        ("redirects", Fault::Redirect("https://elsewhere.example/".to_owned())),
        ("lies", Fault::json(200, r#"{"keys":[]}"#)),
        ("endless", Fault::EndlessBody),
        ("truncated", Fault::TruncatedBody),
    ] {
        let stage = Stage::warm().await;
        let seen = stage.token("first");
        stage.kinde.fault("/.well-known/jwks", fault);
        for minutes in [5, 10, 60, 20 * 60] {
            stage.advance(Duration::from_secs(minutes * 60));
            let unseen = stage.token(&format!("person at {minutes}"));
            for (kind, token) in [("seen", &seen), ("unseen", &unseen)] {
                let answer = tokio::time::timeout(Duration::from_secs(2), stage.get(token)).await;
                let answer = answer.unwrap_or_else(|_| panic!("{name}, {minutes} min later: {kind} waits"));
                assert_eq!(answer.status, 200, "{name}, {minutes} min later: {kind} {answer:?}");
            }
        }
    }
}

/// covers: B14 D1
#[tokio::test]
async fn past_the_hard_bound_the_answer_is_503_with_retry_after_and_no_challenge() {
    let stage = Stage::warm().await;
    stage.kinde.fault("/.well-known/jwks", Fault::Status(500));
    stage.advance(SOFT_AGE + HARD_BOUND - Duration::from_secs(1));
    assert_eq!(stage.get(&stage.token("alice")).await.status, 200, "just inside");
    stage.advance(COOLDOWN);
    let answer = stage.get(&stage.token("alice")).await;
    assert_eq!((answer.status, answer.code), (503, Some("keys_unavailable")), "just outside");
    assert_eq!(answer.challenge, None);
    assert_eq!(answer.headers["retry-after"], "30");
}

/// covers: B16 D1
#[tokio::test]
async fn service_recovers_one_cooldown_after_its_provider_without_a_restart() {
    for (name, fault) in [("status 503", Fault::Status(503)), ("resets", Fault::Reset)] {
        let stage = Stage::set().await;
        stage.kinde.fault("/.well-known/jwks", fault);
        let answer = stage.get(&stage.token("alice")).await;
        assert_eq!((answer.status, answer.code), (503, Some("keys_unavailable")), "{name}");
        assert_eq!(answer.headers["retry-after"], "30", "{name}");
        stage.kinde.clear_faults();
        stage.advance(COOLDOWN - Duration::from_secs(1));
        assert_eq!(stage.get(&stage.token("alice")).await.status, 503, "{name}: just inside the cooldown");
        stage.advance(Duration::from_secs(1));
        assert_eq!(stage.get(&stage.token("alice")).await.status, 200, "{name}: at its end");
        assert_eq!(stage.kinde.jwks_fetches(), 2, "{name}");
    }
}

/// covers: B12 B16
#[tokio::test]
async fn new_key_during_an_outage_is_told_to_come_back_and_passes_within_two_cooldowns_of_the_recovery() {
    let stage = Stage::warm().await;
    stage.kinde.rotate_keys();
    stage.kinde.fault("/.well-known/jwks", Fault::Status(500));
    for _ in 0..5 {
        let answer = stage.get(&stage.token("alice")).await;
        assert_eq!((answer.status, answer.code), (503, Some("keys_unavailable")));
        stage.advance(Duration::from_secs(10));
    }
    assert_eq!(stage.kinde.jwks_fetches(), 3, "one in each cooldown that began");
    stage.kinde.clear_faults();
    stage.advance(2 * COOLDOWN);
    assert_eq!(stage.get(&stage.token("alice")).await.status, 200);
}

/// covers: B16 B17
#[tokio::test]
async fn start_never_needs_the_provider() {
    let stage = Stage::set().await;
    stage.kinde.pause().await;
    assert_eq!(send(&stage.app, "/me", &[]).await.code, Some("credential_missing"));
    assert_eq!(send_bearer(&stage.app, "/me", "junk.junk.junk").await.code, Some("header_malformed"));
    assert_eq!(stage.jwks.health().fetches, 0, "nobody needed a key");
    assert_eq!(stage.get(&stage.token("alice")).await.status, 503);
    stage.kinde.resume().await.unwrap();
    stage.advance(COOLDOWN);
    assert_eq!(stage.get(&stage.token("alice")).await.status, 200);
}

const NOW: u64 = 1_790_000_000;
const ROTATIONS: u32 = 20;
const COOLDOWN: Duration = Duration::from_secs(30);
const SOFT_AGE: Duration = Duration::from_secs(5 * 60);
const HARD_BOUND: Duration = Duration::from_secs(24 * 60 * 60);
