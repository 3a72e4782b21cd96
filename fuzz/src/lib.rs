//! What the fuzz targets share: one environment whose only accepted tokens are known beforehand.

use std::sync::LazyLock;

use kinde_core::{Issuer, Jwks, ManualClock, Verifier};

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

/// The moment at which the seeds are valid.
const NOW: u64 = 1_790_000_100;

/// A verifier with its key at hand, a clock that stands still, and no memory of earlier tokens.
pub static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let issuer = Issuer::new(ISSUER).expect("a loopback issuer");
    let keys = Jwks::from_static_json(issuer, KEY_SET).expect("the seeds hold one usable key");
    Verifier::builder(keys)
        .with_audience("https://api.example.com")
        .with_clock(ManualClock::at_unix_seconds(NOW))
        .with_memory_limit_bytes(0)
        .build()
        .expect("bound by audience")
});
