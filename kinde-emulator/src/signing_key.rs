//! One RSA key pair with its key ID and its JWK.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair,
        UnparsedPublicKey,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::{base64url, identifiers};

/// An RSA-2048 key pair that signs with RS256.
pub(crate) struct SigningKey {
    kid: String,
    pair: RsaKeyPair,
}

impl SigningKey {
    /// Reads a PKCS#8 private key in PEM; `None` when it is not one.
    pub(crate) fn from_pem(kid: &str, pem: &str) -> Option<Self> {
        let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(base64).ok()?;
        let pair = RsaKeyPair::from_pkcs8(&der).ok()?;
        Some(Self { kid: kid.to_owned(), pair })
    }

    /// Generates a key with a fresh key ID; takes 150 to 300 milliseconds.
    pub(crate) fn generate() -> Option<Self> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
        Some(Self { kid: identifiers::key_id(), pair })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs with RS256.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with(&RSA_PKCS1_SHA256, message)
    }

    /// Signs with any RSA scheme, for tokens that name another algorithm.
    pub(crate) fn sign_with(&self, scheme: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        if self.pair.sign(scheme, &SystemRandom::new(), message, &mut signature).is_err() {
            // The buffer has the modulus's length, which is the only demand that can fail; an empty signature
            // verifies nowhere.
            signature.clear();
        }
        signature
    }

    /// Tells whether `signature` is this key's RS256 signature over `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(message, signature)
            .is_ok()
    }

    /// Returns the public half as Kinde publishes it.
    pub(crate) fn jwk(&self) -> Jwk {
        let public = self.pair.public_key();
        Jwk {
            e: base64url::encode(public.exponent().big_endian_without_leading_zero()),
            n: base64url::encode(public.modulus().big_endian_without_leading_zero()),
            alg: "RS256",
            kid: self.kid.clone(),
            kty: "RSA",
            r#use: "sig",
        }
    }

    /// Returns the public half as a PEM file, newline at the end included.
    pub(crate) fn public_pem(&self) -> String {
        let der: Option<PublicKeyX509Der<'_>> = self.pair.public_key().as_der().ok();
        let base64 = der.map(|der| STANDARD.encode(der.as_ref())).unwrap_or_default();
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for (index, symbol) in base64.chars().enumerate() {
            if index > 0 && index % 64 == 0 {
                pem.push('\n');
            }
            pem.push(symbol);
        }
        pem.push_str("\n-----END PUBLIC KEY-----\n");
        pem
    }
}

/// A JSON Web Key with exactly the members Kinde publishes, in Kinde's order.
#[derive(Serialize)]
pub(crate) struct Jwk {
    pub(crate) e: String,
    pub(crate) n: String,
    pub(crate) alg: &'static str,
    pub(crate) kid: String,
    pub(crate) kty: &'static str,
    pub(crate) r#use: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_key_verifies_what_it_signed_and_nothing_else() {
        let key = SigningKey::generate().unwrap();
        let signature = key.sign(b"message");
        assert!(key.verifies(b"message", &signature));
        assert!(!key.verifies(b"massage", &signature));
        assert_eq!(key.kid().len(), 47);
    }

    #[test]
    fn text_that_is_no_key_is_none() {
        assert!(SigningKey::from_pem("kid", "-----BEGIN PRIVATE KEY-----\nAAAA\n").is_none());
        assert!(SigningKey::from_pem("kid", "%").is_none());
    }
}
