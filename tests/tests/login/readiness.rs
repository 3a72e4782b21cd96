//! The health route as the readiness probe of a deployment: nobody else asks before it says yes.

use std::{sync::Arc, time::Duration};

use kinde_core::{Jwks, Kinde, ManualClock, Settings};
use kinde_emulator::Environment;
use kinde_login::Login;
use kinde_tests::{Answer, answer, site::variables_of};
use tower::ServiceExt;

const URL: &str = "http://127.0.0.1:3998";

/// Sign-in, its key set, and the clock of that.
fn login_of(kinde: &Environment) -> (Login, Jwks, ManualClock) {
    let clock = ManualClock::at_unix_seconds(kinde.now());
    let settings = Settings::from_variables(variables_of(kinde, URL)).unwrap();
    let jwks = Jwks::builder(settings.issuer().clone()).with_clock(clock.clone()).build().unwrap();
    let handle = Kinde::with_jwks(settings, jwks.clone()).unwrap();
    (Login::builder(&handle).build().unwrap(), jwks, clock)
}

async fn probe(login: &Login) -> Answer {
    let request = http::Request::get("/api/auth/health").body(axum::body::Body::empty()).unwrap();
    answer(login.routes().oneshot(request).await.unwrap().map(axum::body::Body::new)).await
}

/// covers: B11 B17 B19
#[tokio::test]
async fn first_probe_fetches_the_keys_and_later_ones_do_not() {
    let kinde = Environment::start().await;
    let (login, jwks, _) = login_of(&kinde);
    for _ in 0..3 {
        let seen = probe(&login).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, r#"{"ready":true}"#));
    }
    assert_eq!(jwks.health().fetches, 1);
}

/// covers: B12 B16 B19 I4
#[tokio::test]
async fn probes_are_answered_503_until_kinde_is_there_and_then_200() {
    let kinde = Arc::new(Environment::start().await);
    let (login, jwks, clock) = login_of(&kinde);
    kinde.pause().await;
    for _ in 0..20 {
        let seen = probe(&login).await;
        assert_eq!(seen.status, 503);
        assert_eq!(seen.body, r#"{"missing":["jwks"],"ready":false}"#, "nothing but names");
        assert!(seen.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    }
    assert_eq!(jwks.health().fetches, 1, "twenty probes, one question to a host that is down");
    kinde.resume().await.unwrap();
    assert_eq!(probe(&login).await.status, 503, "within the cooldown nobody asks");
    clock.advance(Duration::from_secs(60));
    assert_eq!(probe(&login).await.status, 200);
}
