//! What the fuzz targets share: one environment whose only accepted tokens are known beforehand.

use std::{sync::LazyLock, time::Duration};

use kinde_core::{EventVerifier, Issuer, Jwks, ManualClock, Verifier};
use kinde_emulator::{Environment, Seed};
use kinde_webhook::WebhookVerifier;

/// The issuer of the seeds. Loopback, because their key is the emulator's, which is public.
pub const ISSUER: &str = "http://localhost:9";
/// The only tokens that may ever be accepted.
pub const ACCEPTED: [&str; 3] = [
    include_str!("../seeds/user_token.txt"),
    include_str!("../seeds/machine_token.txt"),
    include_str!("../seeds/malformed_permissions.txt"),
];
/// The key set of the environment.
pub const KEY_SET: &str = include_str!("../seeds/key_set.json");

/// The only event.
pub const EVENT: &str = include_str!("../seeds/webhook.txt");

/// The moment at which the seeds are valid.
pub const NOW: Duration = Duration::from_secs(1_790_000_100);

/// The environment's keys, at hand.
pub static KEYS: LazyLock<Jwks> = LazyLock::new(|| {
    let issuer = Issuer::new(ISSUER).expect("a loopback issuer");
    Jwks::from_static_json(issuer, KEY_SET).expect("the seeds hold one usable key")
});

/// A verifier of the environment's events.
pub static EVENTS: LazyLock<WebhookVerifier> = LazyLock::new(|| EventVerifier::new(KEYS.clone()).into());

/// A verifier with its key at hand, a clock that stands still, and no memory of earlier tokens.
pub static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    Verifier::builder(KEYS.clone())
        .with_audience("https://api.example.com")
        .with_clock(ManualClock::at_unix_seconds(NOW.as_secs()))
        .with_memory_limit_bytes(0)
        .build()
        .expect("bound by audience")
});

thread_local! {
    /// Where a seed's environment is started.
    pub static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
}

/// The address of an emulator of the example world, with its control API, that runs until the process ends.
pub static EMULATOR: LazyLock<String> = LazyLock::new(|| SIGNED_IN.0.clone());

/// The address of that emulator, and an access token of alice, who is signed in.
pub static SIGNED_IN: LazyLock<(String, String)> = LazyLock::new(|| {
    let (ready, started) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        RUNTIME.with(|runtime| {
            runtime.block_on(async {
                let seed = Seed::example().expect("the example reads");
                let kinde = Environment::builder()
                    .with_seed(seed)
                    .with_client_id("web")
                    .with_callback("http://localhost/cb")
                    .with_control_api()
                    .start()
                    .await;
                let listens_at = kinde.url().trim_start_matches("http://").to_owned();
                let token =
                    kinde.person("alice").expires_in(Duration::from_secs(86_400 * 365)).access_token();
                ready.send((listens_at, token)).expect("somebody waits for it");
                std::future::pending::<()>().await;
            });
        });
    });
    started.recv().expect("the emulator starts")
});
