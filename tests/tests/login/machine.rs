//! The application calls other APIs as itself.

use std::time::Duration;

use http::{Request, Response, header::AUTHORIZATION};
use kinde_core::{DefaultClient, Endpoints, Issuer, ManualClock, Secret};
use kinde_emulator::{Environment, Fault};
use kinde_login::{MachineTokens, OAuthClient};
use tower::{Layer, ServiceExt, service_fn};

const AUDIENCE: &str = "https://api.example.test";

async fn tokens() -> (Environment, ManualClock, MachineTokens) {
    let kinde = Environment::builder().with_audience(AUDIENCE).start().await;
    let issuer = Issuer::new(kinde.issuer()).unwrap();
    let secret = Some(Secret::new(kinde.client_secret()));
    let client =
        OAuthClient::new(Endpoints::new(&issuer), kinde.client_id(), secret, DefaultClient::new().unwrap());
    let clock = ManualClock::at_unix_seconds(kinde.now());
    let tokens = MachineTokens::new(client, AUDIENCE).with_clock(clock.clone());
    (kinde, clock, tokens)
}

#[tokio::test]
async fn token_is_fetched_once_for_many_calls_and_again_before_it_ends() {
    let (kinde, clock, tokens) = tokens().await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let tokens = tokens.clone();
        asking.spawn(async move { tokens.token().await.unwrap().expose().to_owned() });
    }
    let all = asking.join_all().await;
    assert!(all.iter().all(|token| *token == all[0]));
    assert_eq!(kinde.requests("/oauth2/token"), 1);
    clock.advance(Duration::from_secs(86_400 - 62));
    tokens.token().await.unwrap();
    assert_eq!(kinde.requests("/oauth2/token"), 1, "a second before it is replaced");
    clock.advance(Duration::from_secs(1));
    tokens.token().await.unwrap();
    assert_eq!(kinde.requests("/oauth2/token"), 2);
}

#[tokio::test]
async fn late_refusal_of_an_old_token_does_not_forget_the_new_one() {
    let (kinde, clock, tokens) = tokens().await;
    let old = tokens.token().await.unwrap();
    clock.advance(Duration::from_secs(86_400));
    kinde.set_time(kinde.now() + 86_400);
    let new = tokens.token().await.unwrap();
    assert_ne!(old, new);
    tokens.forget(&old);
    assert_eq!(tokens.token().await.unwrap(), new);
    assert_eq!(kinde.requests("/oauth2/token"), 2);
    tokens.forget(&new);
    tokens.token().await.unwrap();
    assert_eq!(kinde.requests("/oauth2/token"), 3);
}

#[tokio::test]
async fn failure_is_told_and_not_remembered() {
    let (kinde, _, tokens) = tokens().await;
    kinde.fault("/oauth2/token", Fault::Status(503).times(1));
    assert_eq!(tokens.token().await.unwrap_err().code(), "answer_status");
    assert!(tokens.token().await.is_ok());
}

#[tokio::test]
async fn layer_adds_the_token_to_requests_without_one() {
    let (_kinde, _, tokens) = tokens().await;
    let api = service_fn(async |request: Request<()>| {
        let sent = request.headers()[AUTHORIZATION].to_str().unwrap().to_owned();
        Ok::<_, std::io::Error>(Response::new(sent))
    });
    let client = tokens.layer().layer(api);
    let expected = format!("Bearer {}", tokens.token().await.unwrap().expose());
    let answer = client.clone().oneshot(Request::new(())).await.unwrap();
    assert_eq!(*answer.body(), expected);
    let own = Request::builder().header(AUTHORIZATION, "Bearer own").body(()).unwrap();
    assert_eq!(client.oneshot(own).await.unwrap().body(), "Bearer own");
}

/// covers: F12
#[tokio::test]
async fn credentials_go_to_the_configured_origin_and_no_further() {
    let (kinde, _, tokens) = tokens().await;
    let elsewhere = Environment::start().await;
    for (fault, code) in [
        (Fault::Redirect(format!("{}/oauth2/token", elsewhere.url())), "answer_status"),
        (Fault::EndlessBody, "provider_unreachable"),
    ] {
        kinde.fault("/oauth2/token", fault.times(1));
        assert_eq!(tokens.token().await.unwrap_err().code(), code);
    }
    assert!(elsewhere.recent_requests().is_empty());
    assert!(tokens.token().await.is_ok());
}
