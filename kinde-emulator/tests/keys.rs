//! Keys, tokens and faults, seen from outside over HTTP.

use kinde_emulator::{Environment, Fault};
use serde_json::Value;

async fn fetch(url: &str) -> Value {
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn key_set_is_the_same_under_both_paths_and_is_counted() {
    let kinde = Environment::start().await;
    let plain = fetch(&format!("{}/.well-known/jwks", kinde.issuer())).await;
    let dotted = fetch(&format!("{}/.well-known/jwks.json", kinde.issuer())).await;
    assert_eq!(plain, dotted);
    assert_eq!(plain["keys"][0]["kid"], kinde.signing_kid());
    assert_eq!((kinde.requests("/.well-known/jwks"), kinde.jwks_fetches()), (1, 2));
    kinde.reset_requests();
    assert_eq!(kinde.jwks_fetches(), 0);
    kinde.stop().await;
}

#[tokio::test]
async fn stopped_environment_ends_although_a_request_hangs() {
    let kinde = Environment::start().await;
    kinde.fault("/.well-known/jwks", Fault::Hang);
    let url = format!("{}/.well-known/jwks", kinde.issuer());
    let request = tokio::spawn(async move { reqwest::get(url).await.is_err() });
    while kinde.jwks_fetches() == 0 {
        tokio::task::yield_now().await;
    }
    kinde.stop().await;
    assert!(request.await.unwrap());
}
