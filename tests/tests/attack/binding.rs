//! A token for somebody else.

use kinde_core::{AuthReason, ConfigError, Kinde, Settings};
use serde_json::json;

use crate::{API, Stage, code, reason};

/// covers: C3
#[tokio::test]
async fn audience_is_demanded_when_one_is_configured() {
    let stage = Stage::set().await;
    let verifier = stage.by_audience();
    let with = |aud| stage.kinde.person("alice").with_claim("aud", aud).access_token();
    for (name, token, expected) in [
        ("ours", with(json!([API])), "accepted"),
        ("ours as a string", with(json!(API)), "accepted"),
        ("ours among others", with(json!(["https://x.example", API])), "accepted"),
        ("none", with(json!([])), "audience_absent"),
        ("absent", stage.kinde.person("alice").without_claim("aud").access_token(), "audience_absent"),
        ("another", with(json!(["https://x.example"])), "audience_mismatch"),
        ("a prefix", with(json!(["https://api.acme"])), "audience_mismatch"),
        ("with a slash", with(json!([format!("{API}/")])), "audience_mismatch"),
        ("another case", with(json!(["https://API.acme.example"])), "audience_mismatch"),
        ("joined by a space", with(json!(format!("https://x.example {API}"))), "audience_mismatch"),
        ("a number", with(json!(7)), "claim_type"),
        ("null", with(json!(null)), "claim_type"),
    ] {
        assert_eq!(code(&verifier, &token), expected, "{name}");
    }
}

/// covers: C3
#[tokio::test]
async fn any_and_all_audiences_are_told_apart() {
    let stage = Stage::set().await;
    let both = [API, "https://billing.acme.example"];
    let any = stage.builder().with_any_audience(both).build().unwrap();
    let all = stage.builder().with_all_audiences(both).build().unwrap();
    let one = stage.kinde.person("alice").with_claim("aud", json!([API])).access_token();
    let two = stage.kinde.person("alice").with_claim("aud", json!(both)).access_token();
    assert_eq!((code(&any, &one), code(&all, &one)), ("accepted", "audience_mismatch"));
    assert_eq!((code(&any, &two), code(&all, &two)), ("accepted", "accepted"));
}

#[tokio::test]
async fn refusal_of_a_token_without_an_audience_teaches_how_to_request_one() {
    let stage = Stage::set().await;
    let refused = reason(&stage.by_audience(), &stage.kinde.person("alice").access_token());
    assert!(matches!(refused, AuthReason::AudienceAbsent { .. }));
    let message = refused.to_string();
    for word in ["no audience", "register the API in Kinde", "request it at login", "KINDE_AUDIENCE", API] {
        assert!(message.contains(word), "{word}: {message}");
    }
}

/// covers: C3 C8
#[tokio::test]
async fn token_of_another_application_is_refused_where_no_audience_separates_them() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let alice = stage.kinde.person("alice");
    for (name, token, expected) in [
        ("ours", alice.access_token(), "accepted"),
        ("another", alice.wrong().foreign_application(), "application_mismatch"),
        ("absent", alice.clone().without_claim("azp").access_token(), "claim_missing"),
        ("empty", alice.clone().with_claim("azp", "").access_token(), "application_mismatch"),
        (
            "a list",
            alice.clone().with_claim("azp", json!([stage.kinde.client_id()])).access_token(),
            "claim_type",
        ),
    ] {
        assert_eq!(code(&verifier, &token), expected, "{name}");
    }
}

/// covers: C2
#[tokio::test]
async fn issuer_is_compared_byte_for_byte() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let wrong = stage.kinde.person("alice").wrong();
    for (name, token, expected) in [
        ("another", wrong.foreign_issuer(), "issuer_mismatch"),
        ("with a slash", wrong.issuer_with_slash(), "issuer_mismatch"),
        ("upper case", wrong.saying("iss", stage.kinde.issuer().to_uppercase()), "issuer_mismatch"),
        (
            "a longer one",
            wrong.saying("iss", format!("{}.evil.example", stage.kinde.issuer())),
            "issuer_mismatch",
        ),
        ("a list", wrong.issuer_array(), "claim_type"),
        ("absent", wrong.without_issuer(), "claim_missing"),
    ] {
        assert_eq!(code(&verifier, &token), expected, "{name}");
    }
}

