//! Processes that refresh one session: one of them dies in the middle, or their clocks differ.

use std::time::Duration;

use kinde_emulator::{Environment, Fault};
use kinde_tests::{fleet::Fleet, site::client};

use crate::fleet::{DAY, PROGRAM, Servers, crowd, recovered};

/// covers: F16
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn process_that_dies_while_it_refreshes_costs_nobody_the_session() {
    let servers = Servers::start().await;
    let mut running = tokio::task::JoinSet::new();
    for (name, orders) in servers.orders() {
        running.spawn(async move {
            let mut fleet = Fleet::start(PROGRAM, Environment::start().await, orders).await;
            let alice = fleet.kinde.person("alice");
            let mut browser = fleet.signed_in(&alice).await;
            let (before, home) = (browser.jar.clone(), format!("{}/", fleet.url));
            fleet.pass(DAY).await;
            fleet.kinde.reset_requests();
            fleet.kinde.fault("/oauth2/token", Fault::Hang);
            fleet.lead_to(&[0]);
            let cookie =
                before.iter().map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>();
            let asking = client().build().unwrap().get(&home).header("cookie", cookie.join("; ")).send();
            let asking = tokio::spawn(asking);
            while fleet.kinde.requests("/oauth2/token") == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            fleet.kill_first().await;
            assert!(asking.await.unwrap().is_err(), "{name}: nobody answers");
            fleet.kinde.clear_faults();

            for seen in crowd(&browser, &home, 10).await {
                assert_eq!(seen.status, 503, "{name}: the outcome is not known yet");
                assert!(seen.headers.contains_key("retry-after") && !seen.headers.contains_key("set-cookie"));
            }
            assert_eq!(fleet.kinde.requests("/oauth2/token"), 1, "{name}: nobody sends the token again");
            fleet.pass(Duration::from_secs(20)).await;
            let seen = recovered(&mut browser, &home).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "{name}");
            assert_eq!(fleet.kinde.requests("/oauth2/token"), 2, "{name}: the other one takes over");
            fleet.pass(DAY).await;
            assert_eq!(browser.go(&home).await.body, alice.id(), "{name}: and refreshes the next time");
            assert_eq!(fleet.kinde.requests("/oauth2/token"), 3, "{name}");
            assert!(browser.jar == before, "{name}: with the cookie of before");
        });
    }
    running.join_all().await;
}

/// Kinde forgives no second use here: whoever sent a refresh token twice would be signed out.
///
/// covers: F16
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_whose_clocks_differ_send_a_refresh_token_once() {
    let servers = Servers::start().await;
    for (name, orders) in servers.orders() {
        for ahead_seconds in [-55, -25, 5, 25, 55, 300] {
            let kinde = Environment::builder().with_refresh_overlap(Duration::ZERO).start().await;
            let mut fleet = Fleet::start_apart(PROGRAM, kinde, orders.clone(), ahead_seconds).await;
            let alice = fleet.kinde.person("alice");
            let browser = fleet.signed_in(&alice).await;
            let home = format!("{}/", fleet.url);
            for day in 1..=3 {
                fleet.pass(DAY).await;
                fleet.kinde.reset_requests();
                // Long enough for the other process to meet the claim.
                fleet.kinde.fault("/oauth2/token", Fault::Delay(Duration::from_millis(300)).times(1));
                for seen in crowd(&browser, &home, 20).await {
                    let seen = (seen.status, seen.body);
                    assert_eq!(seen, (200, alice.id().to_owned()), "{name}, {ahead_seconds} s, day {day}");
                }
                let calls = fleet.kinde.requests("/oauth2/token");
                assert_eq!(calls, 1, "{name}, {ahead_seconds} s, day {day}");
            }
        }
    }
}
