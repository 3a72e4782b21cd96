//! Going back to an earlier state, between tests.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(dead_code, reason = "these tests need only part of the browser")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod browser;

use std::time::Duration;

use browser::{Browser, authorization_url, parameter};
use kinde_emulator::{Environment, Fault};

async fn code(kinde: &Environment) -> String {
    let url = authorization_url(kinde, &[("scope", "openid offline")]);
    parameter(&kinde.sign_in(&url, &kinde.person("alice")).unwrap(), "code").unwrap()
}

#[tokio::test]
async fn people_keys_clock_and_faults_are_as_they_were() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice");
    alice.add_permission("acme", "create:todos");
    kinde.set_time(1_790_000_000);
    let kid = kinde.signing_kid();
    let arranged = kinde.snapshot();

    alice.update(|details| details.email = "ada@example.test".to_owned());
    kinde.person("mallory").suspend();
    kinde.replace_keys();
    kinde.advance(Duration::from_secs(60));
    kinde.set_token_clock_offset(-5);
    kinde.fault("/oauth2/token", Fault::Hang);
    kinde.restore(&arranged);

    assert_eq!(alice.email(), "alice@example.test");
    assert_eq!((kinde.signing_kid(), kinde.now()), (kid.clone(), 1_790_000_000));
    assert!(kinde.jwks().contains(&kid));
    let answer = Browser::new().get(&format!("{}/oauth2/token", kinde.url())).await;
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn code_that_was_used_since_is_good_again_and_one_that_is_newer_is_not() {
    let kinde = Environment::builder().with_callback("http://localhost:3000/callback").start().await;
    let browser = Browser::new();
    let code_before = code(&kinde).await;
    let arranged = kinde.snapshot();
    assert_eq!(browser.exchange(&kinde, &code_before).await.0, 200);
    let code_after = code(&kinde).await;
    kinde.restore(&arranged);
    assert_eq!(browser.exchange(&kinde, &code_after).await.0, 400);
    assert_eq!(browser.exchange(&kinde, &code_before).await.0, 200);
}

#[tokio::test]
async fn webhook_endpoints_and_attempts_are_as_they_were() {
    let kinde = Environment::start().await;
    let arranged = kinde.snapshot();
    kinde.add_webhook("http://127.0.0.1:9/hooks").unwrap();
    kinde.trigger("user.created");
    kinde.settled().await;
    assert_eq!(kinde.webhook_attempts().len(), 1);
    kinde.restore(&arranged);
    assert!(kinde.webhooks().is_empty() && kinde.webhook_attempts().is_empty());
    assert_eq!(kinde.pending_webhooks(), 0);
}

#[tokio::test]
async fn reset_goes_back_to_the_start() {
    let seed = kinde_emulator::Seed::example().unwrap();
    let kinde = Environment::builder().with_seed(seed).start().await;
    let email = kinde.person("alice").email();
    kinde.person("alice").delete();
    Browser::new().get(&format!("{}/.well-known/jwks", kinde.url())).await;
    kinde.reset();
    assert_eq!((kinde.person("alice").email(), kinde.jwks_fetches()), (email, 0));
    assert!(!kinde.person("alice").details().is_suspended);
}

#[tokio::test]
async fn requests_are_listed_with_their_answers() {
    let kinde = Environment::start().await;
    kinde.fault("/.well-known/jwks", Fault::Status(503).times(1));
    kinde.fault("/logout", Fault::Reset);
    let browser = Browser::new();
    for _ in 0..2 {
        browser.get(&format!("{}/.well-known/jwks?x=1", kinde.url())).await;
    }
    reqwest::get(format!("{}/logout", kinde.url())).await.unwrap_err();
    let requests = kinde.recent_requests();
    let listed: Vec<_> = requests
        .iter()
        .map(|request| (request.method.as_str(), request.path.as_str(), request.status))
        .collect();
    let keys = "/.well-known/jwks";
    assert_eq!(listed, [("GET", keys, Some(503)), ("GET", keys, Some(200)), ("GET", "/logout", None)]);
    kinde.expect_requests(keys, 2);
}

#[tokio::test]
#[should_panic(
    expected = "2 requests for /oauth2/token were expected and 0 arrived; of late: nothing at all"
)]
async fn expectation_that_is_not_met_says_what_arrived() {
    Environment::start().await.expect_requests("/oauth2/token", 2);
}

#[tokio::test]
async fn token_clock_that_is_wrong_is_wrong_in_tokens_only() {
    let kinde = Environment::start().await;
    kinde.set_time(1_790_000_000);
    for (offset, issued_at) in [(90, 1_790_000_090_u64), (-90, 1_789_999_910)] {
        kinde.set_token_clock_offset(offset);
        let claims = browser::claims(&kinde.person("alice").access_token());
        assert_eq!(
            (claims["iat"].as_u64(), claims["exp"].as_u64()),
            (Some(issued_at), Some(issued_at + 86_400))
        );
        assert_eq!(kinde.now(), 1_790_000_000);
    }
}

#[tokio::test]
async fn rate_limit_says_when_to_come_again() {
    let kinde = Environment::start().await;
    kinde.fault("/oauth2/token", Fault::RateLimit(30).times(1));
    let answer = Browser::new().post(&format!("{}/oauth2/token", kinde.url()), &[]).await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers().get("ratelimit-reset").unwrap(), "30");
}
