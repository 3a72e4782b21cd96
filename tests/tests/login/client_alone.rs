//! The OAuth client without routes and sessions, as a program on somebody's own machine uses it.

use std::sync::Arc;

use kinde_core::{DefaultClient, Endpoints, ExpectedIdToken, Identity, Issuer, Kinde, Secret, Settings};
use kinde_emulator::Environment;
use kinde_login::OAuthClient;

const REDIRECT_URI: &str = "http://127.0.0.1:8250/callback";

async fn start() -> (Arc<Environment>, OAuthClient) {
    let kinde = Environment::start().await;
    kinde.allow_callback(REDIRECT_URI);
    let issuer = Issuer::new(kinde.issuer()).unwrap();
    let secret = Some(Secret::new(kinde.client_secret()));
    let http = DefaultClient::new().unwrap();
    let client = OAuthClient::new(Endpoints::new(&issuer), kinde.client_id(), secret, http);
    (Arc::new(kinde), client)
}

/// covers: F1 F2 F3
#[tokio::test]
async fn person_signs_in_is_refreshed_and_signs_out_with_the_client_alone() {
    let (kinde, client) = start().await;
    let alice = kinde.person("alice");
    let request = client.authorization_request(
        REDIRECT_URI,
        &["openid", "profile", "email", "offline"],
        // What the protocol needs is not the caller's to change.
        &[
            ("login_hint", "alice@example.test"),
            ("state", "chosen"),
            ("redirect_uri", "https://evil.example"),
        ],
    );
    assert!(request.url().contains("login_hint=alice%40example.test"), "{}", request.url());
    assert!(!request.url().contains("chosen") && !request.url().contains("evil"), "{}", request.url());
    let came_back = kinde.sign_in(request.url(), &alice).unwrap();
    let query = came_back.split_once('?').unwrap().1;
    let code = client.authorization_answer(query, request.state()).unwrap();
    let answer = client.exchange_code(&code, REDIRECT_URI, request.code_verifier()).await.unwrap();

    let settings = [("KINDE_ISSUER_URL", kinde.issuer()), ("KINDE_CLIENT_ID", kinde.client_id())];
    let handle = Kinde::from_settings(Settings::from_variables(settings).unwrap()).unwrap();
    let access = handle.verifier().build().unwrap().verify(answer.untrusted_access_token.expose()).await;
    assert!(matches!(access, Ok(Identity::User(user)) if user.id() == alice.id()));
    let expected = ExpectedIdToken::of_sign_in(request.nonce().expose())
        .with_access_token(answer.untrusted_access_token.expose());
    let id_token = answer.untrusted_id_token.unwrap();
    let id_token = handle.id_token_verifier().unwrap().verify(id_token.expose(), expected).await.unwrap();
    assert_eq!(id_token.id(), alice.id());

    let refreshed = client.refresh(&answer.refresh_token.unwrap()).await.unwrap();
    client.revoke(refreshed.refresh_token.as_ref().unwrap()).await.unwrap();
    let refused = client.refresh(&refreshed.refresh_token.unwrap()).await.unwrap_err();
    assert_eq!(refused.code(), "grant_refused");
    let logout = client.logout_url("https://app.example.com/?bye=1&x=2");
    let expected =
        format!("{}/logout?redirect=https%3A%2F%2Fapp.example.com%2F%3Fbye%3D1%26x%3D2", kinde.issuer());
    assert_eq!(logout, expected);
}

/// covers: F2 F3 F8
#[tokio::test]
async fn answer_to_another_request_or_of_another_issuer_gives_no_code() {
    let (kinde, client) = start().await;
    let [request, other] = [(); 2].map(|()| client.authorization_request(REDIRECT_URI, &["openid"], &[]));
    let values = [&request, &other]
        .map(|request| [request.state(), request.nonce(), request.code_verifier()].map(Secret::expose));
    let all: std::collections::BTreeSet<_> = values.concat().into_iter().collect();
    assert_eq!(all.len(), 6, "no two values are the same");
    let came_back = kinde.sign_in(request.url(), &kinde.person("alice")).unwrap();
    let query = came_back.split_once('?').unwrap().1;
    let code = |query: &str, state: &Secret| {
        client.authorization_answer(query, state).map(drop).map_err(|error| error.code())
    };
    assert_eq!(code(query, request.state()), Ok(()));
    assert_eq!(code(query, other.state()), Err("flow_unknown"));
    assert_eq!(code("code=a", request.state()), Err("flow_unknown"), "without a state");
    assert_eq!(code("code=a", &Secret::new("")), Err("flow_unknown"), "without a state on either side");
    assert_eq!(
        code(&format!("{query}&iss=https://evil.example"), request.state()),
        Err("response_issuer_mismatch")
    );
    let denied = format!("error=access_denied&state={}", request.state().expose());
    assert_eq!(code(&denied, request.state()), Err("provider_error"));
    assert_eq!(
        code(&denied, other.state()),
        Err("flow_unknown"),
        "nobody's words but those of Kinde's answer"
    );
}
