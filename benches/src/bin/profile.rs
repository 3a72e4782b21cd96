//! One case of Kinde's layer in a loop, for a profiler: `profile repeated|garbage|unknown|missing|first-seen [COUNT]`.

use http::HeaderValue;
use kinde_benches::{
    apps::{bare, ours},
    environment::{self, bearer},
    measure::{request, thread_time},
};
use tower::ServiceExt;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let case = arguments.next().unwrap_or_else(|| "repeated".to_owned());
    let count: usize = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let environment = environment::start();
    let jwks = ours::patient_jwks(&environment);
    jwks.warm_up().await.expect("the environment answers");
    let person = environment::person(&environment);
    let mut verifier = ours::verifier(jwks);
    let credentials: Vec<Option<HeaderValue>> = match case.as_str() {
        "garbage" => {
            vec![Some(bearer(&format!("{}.{}.{}", "Zx9-".repeat(30), "qW7_".repeat(230), "kL3-".repeat(85))))]
        }
        "unknown" => (0..200).map(|_| Some(bearer(&person.wrong().random_kid()))).collect(),
        "missing" => vec![None],
        "first-seen" => {
            verifier = verifier.with_memory_limit_bytes(1 << 20);
            environment::distinct_tokens(&environment, 2_000)
                .iter()
                .map(|token| Some(bearer(token)))
                .collect()
        }
        _ => vec![Some(bearer(&person.access_token()))],
    };
    let app = match case.as_str() {
        "bare" => bare::bare(),
        "floor" => bare::floor(),
        _ => ours::app(verifier.build().expect("a verifier")),
    };
    let start = thread_time();
    for credential in credentials.iter().cycle().take(count) {
        let request = request(credential.as_ref(), axum::body::Body::empty());
        drop(app.clone().oneshot(request).await.expect("an answer"));
    }
    let took = thread_time() - start;
    println!("{case}: {} ns with making the request", took.as_nanos() / count as u128);
}
