//! Refused requests: each code of `AuthError` is provoked, through the public API alone.

use std::{collections::BTreeSet, time::Duration};

use axum::{Router, body::Body, routing::get};
use http::Request;
use kinde_axum::{AuthUser, KindeLayer, OrgCode, permissions};
use kinde_core::{
    AuthError, AuthErrorKind, AuthReason, ExpectedIdToken, IdTokenVerifier, Issuer, Jwks, ManualClock,
    Requirement, Verdict, Verifier, VerifierBuilder,
};
use kinde_emulator::Environment;
use serde_json::json;
use tower::ServiceExt;

use crate::document;

permissions! {
    /// May do everything.
    pub Everything = "admin:all";
}

/// An environment with a registered API, its keys held fixed, and clocks set by hand.
struct Stage {
    kinde: Environment,
}

impl Stage {
    async fn set() -> Self {
        let kinde = Environment::builder().with_audience(API).start().await;
        kinde.set_time(NOW);
        Self { kinde }
    }

    fn issuer(&self) -> Issuer {
        Issuer::new(self.kinde.issuer()).unwrap()
    }

    fn jwks(&self) -> Jwks {
        Jwks::from_static_json(self.issuer(), &self.kinde.jwks()).unwrap()
    }

    fn builder(&self) -> VerifierBuilder {
        Verifier::builder(self.jwks()).with_clock(ManualClock::at_unix_seconds(NOW))
    }

    /// Asks a route of an API that demands one thing or another.
    async fn ask(&self, path: &str, authorization: &[&str]) -> Option<AuthError> {
        let verifier = self.builder().with_audience(API).build().unwrap();
        let app = Router::new()
            .route("/me", get(async |user: AuthUser| user.id().to_owned()))
            .route("/org", get(async |org: OrgCode| org.to_string()))
            .route("/org/ensure", get(async |org: OrgCode| org.ensure("org_\"another\n").map(|()| "fine")))
            .route("/admin", get(async |_: kinde_axum::RequirePermission<Everything>| "done"))
            .layer(KindeLayer::new(verifier).accept_machines())
            .route("/bare", get(async |user: AuthUser| user.id().to_owned()));
        let mut request = Request::get(path);
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        response.extensions().get::<AuthError>().cloned()
    }

    async fn ask_as(&self, path: &str, token: &str) -> Option<AuthError> {
        self.ask(path, &[&format!("Bearer {token}")]).await
    }
}

/// Tells what a verifier says of a token, and that it does not repeat it.
fn refused(verifier: VerifierBuilder, token: &str) -> Option<AuthError> {
    let error = verifier.build().unwrap().verify_at_hand(token).unwrap().err()?;
    for text in [error.to_string(), format!("{error:?} {error:#?}")] {
        for segment in token.split('.').filter(|segment| segment.len() > 20) {
            assert!(!text.contains(segment), "{text}");
        }
    }
    Some(error)
}

/// Provokes every code that a request can meet, through the public API alone.
pub(crate) async fn provoked() -> Vec<(&'static str, AuthErrorKind, Option<AuthError>)> {
    use AuthErrorKind as Kind;
    let stage = Stage::set().await;
    let kinde = &stage.kinde;
    let alice = kinde.person("alice").with_audience(API);
    let (good, wrong, kid) = (alice.access_token(), alice.wrong(), kinde.signing_kid());
    let api = || stage.builder().with_audience(API);
    let application = || stage.builder().with_application(kinde.client_id());
    let header = json!({"alg": "RS256", "kid": kid, "typ": "JWT"});
    let machine = kinde.machine("billing").with_audience(API).access_token();
    let many = [good.as_str(); 2].map(|token| format!("Bearer {token}"));
    let invalid = Kind::InvalidToken;
    let denied = Kind::InsufficientScope;
    let mut rows = vec![
        ("credential_missing", Kind::CredentialMissing, stage.ask("/me", &[]).await),
        (
            "authorization_repeated",
            Kind::InvalidRequest,
            stage.ask("/me", &many.each_ref().map(String::as_str)).await,
        ),
        ("authorization_malformed", Kind::InvalidRequest, stage.ask("/me", &["Bearer"]).await),
        ("token_too_long", invalid, refused(api().with_token_limit_bytes(good.len() - 1), &good)),
        ("token_malformed", invalid, refused(api(), &wrong.two_parts())),
        ("token_encrypted", invalid, refused(api(), &wrong.five_parts())),
        ("header_malformed", invalid, refused(api(), &wrong.critical_header())),
        ("algorithm_not_allowed", invalid, refused(api(), &wrong.alg_none_signed())),
        ("type_not_allowed", invalid, refused(api(), &wrong.other_type("dpop+jwt"))),
        ("key_unknown", invalid, refused(api(), &wrong.unknown_kid())),
        ("signature_invalid", invalid, refused(api(), &wrong.tampered_signature())),
        ("claims_malformed", invalid, refused(api(), &kinde.sign_raw(header.to_string().as_bytes(), b"[]"))),
        ("claim_missing", invalid, refused(api(), &wrong.without_exp())),
        ("claim_type", invalid, refused(api(), &wrong.issuer_array())),
        ("token_expired", invalid, refused(api(), &wrong.expired())),
        ("token_not_yet_valid", invalid, refused(api(), &wrong.not_yet_valid())),
        (
            "token_too_old",
            invalid,
            refused(
                api().with_max_token_age(Duration::from_secs(60)),
                &alice.issued_at(NOW - 120).access_token(),
            ),
        ),
        ("issuer_mismatch", invalid, refused(api(), &wrong.foreign_issuer())),
        ("audience_absent", invalid, refused(api(), &kinde.person("alice").access_token())),
        ("audience_mismatch", invalid, refused(api(), &wrong.foreign_audience())),
        ("application_mismatch", invalid, refused(application(), &wrong.foreign_application())),
        ("wrong_token_kind", invalid, refused(api(), &alice.id_token())),
        ("machine_unbound", invalid, refused(application(), &machine)),
        ("token_kind_uncertain", invalid, refused(application(), &wrong.without("scp"))),
        (
            "organization_mismatch",
            denied,
            refused(api().with_org_code("org_1"), &alice.in_org("acme").access_token()),
        ),
        ("scope_missing", denied, refused(api().with_scope("read:\"all\""), &good)),
        (
            "claim_malformed",
            denied,
            stage.ask_as("/org", &alice.with_claim("org_code", json!(["org_1"])).access_token()).await,
        ),
        ("organization_absent", denied, stage.ask_as("/org", &alice.without_org().access_token()).await),
        ("caller_kind", denied, stage.ask_as("/me", &machine).await),
        ("requirement_denied", denied, stage.ask_as("/admin", &good).await),
        ("layer_missing", Kind::Misconfigured, stage.ask_as("/bare", &good).await),
        (
            "organization_mismatch",
            denied,
            stage.ask_as("/org/ensure", &alice.in_org("acme").access_token()).await,
        ),
    ];
    rows.extend(provoked_by_keys(&stage).await);
    rows.extend(provoked_by_sign_in(&stage).await);
    rows
}

