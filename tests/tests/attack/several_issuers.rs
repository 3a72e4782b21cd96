//! Several environments behind one verifier: nobody signs for a neighbour.

use kinde_core::{Issuer, Jwks, Verifier};
use kinde_emulator::Environment;

fn verifier(kinde: &Environment) -> Verifier {
    let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).build().unwrap();
    Verifier::builder(jwks).with_application(kinde.client_id()).build().unwrap()
}

async fn code(verifier: &Verifier, token: &str) -> &'static str {
    verifier.verify(token).await.map_or_else(|error| error.code(), |_| "accepted")
}

async fn two_with_keys_of_their_own() -> (Environment, Environment) {
    let (one, two) = (Environment::start().await, Environment::start().await);
    let kid = one.signing_kid();
    for _ in 0..3 {
        two.rotate_keys();
    }
    two.withdraw_key(&kid);
    (one, two)
}

/// covers: B9
#[tokio::test]
async fn environment_under_two_hosts_is_accepted_under_both_though_the_keys_are_the_same() {
    // Both publish the same development key under the same kid, as one environment does on its custom domain.
    let (old, new) = (Environment::start().await, Environment::start().await);
    assert_eq!(old.jwks(), new.jwks());
    let both = Verifier::any_of([verifier(&old), verifier(&new)]).unwrap();
    for kinde in [&new, &old, &new] {
        let identity = both.verify(&kinde.person("alice").access_token()).await.unwrap();
        assert_eq!(identity.claims().issuer().as_str(), kinde.issuer());
        let identity = both.verify_at_hand(&kinde.person("bob").access_token()).unwrap().unwrap();
        assert_eq!(identity.claims().issuer().as_str(), kinde.issuer());
    }
    let elsewhere = Environment::start().await;
    assert_eq!(code(&both, &elsewhere.person("alice").access_token()).await, "issuer_mismatch");
}

#[tokio::test]
async fn joined_verifier_tells_whom_it_accepts_and_by_what() {
    let (one, two) = (Environment::start().await, Environment::start().await);
    let bound = |kinde: &Environment| verifier(kinde);
    let by_audience = |kinde: &Environment| {
        let jwks = bound(kinde).key_sets().next().unwrap().clone();
        Verifier::builder(jwks).with_audience("https://api.acme.example").build().unwrap()
    };
    for (joined, has_audience) in [
        ([bound(&one), bound(&two)], false),
        ([by_audience(&one), bound(&two)], false),
        ([by_audience(&one), by_audience(&two)], true),
    ] {
        let joined = Verifier::any_of(joined).unwrap();
        assert_eq!(joined.has_audience(), has_audience);
        let issuers: Vec<_> = joined.issuers().map(Issuer::as_str).collect();
        assert_eq!((issuers, joined.key_sets().count()), (vec![one.issuer(), two.issuer()], 2));
        let shown = format!("{joined:?}");
        assert!(shown.contains(one.issuer()) && shown.contains(two.issuer()), "{shown}");
    }
}

/// covers: B9
#[tokio::test]
async fn outage_of_one_host_leaves_the_other_alone() {
    let (old, new) = (Environment::start().await, Environment::start().await);
    let both = Verifier::any_of([verifier(&old), verifier(&new)]).unwrap();
    new.pause().await;
    assert_eq!(code(&both, &old.person("alice").access_token()).await, "accepted");
    assert_eq!(code(&both, &new.person("alice").access_token()).await, "keys_unavailable");
}

/// covers: B9
#[tokio::test]
async fn environment_cannot_sign_for_its_neighbour() {
    let (one, two) = two_with_keys_of_their_own().await;
    let both = Verifier::any_of([verifier(&one), verifier(&two)]).unwrap();
    assert_eq!(code(&both, &one.person("alice").access_token()).await, "accepted");
    assert_eq!(code(&both, &two.person("alice").access_token()).await, "accepted");
    let forged = two.person("mallory").with_claim("iss", one.issuer()).access_token();
    assert_eq!(code(&both, &forged).await, "issuer_mismatch");
}

