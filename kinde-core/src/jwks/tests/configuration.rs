//! What can be configured, what is refused, and what can be read back.

use super::*;
use crate::jwks::{JwksErrorKind, JwksHealth, KeyAnswer};

fn codes(builder: JwksBuilder) -> Vec<&'static str> {
    let error = builder.with_http_client(Provider::serving(&[])).build().err();
    error.iter().flat_map(|error| error.problems()).map(|problem| problem.code()).collect()
}

/// covers: B8 B10
#[test]
fn every_problem_of_a_configuration_is_reported_at_once() {
    let builder = Jwks::builder(issuer())
        .with_url("https://evil.example/jwks")
        .with_soft_age(Duration::ZERO)
        .with_deadline(Duration::ZERO)
        .with_body_limit_bytes(0);
    let all =
        ["jwks_url_other_origin", "jwks_soft_age_too_short", "jwks_deadline_zero", "jwks_body_limit_zero"];
    assert_eq!(codes(builder), all);
    assert_eq!(codes(Jwks::builder(issuer()).with_soft_age(Duration::from_millis(1))), [""; 0]);
}

/// covers: B8 B10
#[test]
fn key_set_on_another_origin_needs_the_named_option_and_https() {
    let builder = || Jwks::builder(issuer());
    for (name, builder, code) in [
        ("derived", builder(), None),
        ("same origin", builder().with_url("https://acme.kinde.com/.well-known/jwks.json"), None),
        ("other", builder().with_url("https://keys.example/jwks"), Some("jwks_url_other_origin")),
        ("widened", builder().with_url_on_another_origin("https://keys.example/jwks"), None),
        (
            "widened to http",
            builder().with_url_on_another_origin("http://keys.example/jwks"),
            Some("jwks_url_plain_http"),
        ),
        ("no URL", builder().with_url("jwks"), Some("jwks_url_malformed")),
    ] {
        assert_eq!(codes(builder).first().copied(), code, "{name}");
    }
}

/// covers: B8
#[cfg(not(feature = "reqwest"))]
#[test]
fn without_a_client_of_its_own_the_configuration_names_what_is_missing() {
    let error = Jwks::builder(issuer()).build().unwrap_err();
    assert_eq!(error.problems()[0].code(), "http_client_missing");
}

/// covers: B9
#[tokio::test]
async fn issuers_that_use_the_same_kid_do_not_mix() {
    let [first, second] = [Provider::serving(&[]), Provider::serving(&[])];
    first.answers(200, jwks_of(vec![jwk_of("same", 1)]));
    second.answers(200, jwks_of(vec![jwk_of("same", 2), jwk_of("other", 3)]));
    let [(first, _), (second, _)] = [warm_cache(&first).await, warm_cache(&second).await];
    let [left, right] = [&first, &second].map(|jwks| jwks.held_key(Some("same")).unwrap());
    assert_ne!(left.thumbprint(), right.thumbprint());
    assert!(first.held_key(Some("other")).is_none());
    assert_eq!(first.still_holds(&right), crate::jwks::Holding::No);
}

/// covers: B17
#[tokio::test]
async fn static_set_answers_at_once_and_for_ever() {
    let json = String::from_utf8(jwks_of(vec![jwk("a")])).unwrap();
    let jwks = Jwks::from_static_json(issuer(), &json).unwrap();
    assert!(matches!(jwks.key_at_hand(Some("a")), KeyAnswer::Key(_)));
    assert!(matches!(jwks.key_at_hand(Some("b")), KeyAnswer::Refused(KeyRefusal::UnknownKid { .. })));
    assert!(finds(&jwks, "a").await && !finds(&jwks, "b").await);
    assert!(jwks.warm_up().await.is_ok());
    let health = jwks.health();
    assert_eq!((health.is_usable, health.fetches, health.last_success_age), (true, 0, None));
}

/// covers: B6
#[test]
fn static_set_without_a_usable_key_is_a_configuration_error() {
    for (json, code, found) in [
        ("[]", "jwks_not_a_key_set", None),
        (r#"{"keys":[]}"#, "jwks_no_usable_key", Some("")),
        (r#"{"keys":[{"kty":"oct","k":"AQ"},null]}"#, "jwks_no_usable_key", Some("key_type, malformed")),
    ] {
        let error = Jwks::from_static_json(issuer(), json).unwrap_err();
        let problem = &error.problems()[0];
        assert_eq!((problem.code(), problem.found().map(|found| found.as_str())), (code, found));
    }
}

/// covers: B1
#[tokio::test]
async fn provider_that_serves_only_a_development_key_is_as_one_without_keys() {
    let mut entry = jwk("dev");
    entry["n"] = json!(crate::jwks::key::DEVELOPMENT_MODULUS);
    let provider = Provider::serving(&[]);
    provider.answers(200, jwks_of(vec![entry]));
    let (jwks, _) = cache(&provider);
    assert!(!finds(&jwks, "dev").await);
    assert_eq!(jwks.health().last_error, Some(JwksErrorKind::NoUsableKey));
    let loopback = Jwks::builder(Issuer::new("http://localhost:4100").unwrap());
    let jwks = loopback.with_http_client(provider).build().unwrap();
    assert!(finds(&jwks, "dev").await);
}

/// covers: B19
#[tokio::test]
async fn health_tells_success_error_age_and_count() {
    let provider = Provider::serving(&["a", "b"]);
    let (jwks, clock) = cache(&provider);
    let empty = JwksHealth {
        is_usable: false,
        key_count: 0,
        set_age: None,
        last_success_age: None,
        last_error: None,
        last_error_age: None,
        consecutive_failures: 0,
        fetches: 0,
    };
    assert_eq!(jwks.health(), empty);
    jwks.warm_up().await.unwrap();
    clock.advance(seconds(280));
    provider.answers(500, "");
    jwks.held_key(Some("a"));
    let_tasks_run().await;
    clock.advance(seconds(5));
    let failing = JwksHealth {
        is_usable: true,
        key_count: 2,
        set_age: Some(seconds(285)),
        last_success_age: Some(seconds(285)),
        last_error: Some(JwksErrorKind::Status),
        last_error_age: Some(seconds(5)),
        consecutive_failures: 1,
        fetches: 2,
    };
    assert_eq!(jwks.health(), failing);
}

/// covers: I4
#[tokio::test]
async fn debug_output_shows_issuer_and_count_only() {
    let provider = Provider::serving(&["a"]);
    let (builder, _) = builder(&provider);
    let builder = builder.with_url("https://acme.kinde.com/jwks?secret");
    let jwks = builder.clone().build().unwrap();
    jwks.warm_up().await.unwrap();
    let text = format!("{builder:?} {jwks:?}");
    assert!(text.contains("acme.kinde.com") && text.contains("key_count: 1"));
    assert!(!text.contains("secret"));
}