async fn provoked_by_keys(stage: &Stage) -> Vec<(&'static str, AuthErrorKind, Option<AuthError>)> {
    let wrong = stage.kinde.person("alice").wrong();
    stage.kinde.rotate_keys();
    let two_keys = refused(stage.builder().with_audience(API), &wrong.without_kid());
    stage.kinde.pause().await;
    let jwks = Jwks::builder(stage.issuer()).build().unwrap();
    let verifier = Verifier::builder(jwks).with_audience(API).build().unwrap();
    let unavailable = verifier.verify(&stage.kinde.person("alice").access_token()).await.err();
    vec![
        ("key_id_missing", AuthErrorKind::InvalidToken, two_keys),
        ("keys_unavailable", AuthErrorKind::KeysUnavailable, unavailable),
    ]
}

async fn provoked_by_sign_in(stage: &Stage) -> Vec<(&'static str, AuthErrorKind, Option<AuthError>)> {
    let alice = stage.kinde.person("alice").with_nonce("n-1");
    let token = alice.id_token();
    let verifier = IdTokenVerifier::new(stage.jwks(), stage.kinde.client_id())
        .unwrap()
        .with_clock(ManualClock::at_unix_seconds(NOW));
    let other_nonce = ExpectedIdToken::of_sign_in("n-2");
    let other_access_token = ExpectedIdToken::of_refresh(None).with_access_token("a.b.c");
    let invalid = AuthErrorKind::InvalidToken;
    vec![
        ("nonce_mismatch", invalid, verifier.verify(&token, other_nonce).await.err()),
        ("access_token_hash_mismatch", invalid, verifier.verify(&token, other_access_token).await.err()),
    ]
}

/// covers: I4
#[tokio::test]
async fn every_code_of_a_refusal_is_provoked_and_reads_well() {
    let mut provoked_codes = BTreeSet::new();
    for (code, kind, error) in provoked().await {
        let error = error.unwrap_or_else(|| panic!("{code} was not provoked"));
        assert_eq!((error.code(), error.kind()), (code, kind));
        assert_eq!(error.reason().code(), code);
        let text = error.to_string();
        assert!(text.ends_with(&format!(" [{code}]")), "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
        // Messages: lower case (but for a name), no full stop, no chains of failures.
        assert!(!text.contains("failed to") && !text.contains(". ["), "{text}");
        assert!(!error.fix().is_empty() && !error.fix().ends_with('.'), "{}", error.fix());
        assert_eq!(error.is_temporary(), kind == AuthErrorKind::KeysUnavailable, "{code}");
        provoked_codes.insert(code.to_owned());
    }
    assert_eq!(provoked_codes, document::codes_of_reasons());
}

/// covers: C7
#[tokio::test]
async fn denial_shows_its_tree_and_nothing_of_the_token() {
    let stage = Stage::set().await;
    let token = stage.kinde.person("alice").with("secret:permission").with_audience(API).access_token();
    let verifier = stage.builder().with_audience(API).build().unwrap();
    let identity = verifier.verify_at_hand(&token).unwrap().unwrap();
    let requirement = Requirement::permission("a\n\"b").and(Requirement::role("c").negated());
    let error = requirement.check(&identity).unwrap_err();
    let AuthReason::Denied(denial) = error.reason() else { panic!("{error}") };
    let text = r#"all of denied (permission "a\n\"b" denied, not granted (role "c" denied))"#;
    assert_eq!((denial.to_string().as_str(), denial.requirement()), (text, "all of"));
    let parts: Vec<_> = denial.parts().iter().map(|part| (part.requirement(), part.verdict())).collect();
    assert_eq!(parts, [(r#"permission "a\n\"b""#, Verdict::Denied), ("not", Verdict::Granted)]);
    assert_eq!(format!("{requirement:?}"), r#"Requirement((permission "a\n\"b" and not role "c"))"#);
    assert!(error.to_string().contains(text), "{error}");
    assert!(!error.to_string().contains("secret:permission"), "{error}");
}

const API: &str = "https://api.acme.example";
const NOW: u64 = 1_790_000_000;
