//! Every kind of token where another is expected: keys, header and signature are the same for all.

use kinde_core::{IdTokenVerifier, Verifier};
use kinde_emulator::Environment;
use kinde_webhook::WebhookErrorKind;

use crate::receiver::{jwks_of, verifier_of};

/// covers: C5 H5
#[tokio::test]
async fn access_id_and_machine_tokens_are_not_events() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    kinde.register_api("https://api.example", &[]);
    for (name, token) in [
        ("access token", alice.access_token()),
        ("access token for an API", alice.with_audience("https://api.example").access_token()),
        ("ID token", alice.id_token()),
        ("machine token", kinde.machine("worker").with_audience("https://api.example").access_token()),
    ] {
        let refused = verifier_of(&kinde).verify(token).await.unwrap_err();
        assert_eq!(refused.kind(), WebhookErrorKind::Malformed, "{name}");
        assert_eq!(refused.code(), "wrong_token_kind", "{name}");
    }
}

/// covers: C5 H5
#[tokio::test]
async fn event_is_neither_an_access_token_nor_an_id_token() {
    let kinde = Environment::start().await;
    let token = kinde.event("user.created").token();
    let access = Verifier::builder(jwks_of(&kinde)).with_application(kinde.client_id()).build().unwrap();
    assert_eq!(access.verify(&token).await.unwrap_err().code(), "wrong_token_kind");
    let id = IdTokenVerifier::new(jwks_of(&kinde), kinde.client_id()).unwrap();
    let expected = kinde_core::ExpectedIdToken::of_refresh(None);
    assert_eq!(id.verify(&token, expected).await.unwrap_err().code(), "wrong_token_kind");
    // Dressed up with an access token's claims it is neither.
    let dressed =
        kinde.event("user.created").wrong().saying("sub", serde_json::json!(kinde.person("eve").id()));
    assert!(access.verify(&dressed).await.is_err());
    assert!(verifier_of(&kinde).verify(dressed).await.is_err());
}

/// covers: H10
#[tokio::test]
async fn event_travels_as_its_token_and_is_verified_again_without_http() {
    let kinde = Environment::start().await;
    let event = verifier_of(&kinde).verify(kinde.event("user.created").token()).await.unwrap();
    let stored = serde_json::to_string(&kinde_webhook::StoredEvent::new(&event)).unwrap();
    let keys = jwks_of(&kinde);
    keys.warm_up().await.unwrap();
    let read: kinde_webhook::StoredEvent = serde_json::from_str(&stored).unwrap();
    let now = event.timestamp();
    let again = verifier_of(&kinde).verify_with(read.token(), &keys, now).unwrap();
    assert_eq!(again.id(), event.id());
    let changed = read.token().replacen('.', "x.", 1);
    assert!(verifier_of(&kinde).verify_with(changed, &keys, now).is_err());
}

/// covers: H6 H10
#[tokio::test]
async fn synchronous_verification_takes_keys_and_time_as_they_are_given() {
    let kinde = Environment::start().await;
    let token = kinde.event("user.created").token();
    let keys = jwks_of(&kinde);
    let now = std::time::Duration::from_secs(kinde.now());
    let cold = verifier_of(&kinde).verify_with(&token, &keys, now).unwrap_err();
    assert_eq!((cold.kind(), kinde.jwks_fetches()), (WebhookErrorKind::TryAgain, 0));
    keys.warm_up().await.unwrap();
    assert!(verifier_of(&kinde).verify_with(&token, &keys, now).is_ok());
    let late = now + std::time::Duration::from_secs(49 * 3600);
    assert_eq!(verifier_of(&kinde).verify_with(&token, &keys, late).unwrap_err().code(), "token_too_old");
    let other = Environment::start().await;
    let foreign = verifier_of(&kinde).verify_with(&token, &jwks_of(&other), now).unwrap_err();
    assert_eq!(foreign.code(), "issuer_mismatch");
}
