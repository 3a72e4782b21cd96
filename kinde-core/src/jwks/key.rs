//! Decides which JSON Web Keys may verify a signature, one key at a time.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    digest,
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;

use crate::UntrustedText;

/// A public RSA key that passed every rule and may verify RS256 signatures.
///
/// It is parsed once, when its key set is loaded. Two keys are the same key if they are the same
/// allocation: a reloaded set hands out the former `Arc` for an unchanged key.
pub(crate) struct VerifyingKey {
    kid: Option<Box<str>>,
    public_key: ParsedPublicKey,
    modulus_bytes: usize,
    thumbprint: [u8; 32],
}

impl VerifyingKey {
    /// Reads one entry of a key set.
    pub(super) fn read(entry: &Value, rules: KeyRules) -> Result<Arc<Self>, Unusable> {
        let jwk = typed(entry)?;
        // An RSA key without n or e is read as a key of an unknown kind.
        let AlgorithmParameters::RSA(rsa) = &jwk.algorithm else { return Err(Unusable::Malformed) };
        usable_for_signatures(&jwk)?;
        let modulus = unsigned_integer(&rsa.n).ok_or(Unusable::Modulus)?;
        let exponent = unsigned_integer(&rsa.e).ok_or(Unusable::Exponent)?;
        if !is_modulus_acceptable(&modulus) {
            return Err(Unusable::Modulus);
        }
        if !is_exponent_acceptable(&exponent) {
            return Err(Unusable::Exponent);
        }
        let thumbprint = thumbprint(&modulus, &exponent);
        if !rules.accepts_development_keys && is_development_key(&thumbprint) {
            return Err(Unusable::DevelopmentKey);
        }
        let public_key = RsaPublicKeyComponents { n: &modulus, e: &exponent }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| Unusable::Modulus)?;
        let kid = jwk.common.key_id.map(String::into_boxed_str);
        Ok(Arc::new(Self { kid, public_key, modulus_bytes: modulus.len(), thumbprint }))
    }

    /// Gives the key ID, if the entry has one.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Gives the key, parsed for RSASSA-PKCS1-v1_5 with SHA-256 and for nothing else.
    pub(crate) fn public_key(&self) -> &ParsedPublicKey {
        &self.public_key
    }

    /// Gives the length of the modulus, which is the length of every signature of this key.
    pub(crate) fn modulus_bytes(&self) -> usize {
        self.modulus_bytes
    }

    /// Gives the SHA-256 thumbprint (RFC 7638).
    pub(crate) fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerifyingKey")
            .field("kid", &self.kid().map(UntrustedText::new))
            .field("thumbprint", &URL_SAFE_NO_PAD.encode(self.thumbprint))
            .finish_non_exhaustive()
    }
}

/// What an issuer's keys may be, beyond the rules that hold for all.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyRules {
    /// Whether the emulator's published keys count: for a loopback issuer only.
    pub(super) accepts_development_keys: bool,
    /// Whether a token without `kid` may use the only key of a set.
    pub(super) accepts_kidless_tokens: bool,
}

/// Why an entry of a key set is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("malformed")]
    Malformed,
    #[error("key_type")]
    KeyType,
    #[error("use")]
    Use,
    #[error("key_ops")]
    KeyOps,
    #[error("algorithm")]
    Algorithm,
    #[error("modulus")]
    Modulus,
    #[error("exponent")]
    Exponent,
    /// The private exponent stands in a public document: anybody can sign with this key.
    #[error("private_key_published")]
    PrivateKeyPublished,
    /// A key whose private half ships with the emulator.
    #[error("development_key")]
    DevelopmentKey,
}

fn typed(entry: &Value) -> Result<Jwk, Unusable> {
    let members = entry.as_object().ok_or(Unusable::Malformed)?;
    // The typed reader takes null for absent and {"RS256": null} for "RS256"; here a wrong type refuses.
    let mut strings = ["kty", "kid", "use", "alg", "n", "e"].iter().filter_map(|name| members.get(*name));
    if !strings.all(Value::is_string) {
        return Err(Unusable::Malformed);
    }
    let operations_are_strings = |operations: &Value| {
        operations.as_array().is_some_and(|operations| operations.iter().all(Value::is_string))
    };
    if !members.get("key_ops").is_none_or(operations_are_strings) {
        return Err(Unusable::Malformed);
    }
    // RFC 7517 §4.1: kty is required and case-sensitive. Symmetric and elliptic keys end here.
    match members.get("kty").and_then(Value::as_str) {
        None => return Err(Unusable::Malformed),
        Some("RSA") => {}
        Some(_) => return Err(Unusable::KeyType),
    }
    if members.contains_key("d") {
        return Err(Unusable::PrivateKeyPublished);
    }
    Jwk::deserialize(entry).map_err(|_| Unusable::Malformed)
}

