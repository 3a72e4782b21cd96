//! Starting, pausing, stopping, and living beside other environments.

use kinde_emulator::{Environment, Fault, StartError};
use reqwest::{Client, StatusCode};

async fn keys(url: &str) -> reqwest::Result<StatusCode> {
    let client = Client::builder().no_proxy().build()?;
    client.get(format!("{url}/.well-known/jwks")).send().await.map(|answer| answer.status())
}

#[tokio::test]
async fn paused_environment_refuses_and_comes_back_on_the_same_port() {
    let kinde = Environment::start().await;
    let url = kinde.url().to_owned();
    kinde.pause().await;
    assert!(keys(&url).await.unwrap_err().is_connect());
    kinde.pause().await;
    kinde.resume().await.unwrap();
    kinde.resume().await.unwrap();
    assert_eq!(keys(&url).await.unwrap(), StatusCode::OK);
    assert_eq!(kinde.url(), url);
}

#[tokio::test]
async fn pause_cuts_a_request_that_hangs() {
    let kinde = Environment::start().await;
    kinde.fault("/.well-known/jwks", Fault::Hang);
    let url = kinde.url().to_owned();
    let request = tokio::spawn(async move { keys(&url).await });
    while kinde.jwks_fetches() == 0 {
        tokio::task::yield_now().await;
    }
    kinde.pause().await;
    assert!(request.await.unwrap().is_err());
}

#[tokio::test]
async fn no_task_outlives_a_stopped_or_dropped_environment() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    for is_dropped in [false, true] {
        let kinde = Environment::start().await;
        kinde.fault("/hang", Fault::Hang);
        // One connection that idles and one with a request under way.
        let idle = tokio::net::TcpStream::connect(kinde.url().trim_start_matches("http://")).await.unwrap();
        let request = tokio::spawn(client.get(format!("{}/hang", kinde.url())).send());
        while kinde.requests("/hang") == 0 {
            tokio::task::yield_now().await;
        }
        if is_dropped {
            drop(kinde);
        } else {
            kinde.stop().await;
        }
        assert!(request.await.unwrap().is_err());
        drop(idle);
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn two_environments_do_not_mix() {
    let (one, two) = (Environment::start().await, Environment::start().await);
    assert_ne!(one.issuer(), two.issuer());
    assert_eq!(one.person("alice").id(), two.person("alice").id());
    one.rotate_keys();
    one.fault("/.well-known/jwks", Fault::Status(500));
    one.set_time(0);
    assert_ne!(one.signing_kid(), two.signing_kid());
    assert_eq!(keys(two.url()).await.unwrap(), StatusCode::OK);
    assert_eq!((one.jwks_fetches(), two.jwks_fetches()), (0, 1));
    assert!(two.now() > 0);
}

#[tokio::test]
async fn three_hundred_environments_run_side_by_side() {
    let mut all = Vec::new();
    for _ in 0..300 {
        all.push(Environment::start().await);
    }
    let urls: std::collections::BTreeSet<_> = all.iter().map(Environment::url).collect();
    assert_eq!(urls.len(), 300);
    assert_eq!(keys(all.last().unwrap().url()).await.unwrap(), StatusCode::OK);
}

#[tokio::test]
async fn taken_port_is_an_error_that_names_it() {
    let kinde = Environment::start().await;
    let port: u16 = kinde.url().rsplit(':').next().unwrap().parse().unwrap();
    let refused = Environment::builder().with_port(port).try_start().await.unwrap_err();
    assert!(matches!(refused, StartError::Bind { port: named, .. } if named == port));
    assert!(refused.to_string().contains(&port.to_string()));
}

#[tokio::test]
async fn variables_point_an_application_here_and_debug_keeps_the_secret() {
    let kinde = Environment::builder()
        .with_client_id("5e1c0b7a9d4f4c26b8f3a1720e6d9c45")
        .with_client_secret("q".repeat(48))
        .with_audience("https://api.example")
        .start()
        .await;
    let variables: std::collections::BTreeMap<_, _> = kinde.variables().into_iter().collect();
    assert_eq!(variables["KINDE_ISSUER_URL"], kinde.issuer());
    assert_eq!(variables["KINDE_CLIENT_ID"], "5e1c0b7a9d4f4c26b8f3a1720e6d9c45");
    assert_eq!(variables["KINDE_CLIENT_SECRET"], "q".repeat(48));
    assert_eq!(variables["KINDE_AUDIENCE"], "https://api.example");
    let shown = format!("{kinde:?} {:?} {:?}", kinde.person("alice"), kinde.machine("billing"));
    assert!(!shown.contains(&"q".repeat(48)));
}

/// The bar is 5 ms; the assertion is loose because test machines are busy, and the figure is printed.
#[tokio::test]
async fn environment_starts_without_making_a_key() {
    drop(Environment::start().await);
    let begun = tokio::time::Instant::now();
    let kinde = Environment::start().await;
    let took = begun.elapsed();
    println!("in-process start: {took:?}");
    assert!(took < std::time::Duration::from_millis(500));
    kinde.stop().await;
}

#[test]
fn environment_and_people_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Environment>();
    shared::<kinde_emulator::Person>();
    shared::<kinde_emulator::WrongToken>();
}

#[tokio::test]
async fn address_that_others_can_reach_is_refused_without_the_insecure_option() {
    for address in [std::net::Ipv4Addr::UNSPECIFIED, std::net::Ipv4Addr::new(192, 0, 2, 1)] {
        let refused = Environment::builder().with_listen_address(address).try_start().await.unwrap_err();
        assert!(matches!(refused, StartError::Exposed { address: named } if named == address), "{refused}");
    }
    let exposed = Environment::builder().with_insecure_listen_address(std::net::Ipv4Addr::UNSPECIFIED);
    let kinde = exposed.start().await;
    assert!(kinde.issuer().starts_with("http://127.0.0.1:"), "{}", kinde.issuer());
    let other =
        Environment::builder().with_listen_address(std::net::Ipv4Addr::new(127, 0, 0, 2)).start().await;
    assert!(other.url().starts_with("http://127.0.0.2:"), "{}", other.url());
}
