//! A key set of a stranger: never a panic, and a symmetric key is never usable.
#![no_main]

use kinde_core::{Issuer, Jwks};
use kinde_fuzz::ISSUER;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &str| {
    let issuer = Issuer::new(ISSUER).expect("a loopback issuer");
    if Jwks::from_static_json(issuer, json).is_ok() {
        assert!(json.contains("RSA") || json.contains('\\'), "only RSA keys are usable");
    }
});
