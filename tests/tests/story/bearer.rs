//! A request with a bearer token, from the header to the handler.

use kinde_axum::KindeLayer;
use kinde_emulator::Environment;
use kinde_tests::{api, send, send_bearer, verifier_of};

#[tokio::test]
async fn signed_in_person_reaches_the_handler() {
    let kinde = Environment::start().await;
    let app = api(KindeLayer::new(verifier_of(&kinde)));
    let alice = kinde.person("alice").in_org("acme").with("create:todos");
    let answer = send_bearer(&app, "/me", &alice.access_token()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, alice.id()));
    assert_eq!(send_bearer(&app, "/todos", &alice.access_token()).await.status, 200);
    assert_eq!(kinde.jwks_fetches(), 1);
}

/// covers: D1
#[tokio::test]
async fn request_without_a_credential_is_challenged_without_an_error_code() {
    let kinde = Environment::start().await;
    let app = api(KindeLayer::new(verifier_of(&kinde)));
    let answer = send(&app, "/me", &[]).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.challenge.as_deref(), Some(r#"Bearer realm="api""#));
    assert_eq!(answer.code, Some("credential_missing"));
}

#[tokio::test]
async fn member_without_the_permission_gets_403() {
    let kinde = Environment::start().await;
    let app = api(KindeLayer::new(verifier_of(&kinde)));
    let answer = send_bearer(&app, "/todos", &kinde.person("bob").access_token()).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.challenge.as_deref(), Some(r#"Bearer realm="api", error="insufficient_scope""#));
    assert_eq!(answer.code, Some("requirement_denied"));
}

/// covers: E2
#[tokio::test]
async fn protection_follows_the_route_and_no_spelling_of_a_path_goes_around_it() {
    let kinde = Environment::start().await;
    let app = axum::Router::new()
        .route("/me", axum::routing::get(async || "protected"))
        .route("/files/{*path}", axum::routing::get(async || "protected"))
        .layer(KindeLayer::new(verifier_of(&kinde)))
        .route("/healthz", axum::routing::get(async || "open"));
    assert_eq!(send(&app, "/healthz", &[]).await.body, "open");
    for path in [
        "/me",
        "/me/",
        "//me",
        "/ME",
        "/me?x=/healthz",
        "/me;/healthz",
        "/%6de",
        "/healthz/../me",
        "/me%2f..%2fhealthz",
        "/files/../healthz",
        "/files/%2e%2e/healthz",
        "/files/healthz",
        "/files/.well-known/jwks",
    ] {
        let answer = send(&app, path, &[]).await;
        assert!(answer.status == 401 || answer.status == 404, "{path}: {}", answer.status);
        assert!(!answer.body.contains("protected") && !answer.body.contains("open"), "{path}");
    }
}

/// covers: E4
#[tokio::test]
async fn refused_token_never_becomes_anonymous() {
    let kinde = Environment::start().await;
    let app = api(KindeLayer::new(verifier_of(&kinde)).optional());
    assert_eq!(send(&app, "/hello", &[]).await.body, "nobody");
    let answer = send_bearer(&app, "/hello", &kinde.person("alice").expired().access_token()).await;
    assert_eq!((answer.status, answer.code), (401, Some("token_expired")));
}
