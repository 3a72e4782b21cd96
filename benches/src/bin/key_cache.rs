//! Storms on the key cache: how many fetches they cause, and whether anybody is refused who should not be.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use axum::{Router, body::Body};
use kinde_axum::{Issuer, Jwks};
use kinde_benches::{
    apps::ours,
    environment::{self, bearer},
    measure::{quantile, request},
    report::Bars,
};
use kinde_emulator::{Environment, Fault};
use tokio::sync::Barrier;
use tower::ServiceExt;

#[tokio::main]
async fn main() -> ExitCode {
    let mut bars = Bars::new();
    cold_start(&mut bars).await;
    rotation(&mut bars).await;
    random_kids(&mut bars).await;
    outage(&mut bars).await;
    bars.exit_code()
}

/// 1,000 requests meet a service that holds no keys, while the provider takes 100 ms to answer.
async fn cold_start(bars: &mut Bars) {
    let environment = environment::start();
    let app = ours::app(ours::verifier(ours::jwks(&environment)).build().expect("a verifier"));
    let tokens = repeated(environment::distinct_tokens(&environment, 100), 1_000);
    environment.fault(JWKS, Fault::Delay(Duration::from_millis(100)));
    let statuses = storm(&app, tokens).await;
    bars.at_most("cold start, 1,000 concurrent requests: fetches", fetches(&environment), 1.0, "");
    bars.at_most("cold start: refused", refused(&statuses), 0.0, "");
}

/// 200 requests present tokens of a key that was published a moment ago.
async fn rotation(bars: &mut Bars) {
    let environment = environment::start();
    let app = ours::app(ours::verifier(ours::jwks(&environment)).build().expect("a verifier"));
    let old = repeated(environment::distinct_tokens(&environment, 1), 1);
    assert_eq!(storm(&app, old).await, [200]);
    environment.reset_requests();
    environment.rotate_keys();
    let new = environment::distinct_tokens(&environment, 200);
    environment.fault(JWKS, Fault::Delay(Duration::from_millis(100)));
    let statuses = storm(&app, new).await;
    bars.at_most("rotation, 200 concurrent new-key requests: fetches", fetches(&environment), 1.0, "");
    bars.at_most("rotation: refused", refused(&statuses), 0.0, "");
}

/// 1,000 forged tokens, each with a key ID of its own, at once and then one after the other, in three cooldowns.
async fn random_kids(bars: &mut Bars) {
    let environment = environment::start();
    let cooldown = Duration::from_secs(2);
    let jwks = Jwks::builder(issuer(&environment)).with_cooldown(cooldown).build().expect("a key set");
    jwks.warm_up().await.expect("the environment answers");
    let app = ours::app(ours::verifier(jwks).build().expect("a verifier"));
    let person = environment::person(&environment);
    let forged: Vec<_> = (0..1_000).map(|_| person.wrong().random_kid()).collect();
    environment.reset_requests();
    let statuses = storm(&app, forged.clone()).await;
    bars.at_most("1,000 random key IDs at once: fetches", fetches(&environment), 1.0, "");
    bars.at_least("1,000 random key IDs at once: refused", refused(&statuses), 1_000.0, "");
    environment.reset_requests();
    let start = Instant::now();
    while start.elapsed() < 3 * cooldown {
        for token in &forged {
            assert_eq!(send(&app, token).await, 401);
        }
    }
    // One may start at once, and one at the end of each of the three cooldowns.
    bars.at_most("random key IDs for three cooldowns: fetches", fetches(&environment), 4.0, "");
}

/// Requests with a held key while every refresh fails; a refresh is due each second, so the failures are met.
async fn outage(bars: &mut Bars) {
    let environment = environment::start();
    let second = Duration::from_secs(1);
    let jwks = Jwks::builder(issuer(&environment)).with_soft_age(second).with_cooldown(second);
    let jwks = jwks.with_deadline(second).build().expect("a key set");
    jwks.warm_up().await.expect("the environment answers");
    // Nothing is remembered, so that every request asks for its key.
    let verifier = ours::verifier(jwks).with_memory_limit_bytes(0).build().expect("a verifier");
    let app = ours::app(verifier);
    let token = environment::person(&environment).access_token();
    println!(
        "\nlatency of a held key, us                  p50      p90      p99      max   refused  fetches"
    );
    let phases = [("healthy", None), ("500", Some(Fault::Status(500))), ("hanging", Some(Fault::Hang))];
    for (name, fault) in phases {
        environment.clear_faults();
        environment.reset_requests();
        if let Some(fault) = fault {
            environment.fault(JWKS, fault);
        }
        let (mut readings, mut refused) = (Vec::new(), 0_usize);
        let start = Instant::now();
        while start.elapsed() < 4 * second {
            let sent = Instant::now();
            refused += usize::from(send(&app, &token).await != 200);
            readings.push(sent.elapsed().as_nanos() as f64 / 1_000.0);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let at = |share| quantile(&readings, share);
        let (p50, p90, p99, max) = (at(0.5), at(0.9), at(0.99), at(1.0));
        let fetched = fetches(&environment);
        println!("{name:<40} {p50:>7.0}  {p90:>7.0}  {p99:>7.0}  {max:>7.0}  {refused:>8} {fetched:>8}");
        bars.at_most(&format!("key set {name}: known key refused"), refused as f64, 0.0, "");
        bars.at_least(&format!("key set {name}: refreshes attempted"), fetched, 1.0, "");
    }
}

/// Sends one request per token, all at once, and gives the statuses.
async fn storm(app: &Router, tokens: Vec<String>) -> Vec<u16> {
    let barrier = std::sync::Arc::new(Barrier::new(tokens.len()));
    let tasks: Vec<_> = tokens
        .into_iter()
        .map(|token| {
            let (app, barrier) = (app.clone(), std::sync::Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                send(&app, &token).await
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.expect("a request does not panic"));
    }
    statuses
}

async fn send(app: &Router, token: &str) -> u16 {
    let request = request(Some(&bearer(token)), Body::empty());
    app.clone().oneshot(request).await.expect("the service answers").status().as_u16()
}

fn repeated(tokens: Vec<String>, count: usize) -> Vec<String> {
    tokens.iter().cycle().take(count).cloned().collect()
}

fn refused(statuses: &[u16]) -> f64 {
    statuses.iter().filter(|status| **status != 200).count() as f64
}

fn fetches(environment: &Environment) -> f64 {
    environment.jwks_fetches() as f64
}

fn issuer(environment: &Environment) -> Issuer {
    Issuer::new(environment.issuer()).expect("a loopback issuer")
}

const JWKS: &str = "/.well-known/jwks";