/// covers: B9
#[tokio::test]
async fn unknown_kids_share_one_budget() {
    let (one, two) = (Environment::start().await, Environment::start().await);
    let both = Verifier::any_of([verifier(&one), verifier(&two)]).unwrap();
    code(&both, &one.person("alice").access_token()).await;
    for _ in 0..100 {
        assert_eq!(code(&both, &one.person("mallory").wrong().random_kid()).await, "key_unknown");
    }
    // One load and one round for unknown key IDs, each.
    assert!(
        one.jwks_fetches() <= 2 && two.jwks_fetches() <= 2,
        "{} {}",
        one.jwks_fetches(),
        two.jwks_fetches()
    );
}

#[tokio::test]
async fn same_issuer_twice_is_a_configuration_error() {
    let kinde = Environment::start().await;
    let refused = Verifier::any_of([verifier(&kinde), verifier(&kinde)]).unwrap_err();
    assert_eq!(refused.problems()[0].code(), "issuer_repeated");
    assert_eq!(Verifier::any_of([]).unwrap_err().problems()[0].code(), "verifiers_empty");
}

/// covers: B9
#[tokio::test]
async fn issuer_whose_keys_are_not_here_yet_is_asked_though_the_other_refuses() {
    let (one, two) = two_with_keys_of_their_own().await;
    let first = verifier(&one);
    // It has asked for unknown key IDs, and asks for no other one for a while.
    for _ in 0..3 {
        assert_eq!(code(&first, &one.person("mallory").wrong().random_kid()).await, "key_unknown");
    }
    let refused = first.verify_at_hand(&two.person("alice").access_token()).unwrap().unwrap_err();
    assert_eq!(refused.code(), "key_unknown");
    let both = Verifier::any_of([first, verifier(&two)]).unwrap();
    assert!(both.verify_at_hand(&two.person("alice").access_token()).is_none());
    assert_eq!(code(&both, &two.person("alice").access_token()).await, "accepted");
}

/// covers: B9
#[tokio::test]
async fn forged_signature_under_a_known_kid_is_refused_without_a_fetch() {
    let (one, two) = two_with_keys_of_their_own().await;
    let forged = one.person("mallory").wrong().tampered_signature();
    let both = Verifier::any_of([verifier(&one), verifier(&two)]).unwrap();
    // The sets are loaded for it; the second one does not know the kid.
    assert_eq!(code(&both, &forged).await, "signature_invalid");
    let refused = both.verify_at_hand(&forged).expect("the key is at hand").unwrap_err();
    assert_eq!((refused.code(), one.jwks_fetches(), two.jwks_fetches()), ("signature_invalid", 1, 1));
}

/// covers: B9
#[tokio::test]
async fn same_kid_with_another_key_does_not_lock_the_second_issuer_out() {
    let (one, two, of_two) = two_with_one_kid().await;
    let first = verifier(&one);
    assert_eq!(code(&first, &one.person("alice").access_token()).await, "accepted");
    let both = Verifier::any_of([first, verifier(&two)]).unwrap();
    // The second set is not here when its first token comes.
    assert!(both.verify_at_hand(&of_two).is_none());
    assert_eq!(code(&both, &of_two).await, "accepted");
    assert_eq!(code(&both, &of_two).await, "accepted");
    assert_eq!(code(&both, &one.person("alice").access_token()).await, "accepted");
}

/// covers: B9
#[tokio::test]
async fn token_is_not_called_forged_while_the_keys_of_its_issuer_are_away() {
    let (one, two, of_two) = two_with_one_kid().await;
    two.pause().await;
    let both = Verifier::any_of([verifier(&one), verifier(&two)]).unwrap();
    assert_eq!(code(&both, &of_two).await, "keys_unavailable");
}

/// Both list one kid, for keys of their own; with a token of the second.
async fn two_with_one_kid() -> (Environment, Environment, String) {
    let (one, two) = (Environment::start().await, Environment::start().await);
    let kid = one.signing_kid();
    for _ in 0..3 {
        two.rotate_keys();
    }
    let signing = two.signing_kid();
    let renamed = two.jwks().replace(&kid, "retired").replace(&signing, &kid);
    two.fault("/.well-known/jwks", kinde_emulator::Fault::json(200, renamed));
    let header = serde_json::json!({"alg": "RS256", "kid": kid, "typ": "JWT"});
    let claims = two.person("bob").access_token();
    let payload = claims.split('.').nth(1).unwrap();
    let payload = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, payload).unwrap();
    let of_two = two.sign_raw(header.to_string().as_bytes(), &payload);
    (one, two, of_two)
}
