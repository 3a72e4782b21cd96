//! The same again in every run, and many environments beside each other.
#![expect(unreachable_pub, reason = "the browser is shared by several test binaries")]
#![expect(dead_code, reason = "these tests need only part of the browser")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod browser;

use std::collections::BTreeSet;

use browser::{Browser, authorization_url, parameter};
use kinde_emulator::Environment;
use serde_json::Value;

/// Signs in over HTTP, refreshes and triggers an event; returns everything that was made up on the way.
async fn made_up(seed: Option<u64>) -> Vec<String> {
    let builder =
        Environment::builder().with_issuer("https://acme.kinde.com").with_callback(browser::CALLBACK);
    let kinde = match seed {
        Some(seed) => builder.with_deterministic_ids(seed),
        None => builder,
    };
    let kinde = kinde.start().await;
    kinde.set_time(1_790_000_000);
    let alice = kinde.person("alice").in_org("acme").remember();
    let browser = Browser::new();
    let callback = kinde.sign_in(&authorization_url(&kinde, &[("scope", "openid offline")]), &alice).unwrap();
    let code = parameter(&callback, "code").unwrap();
    let (_, tokens) = browser.exchange(&kinde, &code).await;
    let text = |name: &str| tokens.get(name).and_then(Value::as_str).unwrap().to_owned();
    vec![code, text("access_token"), text("id_token"), text("refresh_token"), kinde.trigger("user.created")]
}

#[tokio::test]
async fn same_number_gives_the_same_codes_tokens_and_events() {
    let first = made_up(Some(1)).await;
    assert_eq!(first, made_up(Some(1)).await);
    for (other, what) in [(made_up(Some(2)).await, "another number"), (made_up(None).await, "no number")] {
        assert!(first.iter().zip(&other).all(|(first, other)| first != other), "{what}");
    }
}

#[tokio::test]
async fn snapshot_gives_the_same_codes_again() {
    let kinde =
        Environment::builder().with_deterministic_ids(1).with_callback(browser::CALLBACK).start().await;
    let alice = kinde.person("alice");
    let url = authorization_url(&kinde, &[]);
    let arranged = kinde.snapshot();
    let first = kinde.sign_in(&url, &alice).unwrap();
    assert_ne!(kinde.sign_in(&url, &alice).unwrap(), first);
    kinde.restore(&arranged);
    assert_eq!(kinde.sign_in(&url, &alice).unwrap(), first);
}

/// Three hundred in one process, each asked while all the others are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundreds_of_environments_have_ports_of_their_own() {
    let started: Vec<_> = (0..300).map(|_| tokio::spawn(Environment::start())).collect();
    let mut environments = Vec::new();
    for started in started {
        environments.push(started.await.unwrap());
    }
    let issuers: BTreeSet<_> = environments.iter().map(|kinde| kinde.issuer().to_owned()).collect();
    assert_eq!(issuers.len(), 300);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for kinde in &environments {
        let url = format!("{}/.well-known/openid-configuration", kinde.url());
        let metadata: Value = client.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(metadata["issuer"], kinde.issuer());
        assert_eq!(kinde.recent_requests().len(), 1);
    }
}
