//! Callers come and go while the keys are on their way: one fetch, nobody hangs, nothing is left behind.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use axum::Router;
use kinde_axum::KindeLayer;
use kinde_core::{Issuer, Jwks, ManualClock, Verifier};
use kinde_emulator::{Environment, Fault};
use kinde_tests::{api, send_bearer, verifier_of};
use tokio::runtime::{Builder, Handle, Runtime};

use kinde_tests::scale::scaled;

/// An emulator on a runtime of its own, so that everything on another one is the library's.
struct Provider {
    runtime: Runtime,
    kinde: Environment,
}

impl Provider {
    fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let kinde = runtime.block_on(Environment::start());
        Self { runtime, kinde }
    }

    /// An API with a clock that stands still, so that a cooldown lasts until it is moved.
    fn app(&self) -> (Router, ManualClock, Jwks) {
        let clock = ManualClock::at_unix_seconds(self.kinde.now());
        let jwks = Jwks::builder(Issuer::new(self.kinde.issuer()).unwrap())
            .with_clock(clock.clone())
            .build()
            .unwrap();
        let verifier =
            Verifier::builder(jwks.clone()).with_application(self.kinde.client_id()).build().unwrap();
        (api(KindeLayer::new(verifier)), clock, jwks)
    }

    fn token(&self) -> String {
        self.kinde.person("alice").access_token()
    }
}

/// A runtime whose only tasks are the library's.
fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Polls a request, lets other tasks run a number of times, and drops it; gives its status if it got that far.
async fn dropped_after(turns: u32, app: &Router, token: &str) -> Option<u16> {
    let mut request = pin!(send_bearer(app, "/me", token));
    for _ in 0..=turns {
        if let Some(answer) = poll_once(request.as_mut()).await {
            return Some(answer.status);
        }
        tokio::task::yield_now().await;
    }
    None
}

async fn poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut future).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Waits until a runtime carries no task but those it carried before.
async fn until_tasks_are_gone(before: usize) {
    let gone = async {
        while Handle::current().metrics().num_alive_tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("no task is left behind");
}

/// covers: B11 J5
#[tokio::test]
async fn requests_dropped_at_any_await_point_leave_the_cache_usable() {
    for case in 0..scaled("rounds of dropped requests", 1_000) {
        let kinde = Environment::start().await;
        kinde.fault("/.well-known/jwks", Fault::Delay(Duration::from_millis(5)));
        let app = api(KindeLayer::new(verifier_of(&kinde)));
        let token = kinde.person("alice").access_token();
        // Multiples of a prime spread the drops over the whole exchange without a generator.
        let requests: Vec<_> = (0..40_u32)
            .map(|number| {
                let (app, token, turns) = (app.clone(), token.clone(), (number * 61 + case * 17) % 200);
                tokio::spawn(async move { dropped_after(turns, &app, &token).await })
            })
            .collect();
        for request in requests {
            assert!(matches!(request.await.unwrap(), None | Some(200)), "round {case}");
        }
        let answer = tokio::time::timeout(Duration::from_secs(5), send_bearer(&app, "/me", &token)).await;
        assert_eq!(answer.expect("the last request does not hang").status, 200, "round {case}");
        assert_eq!(kinde.jwks_fetches(), 1, "round {case}");
    }
}

/// covers: B11 J5
#[tokio::test]
async fn fetch_survives_the_request_that_started_it() {
    let kinde = Environment::start().await;
    kinde.fault("/.well-known/jwks", Fault::Delay(Duration::from_millis(50)));
    let app = api(KindeLayer::new(verifier_of(&kinde)));
    let token = kinde.person("alice").access_token();
    assert_eq!(dropped_after(0, &app, &token).await, None);
    assert_eq!(send_bearer(&app, "/me", &token).await.status, 200);
    assert_eq!(kinde.jwks_fetches(), 1);
}

/// covers: B11 B12 J5
#[tokio::test]
async fn aborted_tasks_with_a_new_key_cost_nothing_and_the_next_one_passes() {
    let kinde = Environment::start().await;
    let app = api(KindeLayer::new(verifier_of(&kinde)));
    send_bearer(&app, "/me", &kinde.person("alice").access_token()).await;
    kinde.rotate_keys();
    kinde.fault("/.well-known/jwks", Fault::Delay(Duration::from_millis(50)));
    let token = kinde.person("alice").access_token();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (app, token) = (app.clone(), token.clone());
            tokio::spawn(async move { send_bearer(&app, "/me", &token).await })
        })
        .collect();
    tokio::task::yield_now().await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(send_bearer(&app, "/me", &token).await.status, 200);
    assert_eq!(kinde.jwks_fetches(), 2);
}