/// covers: C8
#[tokio::test]
async fn demanded_organization_and_scope_are_checked() {
    let stage = Stage::set().await;
    let acme = stage.kinde.org("acme");
    let alice = stage.kinde.person("alice").in_org("acme");
    let bob = stage.kinde.person("bob").without_org();
    let verifier = |builder: kinde_core::VerifierBuilder| {
        builder.with_application(stage.kinde.client_id()).build().unwrap()
    };
    let of_acme = verifier(stage.builder().with_org_code(acme.code()));
    assert_eq!(code(&of_acme, &alice.access_token()), "accepted");
    assert_eq!(code(&of_acme, &bob.access_token()), "organization_mismatch");
    assert_eq!(
        code(&of_acme, &alice.clone().with_claim("org_code", json!([acme.code()])).access_token()),
        "organization_mismatch"
    );
    let reading = verifier(stage.builder().with_scope("read:x"));
    assert_eq!(code(&reading, &alice.clone().with_scope("read:x").access_token()), "accepted");
    assert_eq!(code(&reading, &alice.clone().with_scope("read:xy").access_token()), "scope_missing");
    assert_eq!(code(&reading, &alice.with_claim("scope", "write:x read:x").access_token()), "accepted");
}

/// covers: C3
#[tokio::test]
async fn verifier_bound_by_nothing_cannot_be_built_under_a_harmless_name() {
    let stage = Stage::set().await;
    let codes =
        |error: ConfigError| error.problems().iter().map(|problem| problem.code()).collect::<Vec<_>>();
    assert_eq!(stage.builder().build().map_err(codes).unwrap_err(), ["verifier_unbound"]);
    assert_eq!(stage.builder().with_audience("").build().map_err(codes).unwrap_err(), ["audience_empty"]);
    assert_eq!(
        stage.builder().with_any_audience([""; 0]).build().map_err(codes).unwrap_err(),
        ["audience_empty"]
    );
    assert_eq!(
        stage.builder().with_application("").build().map_err(codes).unwrap_err(),
        ["application_empty"]
    );
    let unbound = stage.builder().insecure_unbound().build().unwrap();
    assert_eq!(code(&unbound, &stage.kinde.person("alice").wrong().foreign_application()), "accepted");
}

#[tokio::test]
async fn environment_variables_bind_by_audience_first_and_by_application_otherwise() {
    let stage = Stage::set().await;
    let alice = stage.kinde.person("alice");
    let verifier = |variables: &[(&str, &str)]| {
        let issuer = [("KINDE_ISSUER_URL", stage.kinde.issuer())];
        let settings = Settings::from_variables(issuer.into_iter().chain(variables.iter().copied())).unwrap();
        Kinde::with_jwks(settings, stage.jwks()).unwrap().verifier().with_clock(stage.clock.clone()).build()
    };
    let other = format!("x,{API}");
    let audience = verifier(&[("KINDE_AUDIENCE", &other), ("KINDE_CLIENT_ID", "somebody")]).unwrap();
    assert_eq!(code(&audience, &alice.clone().with_audience(API).access_token()), "accepted");
    assert_eq!(code(&audience, &alice.access_token()), "audience_absent");
    // Equal to naming them in code: see the next story.
    let application = verifier(&[("KINDE_CLIENT_ID", stage.kinde.client_id())]).unwrap();
    assert_eq!(code(&application, &alice.access_token()), "accepted");
    assert!(verifier(&[]).is_err());
}

/// covers: C3 C8
#[tokio::test]
async fn application_in_code_narrows_the_audience_of_the_environment() {
    let stage = Stage::set().await;
    let settings =
        [("KINDE_ISSUER_URL", stage.kinde.issuer()), ("KINDE_AUDIENCE", API), ("KINDE_CLIENT_ID", "other")];
    let kinde = Kinde::with_jwks(Settings::from_variables(settings).unwrap(), stage.jwks()).unwrap();
    let verifier = kinde.verifier().with_application(stage.kinde.client_id()).with_clock(stage.clock.clone());
    let verifier = verifier.build().unwrap();
    let alice = stage.kinde.person("alice");
    for (name, token, expected) in [
        ("right application, no audience", alice.access_token(), "audience_absent"),
        ("right both", alice.with_audience(API).access_token(), "accepted"),
        (
            "wrong application",
            alice.with_audience(API).with_client_id("x").access_token(),
            "application_mismatch",
        ),
    ] {
        assert_eq!(code(&verifier, &token), expected, "{name}");
    }
}

/// covers: E7 C7
#[tokio::test]
async fn demands_of_nothing_are_configuration_errors() {
    let stage = Stage::set().await;
    let build = |builder: kinde_core::VerifierBuilder| {
        let error = builder.with_application("x").build().map(drop).unwrap_err();
        error.problems()[0].code()
    };
    assert_eq!(build(stage.builder().with_org_code("")), "org_code_empty");
    assert_eq!(build(stage.builder().with_scope("")), "scope_empty");
    assert_eq!(build(stage.builder().with_audience(stage.kinde.issuer())), "audience_is_issuer");
}
