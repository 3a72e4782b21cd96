//! Calls of the other API, with tokens of an emulator.

use example_outgoing::{api, client, machine_of, tokens};
use http::{Request, header::AUTHORIZATION};
use kinde_axum::kinde_login::MachineTokens;
use kinde_emulator::{Environment, Fault};
use reqwest::{Body, Client};
use tokio::{net::TcpListener, task::JoinSet};
use tower::{BoxError, ServiceExt as _};

/// An emulator, the other API, and the source of tokens for it.
async fn start() -> (Environment, String, MachineTokens) {
    let emulator = Environment::start().await;
    let kinde = machine_of(&emulator).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/invoices", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, api(&kinde).unwrap()).into_future());
    (emulator, url, tokens(&kinde).unwrap())
}

async fn call(tokens: MachineTokens, request: http::request::Builder) -> Result<(u16, String), BoxError> {
    let client = client(&tokens, Client::builder().no_proxy().build()?);
    let answer = client.oneshot(request.body(Body::default())?).await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

#[tokio::test]
async fn many_calls_share_one_token() {
    let (emulator, url, tokens) = start().await;
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        calls.spawn(call(tokens.clone(), Request::get(&url)));
    }
    let expected = format!("12 invoices for the application {}", emulator.machine("billing").client_id());
    for answered in calls.join_all().await {
        assert_eq!(answered.unwrap(), (200, expected.clone()));
    }
    assert_eq!(emulator.requests("/oauth2/token"), 1);
}

#[tokio::test]
async fn token_that_the_api_refuses_is_replaced_after_forgetting_it() {
    let (emulator, url, tokens) = start().await;
    let sent = tokens.token().await.unwrap();
    assert_eq!(call(tokens.clone(), Request::get(&url)).await.unwrap().0, 200);
    // However many calls were refused with it.
    for _ in 0..2 {
        tokens.forget(&sent);
        assert_eq!(call(tokens.clone(), Request::get(&url)).await.unwrap().0, 200);
    }
    assert_eq!(emulator.requests("/oauth2/token"), 2);
}

#[tokio::test]
async fn request_with_a_header_of_its_own_keeps_it() {
    let (emulator, url, tokens) = start().await;
    let bob = emulator.person("bob").access_token();
    let request = Request::get(&url).header(AUTHORIZATION, format!("Bearer {bob}"));
    assert_eq!(call(tokens, request).await.unwrap().0, 401, "a token for another audience");
    assert_eq!(emulator.requests("/oauth2/token"), 0);
}

#[tokio::test]
async fn call_without_a_token_is_not_made() {
    let (emulator, url, tokens) = start().await;
    emulator.fault("/oauth2/token", Fault::Status(503));
    let error = call(tokens, Request::get(&url)).await.unwrap_err();
    assert!(error.to_string().ends_with("[answer_status]"), "{error}");
}
