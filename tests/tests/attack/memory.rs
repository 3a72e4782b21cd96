//! A remembered token is refused exactly when it would be refused otherwise.

use std::time::Duration;

use kinde_core::{Issuer, Jwks, ManualClock, Verifier};
use kinde_emulator::{Environment, Fault};

use crate::{NOW, Stage, code};

/// covers: J6 C1
#[tokio::test]
async fn remembered_token_is_refused_once_it_has_expired() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let token = stage.kinde.person("alice").access_token();
    assert_eq!(code(&verifier, &token), "accepted");
    stage.clock.advance(Duration::from_secs(86_400 + 59));
    assert_eq!(code(&verifier, &token), "accepted");
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(code(&verifier, &token), "token_expired");
}

/// covers: J6 B7
#[tokio::test]
async fn remembered_token_dies_with_its_key() {
    let kinde = Environment::start().await;
    kinde.set_time(NOW);
    let clock = ManualClock::at_unix_seconds(NOW);
    let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).with_clock(clock.clone()).build().unwrap();
    let verifier = Verifier::builder(jwks.clone())
        .with_application(kinde.client_id())
        .with_clock(clock.clone())
        .build()
        .unwrap();
    let (token, kid) = (kinde.person("alice").access_token(), kinde.signing_kid());
    verifier.verify(&token).await.unwrap();
    kinde.rotate_keys();
    kinde.withdraw_key(&kid);
    clock.advance(Duration::from_secs(301));
    // The first request past the soft age is served and starts the refresh; the key dies when that lands.
    verifier.verify(&token).await.unwrap();
    while jwks.health().fetches < 2 || jwks.health().set_age > Some(Duration::ZERO) {
        tokio::task::yield_now().await;
    }
    assert_eq!(verifier.verify(&token).await.unwrap_err().code(), "key_unknown");
    assert_eq!(verifier.verify(&kinde.person("alice").access_token()).await.map(drop), Ok(()));
}

/// covers: J6
#[tokio::test]
async fn one_verifier_never_remembers_for_another() {
    let stage = Stage::set().await;
    let token = stage.kinde.person("alice").access_token();
    assert_eq!(code(&stage.by_application(), &token), "accepted");
    assert_eq!(code(&stage.by_audience(), &token), "audience_absent");
}

/// covers: J6
#[tokio::test]
async fn refused_token_is_not_remembered() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let early = stage.kinde.person("alice").with_claim("nbf", NOW + 100).access_token();
    assert_eq!(code(&verifier, &early), "token_not_yet_valid");
    stage.clock.advance(Duration::from_secs(100));
    assert_eq!(code(&verifier, &early), "accepted");
}

#[tokio::test]
async fn verifier_without_a_memory_decides_alike() {
    let stage = Stage::set().await;
    let forgetful =
        stage.builder().with_application(stage.kinde.client_id()).with_memory_limit_bytes(0).build().unwrap();
    let token = stage.kinde.person("alice").access_token();
    assert_eq!([code(&forgetful, &token), code(&forgetful, &token)], ["accepted"; 2]);
    assert_eq!(code(&forgetful, &stage.kinde.person("alice").expired().access_token()), "token_expired");
}

/// covers: B14
#[tokio::test]
async fn remembered_token_is_not_served_from_keys_past_their_hard_bound() {
    let kinde = Environment::start().await;
    kinde.set_time(NOW);
    let clock = ManualClock::at_unix_seconds(NOW);
    let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap())
        .with_clock(clock.clone())
        .with_max_stale(Duration::from_secs(600))
        .build()
        .unwrap();
    let verifier = Verifier::builder(jwks)
        .with_application(kinde.client_id())
        .with_clock(clock.clone())
        .build()
        .unwrap();
    let token = kinde.person("alice").access_token();
    verifier.verify(&token).await.unwrap();
    kinde.fault("/.well-known/jwks", Fault::Status(500));
    clock.advance(Duration::from_secs(899));
    verifier.verify(&token).await.unwrap();
    clock.advance(Duration::from_secs(1));
    let refused = verifier.verify(&token).await.unwrap_err();
    assert_eq!((refused.code(), refused.is_temporary()), ("keys_unavailable", true));
}

/// covers: B5 J6
#[tokio::test]
async fn token_without_a_kid_is_not_remembered_past_the_second_key() {
    let kinde = Environment::start().await;
    kinde.set_time(NOW);
    let clock = ManualClock::at_unix_seconds(NOW);
    let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).with_clock(clock.clone()).build().unwrap();
    let verifier = Verifier::builder(jwks)
        .with_application(kinde.client_id())
        .with_clock(clock.clone())
        .build()
        .unwrap();
    let nameless = kinde.person("alice").wrong().without_kid();
    verifier.verify(&nameless).await.unwrap();
    kinde.rotate_keys();
    clock.advance(std::time::Duration::from_secs(60));
    verifier.verify(&kinde.person("bob").access_token()).await.unwrap();
    assert_eq!(verifier.verify(&nameless).await.unwrap_err().code(), "key_id_missing");
}

/// covers: J6
#[tokio::test]
async fn more_tokens_than_there_are_places_each_give_their_own_person() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let people: Vec<_> = (0..300).map(|number| stage.kinde.person(&format!("person{number}"))).collect();
    let tokens: Vec<_> = people.iter().map(|person| person.access_token()).collect();
    for _ in 0..3 {
        for (person, token) in people.iter().zip(&tokens) {
            let identity = verifier.verify(token).await.unwrap();
            assert_eq!(identity.user().unwrap().id(), person.id());
        }
    }
}

/// covers: J6 A12
#[tokio::test]
async fn signature_of_a_remembered_token_carries_no_other_payload() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let (alice, mallory) =
        (stage.kinde.person("alice").access_token(), stage.kinde.person("mallory").access_token());
    for _ in 0..3 {
        assert_eq!(code(&verifier, &alice), "accepted");
    }
    let (_, signature) = alice.rsplit_once('.').unwrap();
    let (signed, _) = mallory.rsplit_once('.').unwrap();
    assert_eq!(code(&verifier, &format!("{signed}.{signature}")), "signature_invalid");
    assert_eq!(code(&verifier, &alice), "accepted");
}
