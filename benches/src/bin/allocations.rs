//! Allocations per request, and the memory of one remembered token, counted in the allocator.

use std::{alloc::System, process::ExitCode};

use http::HeaderValue;
use kinde_benches::{
    apps::{bare, ours},
    environment::{self, bearer},
    measure::{median, request},
    report::{Bars, option},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tower::{Service, ServiceExt};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let environment = environment::start();
    let token = environment::person(&environment).access_token();
    let credential = Some(bearer(&token));
    let jwks = ours::jwks(&environment);
    jwks.warm_up().await.expect("the environment answers");
    let verifier = ours::verifier(jwks.clone()).build().expect("a verifier");

    println!("token: {} bytes", token.len());
    let bare = per_request("bare axum handler", bare::bare(), credential.as_ref()).await;
    let floor =
        per_request("floor: layer that only inserts an Arc", bare::floor(), credential.as_ref()).await;
    per_request("the same with a body type of its own", bare::floor_with_own_body(), credential.as_ref())
        .await;
    let repeated =
        per_request("KindeLayer + AuthUser, repeated", ours::app(verifier), credential.as_ref()).await;
    let missing = ours::verifier(jwks.clone()).build().expect("a verifier");
    per_request("KindeLayer + AuthUser, missing header", ours::app(missing), None).await;

    let count = option("--tokens", 10_000);
    let tokens = environment::distinct_tokens(&environment, count);
    let limit = 1 << 30;
    let verifier = ours::verifier(jwks).with_memory_limit_bytes(limit).build().expect("a verifier");
    let region = Region::new(ALLOCATOR);
    for token in &tokens {
        verifier.verify(token).await.expect("a good token");
    }
    let Stats { bytes_allocated, bytes_deallocated, .. } = region.change();
    let held = bytes_allocated as f64 - bytes_deallocated as f64;
    let is_remembered = cost_of_repeating(&verifier, &tokens).await;

    let mut bars = Bars::new();
    println!();
    bars.at_most("allocations beyond axum and one insert, repeated", repeated - floor, 0.0, "");
    let what = format!("bytes per remembered token at {count}");
    bars.at_most(&what, held / count as f64, 4096.0, "bytes");
    println!("(bare {bare}, floor {floor}; {is_remembered:.1} % of the {count} tokens are still remembered)");
    bars.exit_code()
}

/// Prints and gives the median number of allocations of one request.
async fn per_request<S, R>(name: &str, service: S, credential: Option<&HeaderValue>) -> f64
where
    S: Service<http::Request<axum::body::Body>, Response = http::Response<R>> + Clone,
    S::Error: std::fmt::Debug,
{
    let (mut counts, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..2_000 {
        let request = request(credential, axum::body::Body::empty());
        let region = Region::new(ALLOCATOR);
        drop(service.clone().oneshot(request).await.expect("the service answers"));
        let change = region.change();
        counts.push((change.allocations + change.reallocations) as f64);
        bytes.push(change.bytes_allocated as f64);
    }
    let counted = median(&counts);
    println!("{name:<40} {counted:>4} allocations {:>6} bytes", median(&bytes));
    counted
}

/// Tells by its allocations whether a token is remembered: a first-seen one is parsed anew.
async fn cost_of_repeating(verifier: &kinde_axum::Verifier, tokens: &[String]) -> f64 {
    let mut remembered = 0_usize;
    for token in tokens {
        let region = Region::new(ALLOCATOR);
        verifier.verify(token).await.expect("a good token");
        remembered += usize::from(region.change().allocations < 10);
    }
    remembered as f64 * 100.0 / tokens.len() as f64
}