fn usable_for_signatures(jwk: &Jwk) -> Result<(), Unusable> {
    let common = &jwk.common;
    // RFC 7517 §4.2 and §4.3
    if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return Err(Unusable::Use);
    }
    if !common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify)) {
        return Err(Unusable::KeyOps);
    }
    // RFC 8725 §3.1: a key is used with one algorithm
    if !matches!(common.key_algorithm, None | Some(KeyAlgorithm::RS256)) {
        return Err(Unusable::Algorithm);
    }
    Ok(())
}

/// Decodes `Base64urlUInt` (RFC 7518 §2) to big-endian bytes without a leading zero.
fn unsigned_integer(text: &str) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    // RFC 7518 §6.3.1.1: some libraries prefix one zero byte, the sign of a DER integer.
    if bytes.first() == Some(&0) {
        bytes.remove(0);
    }
    (bytes.first()? != &0).then_some(bytes)
}

fn is_modulus_acceptable(modulus: &[u8]) -> bool {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else { return false };
    let bits = modulus
        .len()
        .saturating_mul(8)
        .saturating_sub(usize::try_from(first.leading_zeros()).unwrap_or(usize::MAX));
    (MODULUS_BITS_MIN..=MODULUS_BITS_MAX).contains(&bits) && last & 1 == 1
}

fn is_exponent_acceptable(exponent: &[u8]) -> bool {
    if exponent.len() > 8 {
        return false;
    }
    let value = exponent.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    (EXPONENT_MIN..EXPONENT_END).contains(&value) && value & 1 == 1
}

