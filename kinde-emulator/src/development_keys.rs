//! The key pairs that are part of this crate, so that no environment waits for key generation.
//!
//! # Security
//!
//! Their private halves are public. Whatever trusts one of these key IDs trusts everybody, which is why an issuer
//! that is not this computer must never publish them.

use std::sync::{Arc, LazyLock};

use crate::signing_key::SigningKey;

/// Returns the embedded key at `index`, the order in which rotation uses them; `None` after the last.
pub(crate) fn at(index: usize) -> Option<Arc<SigningKey>> {
    KEYS.get(index).map(|key| Arc::clone(key))
}

/// Returns a key that no environment ever publishes.
pub(crate) fn stranger() -> Arc<SigningKey> {
    Arc::clone(&STRANGER)
}

/// How many keys are embedded for signing.
pub(crate) const COUNT: usize = 3;

// Parsed once per process and only when first used: parsing costs more than starting a server.
static KEYS: [LazyLock<Arc<SigningKey>>; COUNT] = [
    LazyLock::new(|| {
        embedded("f9:a1:2f:a1:4e:14:d4:ce:4b:b0:e2:c9:36:66:e0:d6", include_str!("development_key.pem"))
    }),
    LazyLock::new(|| {
        embedded("08:4a:ad:17:a2:4e:dc:99:46:db:c9:64:7f:35:f8:8f", include_str!("development_key_2.pem"))
    }),
    LazyLock::new(|| {
        embedded("46:d6:70:4d:14:ca:f5:5c:e9:37:06:0c:ea:d0:22:52", include_str!("development_key_3.pem"))
    }),
];

static STRANGER: LazyLock<Arc<SigningKey>> = LazyLock::new(|| {
    embedded("9f:88:19:4c:8c:f9:04:6e:dc:f5:a2:3e:75:c3:9a:6e", include_str!("stranger_key.pem"))
});

#[expect(clippy::expect_used, reason = "the text is part of this crate and a test below parses every one")]
fn embedded(kid: &str, pem: &str) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_pem(kid, pem).expect("an embedded key is PKCS#8 PEM"))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest;

    use super::*;
    use crate::base64url;

    #[test]
    fn every_embedded_key_parses_and_signs() {
        for key in (0..COUNT).filter_map(at).chain([stranger()]) {
            assert!(key.verifies(b"message", &key.sign(b"message")), "{}", key.kid());
        }
        assert!(at(COUNT).is_none());
    }

    /// RFC 7638 §3: the thumbprint is SHA-256 over the required members in lexicographic order.
    #[test]
    fn first_development_key_has_the_published_thumbprint() {
        let jwk = at(0).unwrap().jwk();
        let members = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, jwk.e, jwk.n);
        let thumbprint = base64url::encode(digest::digest(&digest::SHA256, members.as_bytes()));
        assert_eq!(thumbprint, "-aEvoU4U1M5LsOLJNmbg1gDP5t8F-ECwU_cFfrd24Q4");
    }

    /// Kinde's jwt-validator 0.4 reads the header with plain base64, so the two URL-safe symbols would break it.
    #[test]
    fn encoded_header_of_every_key_holds_neither_dash_nor_underscore() {
        for key in (0..COUNT).filter_map(at).chain([stranger()]) {
            let header = format!(r#"{{"alg":"RS256","kid":"{}","typ":"JWT"}}"#, key.kid());
            assert!(!base64url::encode(header).contains(['-', '_']), "{}", key.kid());
        }
    }
}
