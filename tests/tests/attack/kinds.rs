//! All tokens are signed by the same keys with the same header: each verifier refuses the other kinds.

use kinde_core::{AuthReason, ExpectedIdToken, IdTokenVerifier, TokenKind};
use serde_json::json;

use crate::{API, Stage, code, judged, reason};

/// covers: C5 C8
#[tokio::test]
async fn api_takes_access_tokens_and_no_other_kind() {
    let stage = Stage::set().await;
    let (alice, billing) = (stage.kinde.person("alice"), stage.kinde.machine("billing"));
    let webhook = stage.kinde.webhook_token("user.created", json!({"user": {"id": "kp_1"}}));
    for (name, token, by_audience, by_application) in [
        ("user", alice.clone().with_audience(API).access_token(), "accepted", "accepted"),
        ("machine", billing.with_audience(API).access_token(), "accepted", "machine_unbound"),
        ("ID token", alice.id_token(), "wrong_token_kind", "wrong_token_kind"),
        (
            "ID token for the API",
            alice.clone().with_claim("aud", json!([API])).id_token(),
            "wrong_token_kind",
            "wrong_token_kind",
        ),
        ("webhook", webhook, "wrong_token_kind", "wrong_token_kind"),
    ] {
        assert_eq!(code(&stage.by_audience(), &token), by_audience, "{name}, bound by audience");
        assert_eq!(code(&stage.by_application(), &token), by_application, "{name}, bound by application");
    }
}

/// covers: F7
#[tokio::test]
async fn sign_in_takes_id_tokens_and_no_other_kind() {
    let stage = Stage::set().await;
    let verifier =
        IdTokenVerifier::new(stage.jwks(), stage.kinde.client_id()).unwrap().with_clock(stage.clock.clone());
    let (alice, billing) = (stage.kinde.person("alice"), stage.kinde.machine("billing"));
    let webhook = stage.kinde.webhook_token("user.created", json!({"user": {"id": "kp_1"}}));
    for (name, token, expected) in [
        ("ID token", alice.id_token(), "accepted"),
        ("user", alice.access_token(), "wrong_token_kind"),
        (
            "user for the application",
            alice.clone().with_audience(stage.kinde.client_id()).access_token(),
            "wrong_token_kind",
        ),
        ("machine", billing.with_audience(stage.kinde.client_id()).access_token(), "wrong_token_kind"),
        ("webhook", webhook, "wrong_token_kind"),
    ] {
        let judged = verifier.verify(&token, ExpectedIdToken::of_refresh(None)).await;
        assert_eq!(judged.map_or_else(|error| error.code(), |_| "accepted"), expected, "{name}");
    }
}

/// covers: F7
#[tokio::test]
async fn id_token_is_bound_to_its_application_nonce_and_access_token() {
    let stage = Stage::set().await;
    let verifier =
        IdTokenVerifier::new(stage.jwks(), stage.kinde.client_id()).unwrap().with_clock(stage.clock.clone());
    let alice = stage.kinde.person("alice").with_nonce("n-1");
    let access_token = alice.access_token();
    let token = alice.id_token_for(&access_token);
    let good = ExpectedIdToken::of_sign_in("n-1").with_access_token(&access_token);
    let issued_ago = |seconds: u64| {
        let issued_at = stage.kinde.now() - seconds;
        alice.clone().with_claim("iat", issued_at).id_token_for(&access_token)
    };
    for (name, token, expected, outcome) in [
        ("as issued", token.clone(), good, "accepted"),
        (
            "another nonce",
            token.clone(),
            ExpectedIdToken::of_sign_in("n-2").with_access_token(&access_token),
            "nonce_mismatch",
        ),
        ("no nonce", stage.kinde.person("alice").id_token(), good, "claim_missing"),
        (
            "another nonce, of a refresh",
            token.clone(),
            ExpectedIdToken::of_refresh(Some("n-2")),
            "nonce_mismatch",
        ),
        (
            "no nonce, of a refresh",
            stage.kinde.person("alice").id_token(),
            ExpectedIdToken::of_refresh(Some("n-1")),
            "accepted",
        ),
        (
            "another access token",
            token.clone(),
            good.with_access_token("a.b.c"),
            "access_token_hash_mismatch",
        ),
        ("no at_hash", alice.clone().without_claim("at_hash").id_token_for(&access_token), good, "accepted"),
        (
            "another application",
            alice.clone().with_client_id("0".repeat(32)).id_token(),
            good,
            "application_mismatch",
        ),
        (
            "another audience",
            alice.clone().with_claim("aud", json!(["other"])).id_token(),
            good,
            "audience_mismatch",
        ),
        ("another azp", alice.clone().with_claim("azp", "other").id_token(), good, "application_mismatch"),
        (
            "issuer as audience",
            alice.clone().with_claim("aud", json!([stage.kinde.issuer()])).id_token_for(&access_token),
            good,
            "accepted",
        ),
        ("expired", alice.expired().id_token(), good, "token_expired"),
        ("issued an hour ago", issued_ago(3_600 + 59), good, "accepted"),
        ("issued longer ago", issued_ago(3_600 + 60), good, "token_too_old"),
        (
            "issued longer ago, of a refresh",
            issued_ago(3_600 + 60),
            ExpectedIdToken::of_refresh(Some("n-1")),
            "accepted",
        ),
        ("without iat", alice.clone().without_claim("iat").id_token(), good, "claim_missing"),
    ] {
        let judged = verifier.verify(&token, expected).await;
        assert_eq!(judged.map_or_else(|error| error.code(), |_| "accepted"), outcome, "{name}");
    }
}

