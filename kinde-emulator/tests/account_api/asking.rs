//! A client of the Account API small enough to read.

use kinde_emulator::Environment;
use reqwest::{Client, Response, StatusCode, header::AUTHORIZATION};
use serde_json::Value;

pub(crate) async fn response(kinde: &Environment, path: &str, authorization: &[&str]) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(format!("{}{path}", kinde.url()));
    for value in authorization {
        request = request.header(AUTHORIZATION, *value);
    }
    request.send().await.unwrap()
}

/// Asks with a token and returns status and body.
pub(crate) async fn asked(kinde: &Environment, path: &str, token: &str) -> (StatusCode, Value) {
    let answer = response(kinde, path, &[&format!("Bearer {token}")]).await;
    (answer.status(), answer.json().await.unwrap())
}

/// Asks the Account API with a token for something that it has.
pub(crate) async fn told(kinde: &Environment, path: &str, token: &str) -> Value {
    let (status, body) = asked(kinde, &format!("/account_api/v1/{path}"), token).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}