/// covers: B11 J8
#[test]
fn requests_of_several_runtimes_share_one_fetch() {
    let provider = Provider::start();
    provider.kinde.fault("/.well-known/jwks", Fault::Delay(Duration::from_millis(50)));
    let (app, ..) = provider.app();
    let token = provider.token();
    std::thread::scope(|scope| {
        let request = || current_thread().block_on(send_bearer(&app, "/me", &token)).status;
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(request)).collect();
        let answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(answers, [200; 4]);
    });
    assert_eq!(provider.kinde.jwks_fetches(), 1);
}

/// covers: B8 J5 J8
#[test]
fn runtime_that_ends_during_its_fetch_leaves_no_waiter_hanging() {
    let provider = Provider::start();
    let (app, clock, jwks) = provider.app();
    let token = provider.token();
    provider.kinde.fault("/.well-known/jwks", Fault::Hang);
    let first = current_thread();
    assert_eq!(first.block_on(dropped_after(20, &app, &token)), None);
    assert_eq!(jwks.health().fetches, 1);
    let second = current_thread();
    let answer = second.block_on(async {
        let mut waiting = Box::pin(send_bearer(&app, "/me", &token));
        assert!(poll_once(waiting.as_mut()).await.is_none(), "it waits for the other runtime's fetch");
        std::thread::spawn(|| drop(first)).join().unwrap();
        tokio::time::timeout(Duration::from_secs(2), waiting).await.expect("it does not hang")
    });
    assert_eq!((answer.status, answer.code), (503, Some("keys_unavailable")));
    provider.kinde.clear_faults();
    clock.advance(Duration::from_secs(30));
    assert_eq!(second.block_on(send_bearer(&app, "/me", &token)).status, 200);
}

/// covers: J8
#[test]
fn no_task_outlives_the_service() {
    let provider = Provider::start();
    let token = provider.token();
    for (name, fault, status) in
        [("after a fetch", None, Some(200)), ("during a fetch", Some(Fault::Hang), None)]
    {
        provider.kinde.clear_faults();
        fault.into_iter().for_each(|fault| provider.kinde.fault("/.well-known/jwks", fault));
        current_thread().block_on(async {
            let before = Handle::current().metrics().num_alive_tasks();
            let (app, _, jwks) = provider.app();
            let turns = if status.is_some() { u32::MAX } else { 50 };
            assert_eq!(dropped_after(turns - 1, &app, &token).await, status, "{name}");
            assert!(
                Handle::current().metrics().num_alive_tasks() > before,
                "{name}: the refresh or its timer"
            );
            drop((app, jwks));
            until_tasks_are_gone(before).await;
        });
    }
}

/// covers: J8
#[tokio::test(start_paused = true)]
async fn paused_runtime_neither_fails_nor_hangs_the_first_fetch() {
    let provider = tokio::task::spawn_blocking(Provider::start).await.unwrap();
    provider.kinde.fault("/.well-known/jwks", Fault::Delay(Duration::from_millis(20)));
    let (app, ..) = provider.app();
    let answer = send_bearer(&app, "/me", &provider.token()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(provider.kinde.jwks_fetches(), 1);
    provider.end();
}

impl Provider {
    /// Ends its runtime from within another one, which must not block.
    fn end(self) {
        drop(self.kinde);
        self.runtime.shutdown_background();
    }
}