/// Hashes the required members in their canonical form (RFC 7638 §3), so that no spelling hides a key.
fn thumbprint(modulus: &[u8], exponent: &[u8]) -> [u8; 32] {
    let canonical = format!(
        r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
        URL_SAFE_NO_PAD.encode(exponent),
        URL_SAFE_NO_PAD.encode(modulus)
    );
    let mut thumbprint = [0; 32];
    for (byte, hashed) in
        thumbprint.iter_mut().zip(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    {
        *byte = *hashed;
    }
    thumbprint
}

fn is_development_key(thumbprint: &[u8; 32]) -> bool {
    DEVELOPMENT_KEYS.contains(&URL_SAFE_NO_PAD.encode(thumbprint).as_str())
}

/// The smallest modulus: 2048 bits (RFC 7518 §3.3).
const MODULUS_BITS_MIN: usize = 2048;
/// The largest modulus: beyond it, one verification costs milliseconds.
const MODULUS_BITS_MAX: usize = 8192;
const EXPONENT_MIN: u64 = 65_537;
/// The first exponent that is too large: 2^33.
const EXPONENT_END: u64 = 1 << 33;

/// Thumbprints (RFC 7638) of the keys whose private halves ship with kinde-emulator.
pub(super) const DEVELOPMENT_KEYS: &[&str] = &[
    "-aEvoU4U1M5LsOLJNmbg1gDP5t8F-ECwU_cFfrd24Q4",
    "PR7o7VMqHZqFdj-hZpsU6Abouzd_e2UB1JSMLeYkXFU",
    "RZIqYUYsD-BMCrxyVZwvQvhomz7s4sZnRu28OndrPbw",
    // The key of the emulator's stranger, which no set lists; its private half is as public.
    "DXAjNvFCF7rVEcdF3s2o7r8oEdmJ5kD757YRJPiw_dk",
];

/// The modulus of the first of them, for tests.
#[cfg(test)]
pub(super) const DEVELOPMENT_MODULUS: &str = "wppbwDWUjBj8Fa5VygDoWlI5NTp46-Alv9cZDXuecrP_jy0iv0mt2X2ZLxW5Ic-0atQ9kKsjitBLyveiTnxRCIJb1lv5FbDCn1qEJDBXDwZuTIncWLtwRsum27JdOrktV5bvSULnqT6o2kuA1gmDV5sZO5yKQEftSRVmoRR3qAWeZTZla0S0Dd1lsgm3wOVZGdT_mWrcamJ1glJ2ZXJX8wcoDyInAN44dcXK50J1oO9cHctzrD3KAf1eRYSiyZN7-yrVuyXa86E-ZuFnVF9GN-C1AgNBx8HLbTuAZOnQtOjuD-WNN-ECOjKgQ_2bt5lby_XUPus6TLcAJEGS6oDbnw";

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        rsa::{KeyPair, KeySize},
        signature::{KeyPair as _, RSA_PKCS1_SHA256},
    };
    use serde_json::json;

    use super::*;
    use crate::jwks::tests::{exponent, jwk, modulus};

    const RULES: KeyRules = KeyRules { accepts_development_keys: false, accepts_kidless_tokens: true };

    fn with(member: &str, value: Value) -> Value {
        let mut entry = jwk("f3:71:06");
        entry[member] = value;
        entry
    }

    fn judged(entry: &Value) -> Result<(), Unusable> {
        VerifyingKey::read(entry, RULES).map(|_| ())
    }

    fn with_modulus(bytes: &[u8]) -> Value {
        with("n", json!(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// covers: B1
    #[test]
    fn modulus_must_be_odd_and_between_2048_and_8192_bits() {
        let even = |mut bytes: Vec<u8>| {
            *bytes.last_mut().unwrap() &= 0xfe;
            bytes
        };
        let short_by_one_bit = |mut bytes: Vec<u8>| {
            bytes[0] = 0x7f;
            bytes
        };
        for (name, bytes, verdict) in [
            ("2048 bits", modulus(1, 256), Ok(())),
            ("2047 bits", short_by_one_bit(modulus(1, 256)), Err(Unusable::Modulus)),
            ("2049 bits", [vec![1], modulus(1, 256)].concat(), Ok(())),
            ("3072 bits", modulus(1, 384), Ok(())),
            ("8192 bits", modulus(1, 1024), Ok(())),
            ("8193 bits", [vec![1], modulus(1, 1024)].concat(), Err(Unusable::Modulus)),
            ("1024 bits", modulus(1, 128), Err(Unusable::Modulus)),
            ("even", even(modulus(1, 256)), Err(Unusable::Modulus)),
            ("empty", vec![], Err(Unusable::Modulus)),
            ("zero", vec![0], Err(Unusable::Modulus)),
            ("sign byte", [vec![0], modulus(1, 256)].concat(), Ok(())),
            ("two zero bytes", [vec![0, 0], modulus(1, 256)].concat(), Err(Unusable::Modulus)),
            ("2040 bits and a sign byte", [vec![0], modulus(1, 255)].concat(), Err(Unusable::Modulus)),
        ] {
            assert_eq!(judged(&with_modulus(&bytes)), verdict, "{name}");
        }
    }

    /// covers: B1
    #[test]
    fn exponent_must_be_odd_and_between_65537_and_2_to_the_33() {
        for (name, value, verdict) in [
            ("usual", 65_537, Ok(())),
            ("just below", 65_535, Err(Unusable::Exponent)),
            ("three", 3, Err(Unusable::Exponent)),
            ("one", 1, Err(Unusable::Exponent)),
            ("even", 65_538, Err(Unusable::Exponent)),
            ("largest", (1 << 33) - 1, Ok(())),
            ("too large", (1 << 33) + 1, Err(Unusable::Exponent)),
            ("huge", u64::MAX, Err(Unusable::Exponent)),
        ] {
            assert_eq!(judged(&with("e", json!(exponent(value)))), verdict, "{name}");
        }
        assert_eq!(judged(&with("e", json!(""))), Err(Unusable::Exponent));
        assert_eq!(judged(&with("e", json!("AAEAAQ"))), Ok(()), "sign byte");
        assert_eq!(judged(&with("e", json!("AAAAAAAAAAAAAAAAAQAB"))), Err(Unusable::Exponent));
    }

    /// covers: B2 B3 B4 A4
    #[test]
    fn members_that_forbid_rs256_signatures_or_have_a_wrong_type_refuse_the_key() {
        use Unusable::{Algorithm, KeyOps, KeyType, Malformed, PrivateKeyPublished, Use};
        for (member, value, verdict) in [
            ("use", json!("sig"), Ok(())),
            ("use", json!("enc"), Err(Use)),
            ("use", json!("SIG"), Err(Use)),
            ("use", json!(1), Err(Malformed)),
            ("use", json!(null), Err(Malformed)),
            ("use", json!(["sig"]), Err(Malformed)),
            ("key_ops", json!(["verify"]), Ok(())),
            ("key_ops", json!(["sign", "verify"]), Ok(())),
            ("key_ops", json!(["encrypt"]), Err(KeyOps)),
            ("key_ops", json!([]), Err(KeyOps)),
            ("key_ops", json!("verify"), Err(Malformed)),
            ("key_ops", json!(["verify", 1]), Err(Malformed)),
            ("alg", json!("RS256"), Ok(())),
            ("alg", json!("RS512"), Err(Algorithm)),
            ("alg", json!("PS256"), Err(Algorithm)),
            ("alg", json!("HS256"), Err(Algorithm)),
            ("alg", json!("none"), Err(Algorithm)),
            ("alg", json!("rs256"), Err(Algorithm)),
            ("alg", json!({"RS256": null}), Err(Malformed)),
            ("alg", json!(256), Err(Malformed)),
            ("kty", json!("EC"), Err(KeyType)),
            ("kty", json!("oct"), Err(KeyType)),
            ("kty", json!("rsa"), Err(KeyType)),
            ("kty", json!({"RSA": null}), Err(Malformed)),
            ("kid", json!(7), Err(Malformed)),
            ("kid", json!(null), Err(Malformed)),
            ("n", json!(65_537), Err(Malformed)),
            ("e", json!(65_537), Err(Malformed)),
            ("d", json!("AQAB"), Err(PrivateKeyPublished)),
            ("x5c", json!("not a list"), Err(Malformed)),
            ("extra", json!({"any": ["thing"]}), Ok(())),
        ] {
            assert_eq!(judged(&with(member, value.clone())), verdict, "{member} {value}");
        }
        for absent in ["use", "alg", "kid"] {
            let mut entry = jwk("a");
            entry.as_object_mut().unwrap().remove(absent);
            assert_eq!(judged(&entry), Ok(()), "{absent} absent");
        }
        for required in ["kty", "n", "e"] {
            let mut entry = jwk("a");
            entry.as_object_mut().unwrap().remove(required);
            assert_eq!(judged(&entry), Err(Malformed), "{required} absent");
        }
    }

    /// covers: B3 B4
    #[test]
    fn entries_that_are_no_rsa_key_are_refused() {
        for entry in [
            json!(null),
            json!([]),
            json!("RSA"),
            json!({}),
            json!({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}),
            json!({"kty": "oct", "k": "", "kid": "a", "alg": "RS256"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "AQ"}),
        ] {
            assert!(judged(&entry).is_err(), "{entry}");
        }
    }

    /// covers: A5 B1
    #[test]
    fn modulus_in_another_alphabet_with_padding_or_spare_bits_is_refused() {
        let good = URL_SAFE_NO_PAD.encode([&[0xfb], &modulus(1, 256)[1..]].concat());
        assert!(good.starts_with('-') || good.starts_with('_') || good.contains(['-', '_']));
        // 256 bytes end in two characters with four spare bits.
        let spare = good.strip_suffix(['A', 'Q', 'g', 'w']).map(|head| format!("{head}B"));
        for (name, text) in [
            ("padding", format!("{good}==")),
            ("standard alphabet", good.replace('-', "+").replace('_', "/")),
            ("white space", format!(" {good}")),
            ("line break", format!("{good}\n")),
            ("spare bits", spare.unwrap()),
        ] {
            assert_eq!(judged(&with("n", json!(text))), Err(Unusable::Modulus), "{name}");
        }
        assert_eq!(judged(&with("n", json!(good))), Ok(()));
    }

    /// The example of RFC 7638 §3.1.
    const RFC_7638_MODULUS: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    /// covers: B1
    #[test]
    fn thumbprint_is_that_of_rfc_7638_and_the_same_for_every_spelling() {
        let plain = with("n", json!(RFC_7638_MODULUS));
        let signed = [vec![0], URL_SAFE_NO_PAD.decode(RFC_7638_MODULUS).unwrap()].concat();
        for entry in [plain, with_modulus(&signed)] {
            let key = VerifyingKey::read(&entry, RULES).unwrap();
            let text = URL_SAFE_NO_PAD.encode(key.thumbprint());
            assert_eq!(text, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
            assert_eq!((key.modulus_bytes(), key.kid()), (256, Some("f3:71:06")));
        }
    }

    /// covers: A11 B1
    #[test]
    fn key_verifies_its_own_signatures_and_no_others() {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        // RFC 8017 §A.1.1: SEQUENCE { INTEGER n, INTEGER e }; n starts after its sign byte.
        let modulus = pair.public_key().as_ref()[9..265].to_vec();
        let key = VerifyingKey::read(&with_modulus(&modulus), RULES).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"message", &mut signature).unwrap();
        assert_eq!(signature.len(), key.modulus_bytes());
        assert!(key.public_key().verify_sig(b"message", &signature).is_ok());
        assert!(key.public_key().verify_sig(b"massage", &signature).is_err());
        signature[7] ^= 1;
        assert!(key.public_key().verify_sig(b"message", &signature).is_err());
    }

    /// The moduli of the emulator's embedded keys, written by `openssl rsa -noout -modulus`.
    const DEVELOPMENT_MODULI: [&str; 4] = [
        DEVELOPMENT_MODULUS,
        "yHXzOEoazWh-lx5Bhb25E8ntbY-U18naMMnjSxeXLfu2arWCKFkAyzFMRFL1LFRs1BIIPTYBZ91bsL3XBiR0gfvQal2cJ7yDfFYFT6nW1v6Kt5Qt5Fyb7BRK7KpnHrdpKv5fyEGYbqXOW44nin2IpkfE6vPCGQjlMo5X-mGYRVx1R7aQRMEOoT0GTKiJJjXb1C-nyYbZSUo99pN7BZkccs_gRw6GT8wn-Juprq4BPHGC2tJUx0HOSasRyg-pvUxU6Uq1Il6PBr5pXUwBN8-awZ-0wlE7QEY9XxCb9mXSJUnFsFmEu8hcI866k_P0ab1K9M5Bx_9kAlgHGbntLPFGaQ",
        "p6qJHuMN4qR-9ejiM6ehLA2_dMgyy1mo5jz1P9R5bKNg5Pe2YKKGbh1RfsGlMh_gizc2jdkE79aw9tUw2VpcJbbbq8LjE3XJMAKHoy-NB-yKu1iYwnFXWFK2L0fKxLdKubJDhVKxP5Cw5OD4iymXNriUd8ROm5te074w4_6ZjTAjrkW5DlEEud-c0My6Fi2TzjAYjoUH5IxX0midFINeTFomAfyc3BO9GR2xiqiINX4Rce1x1BjK30D7SiE7KqMW9iEL4jwscoAbkmlHbWtwM_jhqdP-iXyXXwetPCp2fjgu42jacS7209L2iBTl_HihpG0mPjIKZgvA4-Asl5gbrw",
        "vKAJq5_YZFsrCBlm10HXKgYGraue70B1c1dLP_Sh4V-gW7oSXeIsAA9YTc3OUdGaM_0FQm73OKY7P6IKztv0cmMPiaALpueCxNNKmcduaI7c2iUoeJLZZzHz3u4zKrSBQG8Ow1IzlZpQtz7qnFnPEHW-fggQhXKMtwOerfJ5yRSsfKP4DF2Waa-iw9ttsNWs-EIzLM_vP8Hs22RcYycD7Z7PXsJpNcJO6OQFV3p7rM2NvwCD_0fZRasnjNACLwGkmPg0O6jiVIH6geJj93jycWxan3DlwlcRwzzHPqMxFK0Cw41RmJdE6BRsp9QCGQA_2tBZQiikUP7USZX81zYOSQ",
    ];

    /// covers: B1 K10
    #[test]
    fn key_whose_private_half_ships_with_the_emulator_is_refused_but_on_loopback() {
        let loopback = KeyRules { accepts_development_keys: true, ..RULES };
        assert_eq!(DEVELOPMENT_KEYS.len(), DEVELOPMENT_MODULI.len());
        for (modulus, published) in DEVELOPMENT_MODULI.into_iter().zip(DEVELOPMENT_KEYS) {
            let entry = with("n", json!(modulus));
            assert_eq!(judged(&entry), Err(Unusable::DevelopmentKey), "{published}");
            let key = VerifyingKey::read(&entry, loopback).unwrap();
            assert_eq!(&URL_SAFE_NO_PAD.encode(key.thumbprint()), published);
        }
    }
}
