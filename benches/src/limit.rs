//! The physical limit: one signature check with a key parsed before.

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use kinde_emulator::Environment;

use crate::{environment, measure::thread_time};

/// What every first-seen token costs at least.
pub struct Limit {
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Limit {
    /// Takes the environment's signing key and a token of it.
    ///
    /// # Panics
    ///
    /// When the environment's key set cannot be read.
    pub fn of(environment: &Environment) -> Self {
        let token = environment::person(environment).access_token();
        let jwks: serde_json::Value = serde_json::from_str(&environment.jwks()).expect("a key set");
        let kid = environment.signing_kid();
        let keys = jwks["keys"].as_array().expect("an array");
        let jwk = keys.iter().find(|jwk| jwk["kid"] == kid).expect("the signing key");
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let member = |name: &str| bytes(jwk[name].as_str().expect("a string"));
        let components = RsaPublicKeyComponents { n: member("n"), e: member("e") };
        let key = components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).expect("a key");
        let (message, signature) = token.rsplit_once('.').expect("a signed token");
        Self { key, message: message.as_bytes().to_vec(), signature: bytes(signature) }
    }

    /// Gives the nanoseconds of thread time of one, from `count`.
    ///
    /// # Panics
    ///
    /// When the signature does not verify.
    pub fn nanos_per_verification(&self, count: usize) -> f64 {
        let start = thread_time();
        for _ in 0..count {
            self.key.verify_sig(&self.message, &self.signature).expect("a good signature");
        }
        (thread_time() - start).as_nanos() as f64 / count as f64
    }
}