#[tokio::test]
async fn contradictory_and_foreign_kinds_are_refused() {
    let stage = Stage::set().await;
    let alice = stage.kinde.person("alice").with_audience(API);
    for (name, token, expected) in [
        (
            "machine with a subject",
            alice.clone().with_claim("gty", json!(["client_credentials"])).access_token(),
            "token_kind_uncertain",
        ),
        (
            "gty as a string",
            alice.clone().with_claim("gty", "client_credentials").access_token(),
            "token_kind_uncertain",
        ),
        ("logout token", alice.clone().with_claim("events", json!({})).access_token(), "wrong_token_kind"),
        ("auth_time", alice.clone().with_claim("auth_time", 1).access_token(), "wrong_token_kind"),
        ("rat", alice.clone().with_claim("rat", 1).access_token(), "wrong_token_kind"),
        ("nonce", alice.clone().with_claim("nonce", "n").access_token(), "wrong_token_kind"),
        (
            "webhook claims",
            alice
                .clone()
                .with_claim("type", "x")
                .with_claim("data", json!({}))
                .with_claim("event_id", "e")
                .access_token(),
            "wrong_token_kind",
        ),
        // A workflow may write these two: alone they prove nothing.
        (
            "type and data of a workflow",
            alice.clone().with_claim("type", "x").with_claim("data", json!({})).access_token(),
            "accepted",
        ),
    ] {
        assert_eq!(code(&stage.by_audience(), &token), expected, "{name}");
    }
}

/// covers: C5
#[tokio::test]
async fn user_token_needs_a_subject() {
    let stage = Stage::set().await;
    let alice = stage.kinde.person("alice");
    let verifier = stage.by_application();
    assert_eq!(code(&verifier, &alice.access_token()), "accepted");
    assert_eq!(code(&verifier, &alice.clone().with_claim("sub", "").access_token()), "claim_type");
    assert_eq!(code(&verifier, &alice.clone().without_claim("sub").access_token()), "claim_missing");
}

#[tokio::test]
async fn token_without_scopes_is_taken_where_an_audience_separates_it_from_an_id_token() {
    let stage = Stage::set().await;
    let bare = stage.kinde.person("alice").with_audience(API).without_claim("scp");
    assert_eq!(code(&stage.by_audience(), &bare.access_token()), "accepted");
    assert_eq!(code(&stage.by_application(), &bare.access_token()), "token_kind_uncertain");
    let device = bare.with_claim("scope", "");
    assert_eq!(code(&stage.by_application(), &device.access_token()), "accepted");
}

#[tokio::test]
async fn refusal_names_both_kinds() {
    let stage = Stage::set().await;
    let refused = reason(&stage.by_audience(), &stage.kinde.person("alice").id_token());
    assert_eq!(refused, AuthReason::WrongKind { expected: TokenKind::User, found: TokenKind::Id });
}

#[tokio::test]
async fn machine_is_an_identity_of_its_own_kind() {
    let stage = Stage::set().await;
    let billing = stage.kinde.machine("billing").with_audience(API).with_scope("read:invoices");
    let identity = judged(&stage.by_audience(), &billing.access_token()).unwrap();
    assert!(identity.user().is_none());
    let machine = identity.machine().unwrap();
    assert_eq!(machine.client_id(), billing.client_id());
    assert_eq!(machine.scopes().collect::<Vec<_>>(), ["read:invoices"]);
}
