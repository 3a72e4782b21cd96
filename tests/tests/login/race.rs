//! Signing out against everything that could bring the session back.

use std::{sync::Arc, time::Duration};

use http::Method;
use kinde_emulator::Environment;
use kinde_login::MemoryStore;
use kinde_tests::site::{NAVIGATION, Site};

/// covers: G7
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_out_wins_against_a_refresh_that_runs_beside_it() {
    tokio::join!(sign_outs(false), sign_outs(true));
}

async fn sign_outs(has_store: bool) {
    let kinde = Arc::new(Environment::start().await);
    let clock = kinde_tests::site::clock_of(&kinde);
    let site = Site::start_in(kinde, |builder| {
        let builder = builder.with_clock(clock.clone());
        if has_store { builder.with_store(MemoryStore::with_clock(2_000, clock.clone())) } else { builder }
    })
    .await;
    let alice = site.kinde.person("alice");
    for round in 0..EACH {
        let mut leaving = site.signed_in(&alice).await;
        let mut staying = leaving.clone();
        clock.advance(Duration::from_secs(86_400));
        site.kinde.set_time(site.kinde.now() + 86_400);
        let (logout, me) = (format!("{}/api/auth/logout", site.url), format!("{}/api/auth/me", site.url));
        let copies = [leaving.clone(), staying.clone()];
        let (out, _) = tokio::join!(leaving.ask(Method::POST, &logout, &NAVIGATION), staying.go(&me));
        assert_eq!(out.status, 303, "round {round}");
        for mut browser in copies.into_iter().chain([leaving, staying]) {
            assert_eq!(
                browser.go(&format!("{}/", site.url)).await.body,
                "nobody",
                "round {round}, store {has_store}"
            );
        }
    }
}

/// A thousand with both, in every tier.
const EACH: u32 = 500;
