//! Expired, early and old tokens; the clock is set by hand.

use std::time::Duration;

use kinde_core::VerifierBuilder;
use serde_json::json;

use crate::{NOW, Stage, code};

fn bound(stage: &Stage, builder: VerifierBuilder) -> kinde_core::Verifier {
    builder.with_application(stage.kinde.client_id()).build().unwrap()
}

/// covers: C1
#[tokio::test]
async fn expiry_is_exact_to_the_leeway() {
    let stage = Stage::set().await;
    let exact = bound(&stage, stage.builder().with_leeway(Duration::ZERO));
    let default = stage.by_application();
    let longest = bound(&stage, stage.builder().with_leeway(Duration::from_secs(300)));
    let expiring = |exp| stage.kinde.person("alice").with_claim("exp", exp).access_token();
    for (name, exp, expected) in [
        ("one second left", json!(NOW + 1), ["accepted"; 3]),
        ("a fraction left", json!(NOW as f64 + 0.5), ["accepted"; 3]),
        ("now", json!(NOW), ["token_expired", "accepted", "accepted"]),
        ("59 s ago", json!(NOW - 59), ["token_expired", "accepted", "accepted"]),
        ("60 s ago", json!(NOW - 60), ["token_expired", "token_expired", "accepted"]),
        ("299 s ago", json!(NOW - 299), ["token_expired", "token_expired", "accepted"]),
        ("300 s ago", json!(NOW - 300), ["token_expired"; 3]),
        ("1970", json!(0), ["token_expired"; 3]),
        ("the end of time", json!(u64::MAX), ["accepted"; 3]),
        ("negative", json!(-1), ["claim_type"; 3]),
        ("a string", json!(NOW.to_string()), ["claim_type"; 3]),
        ("null", json!(null), ["claim_type"; 3]),
    ] {
        let token = expiring(exp);
        let found = [&exact, &default, &longest].map(|verifier| code(verifier, &token));
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(code(&default, &stage.kinde.person("alice").wrong().without_exp()), "claim_missing");
}

/// covers: C1
#[tokio::test]
async fn leeway_above_five_minutes_is_a_configuration_error() {
    let stage = Stage::set().await;
    let build = |seconds| {
        let leeway = Duration::from_secs(seconds);
        stage.builder().with_application("x").with_leeway(leeway).build().map(drop)
    };
    assert!(build(300).is_ok());
    assert!(build(301).unwrap_err().to_string().contains("leeway_too_long"));
}

/// covers: C1
#[tokio::test]
async fn tokens_from_the_future_are_refused_beyond_the_leeway() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let alice = stage.kinde.person("alice");
    for claim in ["nbf", "iat"] {
        for (name, value, expected) in [
            ("now", json!(NOW), "accepted"),
            ("at the leeway", json!(NOW + 60), "accepted"),
            ("beyond", json!(NOW + 61), "token_not_yet_valid"),
            ("a string", json!("soon"), "claim_type"),
        ] {
            let token = alice.clone().with_claim(claim, value).access_token();
            assert_eq!(code(&verifier, &token), expected, "{claim} {name}");
        }
        assert_eq!(
            code(&verifier, &alice.clone().without_claim(claim).access_token()),
            "accepted",
            "{claim} absent"
        );
    }
}

/// covers: C8
#[tokio::test]
async fn token_older_than_the_maximum_age_is_refused() {
    let stage = Stage::set().await;
    let hour = Duration::from_secs(3600);
    let verifier = bound(&stage, stage.builder().with_max_token_age(hour).with_leeway(Duration::ZERO));
    let issued = |iat| stage.kinde.person("alice").with_claim("iat", iat).access_token();
    assert_eq!(code(&verifier, &issued(NOW - 3599)), "accepted");
    assert_eq!(code(&verifier, &issued(NOW - 3600)), "token_too_old");
    assert_eq!(
        code(&verifier, &stage.kinde.person("alice").without_claim("iat").access_token()),
        "claim_missing"
    );
    let ageing = issued(NOW - 3599);
    assert_eq!(code(&verifier, &ageing), "accepted");
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(code(&verifier, &ageing), "token_too_old", "a remembered token grows old too");
}

/// covers: B18
#[tokio::test]
async fn wall_clock_that_jumps_moves_tokens_and_not_keys() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let token = stage.kinde.person("alice").access_token();
    assert_eq!(code(&verifier, &token), "accepted");
    stage.clock.set_wall(Duration::from_secs(NOW + 86_400 * 365));
    assert_eq!(code(&verifier, &token), "token_expired");
    stage.clock.set_wall(Duration::from_secs(0));
    assert_eq!(code(&verifier, &stage.kinde.person("bob").access_token()), "token_not_yet_valid");
    stage.clock.set_wall(Duration::from_secs(NOW));
    assert_eq!(code(&verifier, &token), "accepted");
}
