//! Stories of the key cache; what is pure is tested beside itself.
#![expect(clippy::arithmetic_side_effects, reason = "tests may overflow: they fail then")]

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Makes an odd modulus of exactly `8 * bytes` bits; nobody knows its factors.
pub(in crate::jwks) fn modulus(seed: u32, bytes: usize) -> Vec<u8> {
    let block = |number: u32| {
        let input = [seed.to_be_bytes(), number.to_be_bytes()].concat();
        digest::digest(&digest::SHA256, &input).as_ref().to_vec()
    };
    let mut modulus: Vec<u8> = (0_u32..).flat_map(block).take(bytes).collect();
    *modulus.first_mut().unwrap() |= 0x80;
    *modulus.last_mut().unwrap() |= 1;
    modulus
}

pub(in crate::jwks) fn exponent(value: u64) -> String {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Makes a key that verifies nothing, like Kinde's in every member.
pub(in crate::jwks) fn jwk_of(kid: &str, seed: u32) -> Value {
    let n = URL_SAFE_NO_PAD.encode(modulus(seed, 256));
    json!({"e": "AQAB", "n": n, "alg": "RS256", "kid": kid, "kty": "RSA", "use": "sig"})
}

/// Makes the key that belongs to `kid`.
pub(in crate::jwks) fn jwk(kid: &str) -> Value {
    let seed = kid.bytes().fold(7_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(u32::from(byte)));
    jwk_of(kid, seed)
}

pub(in crate::jwks) fn jwks_of(entries: Vec<Value>) -> Vec<u8> {
    json!({ "keys": entries }).to_string().into_bytes()
}
