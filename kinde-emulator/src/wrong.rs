//! Tokens with exactly one thing wrong with them, by name.

use std::sync::Arc;

use aws_lc_rs::{
    hmac,
    signature::{RSA_PKCS1_SHA512, RSA_PSS_SHA256},
};
use serde_json::{Value, json};

use crate::{
    base64url,
    claims::Claims,
    development_keys, identifiers, jws,
    provider::Provider,
    signing_key::{Jwk, SigningKey},
};

/// A token that a verifier has to refuse; each method names the one thing that is wrong with it.
///
/// Made by [`Person::wrong`](crate::Person::wrong), [`Person::wrong_id_token`](crate::Person::wrong_id_token),
/// [`Machine::wrong`](crate::Machine::wrong) and [`WebhookEvent::wrong`](crate::WebhookEvent::wrong). Everything else about the token is right.
#[derive(Clone, Debug)]
#[must_use]
pub struct WrongToken {
    provider: Arc<Provider>,
    claims: Claims,
    kid: Option<String>,
}

impl WrongToken {
    pub(crate) fn new(provider: &Arc<Provider>, claims: Claims, kid: Option<String>) -> Self {
        Self { provider: Arc::clone(provider), claims, kid }
    }
}

/// The signature is wrong.
impl WrongToken {
    /// Names the right key but is signed by an unrelated one.
    #[must_use]
    pub fn other_key(&self) -> String {
        let header = jws::header(self.key().kid());
        jws::sign_bytes(&development_keys::stranger(), header.as_bytes(), self.payload().as_bytes())
    }

    /// Names a key that was never published, and is signed by that key.
    #[must_use]
    pub fn unknown_kid(&self) -> String {
        jws::sign(&development_keys::stranger(), &self.claims)
    }

    /// Names a fresh random key ID, so that no two are alike; signed by an unrelated key.
    #[must_use]
    pub fn random_kid(&self) -> String {
        let header = jws::header(&identifiers::key_id());
        jws::sign_bytes(&development_keys::stranger(), header.as_bytes(), self.payload().as_bytes())
    }

    /// Says `alg: none` and has an empty signature.
    #[must_use]
    pub fn alg_none(&self) -> String {
        let header = json!({ "alg": "none", "kid": self.key().kid(), "typ": "JWT" });
        format!("{}.", jws::message(header.to_string().as_bytes(), self.payload().as_bytes()))
    }

    /// Says `alg: none` and keeps a good RS256 signature.
    #[must_use]
    pub fn alg_none_signed(&self) -> String {
        self.signed_under(&json!({ "alg": "none", "kid": self.key().kid(), "typ": "JWT" }))
    }

    /// Is an HS256 token keyed with the PEM text of the public key, which everybody knows.
    #[must_use]
    pub fn hmac_with_public_key(&self) -> String {
        self.hmac(self.key().public_pem().as_bytes())
    }

    /// Is an HS256 token keyed with the public modulus as the key set spells it.
    #[must_use]
    pub fn hmac_with_modulus(&self) -> String {
        self.hmac(self.key().jwk().n.as_bytes())
    }

    /// Is signed by the right key with PS256, which Kinde does not use.
    #[must_use]
    pub fn pss(&self) -> String {
        self.other_scheme("PS256", &RSA_PSS_SHA256)
    }

    /// Is signed by the right key with RS512, which Kinde does not use.
    #[must_use]
    pub fn rs512(&self) -> String {
        self.other_scheme("RS512", &RSA_PKCS1_SHA512)
    }

    /// Has no signature, though the header says RS256.
    #[must_use]
    pub fn empty_signature(&self) -> String {
        let header = jws::header(self.key().kid());
        format!("{}.", jws::message(header.as_bytes(), self.payload().as_bytes()))
    }

    /// Has one bit of its signature turned.
    #[must_use]
    pub fn tampered_signature(&self) -> String {
        let header = jws::header(self.key().kid());
        let message = jws::message(header.as_bytes(), self.payload().as_bytes());
        let mut signature = self.key().sign(message.as_bytes());
        if let Some(last) = signature.last_mut() {
            *last ^= 1;
        }
        format!("{message}.{}", base64url::encode(signature))
    }

    /// Has another payload than the one that was signed: somebody else's `sub`, or one where there was none.
    #[must_use]
    pub fn tampered_payload(&self) -> String {
        let good = self.good();
        let signature = good.rsplit('.').next().unwrap_or_default();
        let mut claims = self.claims.clone();
        claims.set("sub", identifiers::person_id("mallory"));
        let header = jws::header(self.key().kid());
        format!("{}.{signature}", jws::message(header.as_bytes(), claims.to_json().as_bytes()))
    }
}

/// The header is wrong.
impl WrongToken {
    /// Brings its own key in the header and is signed by it.
    #[must_use]
    pub fn embedded_jwk(&self) -> String {
        let stranger = development_keys::stranger();
        let Jwk { e, n, kid, .. } = stranger.jwk();
        let header = json!({
            "alg": "RS256", "typ": "JWT", "kid": kid,
            "jwk": { "kty": "RSA", "e": e, "n": n, "alg": "RS256", "use": "sig", "kid": kid },
        });
        jws::sign_bytes(&stranger, header.to_string().as_bytes(), self.payload().as_bytes())
    }

    /// Says in the header where its key can be fetched (`jku`), and is signed by that key.
    #[must_use]
    pub fn key_url(&self, url: &str) -> String {
        let stranger = development_keys::stranger();
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": stranger.kid(), "jku": url });
        jws::sign_bytes(&stranger, header.to_string().as_bytes(), self.payload().as_bytes())
    }

    /// Demands in `crit` a header member that nobody understands.
    #[must_use]
    pub fn critical_header(&self) -> String {
        self.signed_under(&json!({
            "alg": "RS256", "kid": self.key().kid(), "typ": "JWT", "crit": ["urn:example"], "urn:example": true,
        }))
    }

    /// Has no `kid`.
    #[must_use]
    pub fn without_kid(&self) -> String {
        self.signed_under(&json!({ "alg": "RS256", "typ": "JWT" }))
    }

    /// Says another `typ`, such as `dpop+jwt`.
    #[must_use]
    pub fn other_type(&self, typ: &str) -> String {
        self.signed_under(&json!({ "alg": "RS256", "kid": self.key().kid(), "typ": typ }))
    }
}

/// The claims are wrong, under a good signature.
impl WrongToken {
    /// Never expires.
    #[must_use]
    pub fn without_exp(&self) -> String {
        self.without("exp")
    }

    /// Names no issuer.
    #[must_use]
    pub fn without_issuer(&self) -> String {
        self.without("iss")
    }

    /// Leaves out one claim.
    #[must_use]
    pub fn without(&self, claim: &str) -> String {
        let mut claims = self.claims.clone();
        claims.remove(claim);
        jws::sign(&self.key(), &claims)
    }

    /// Says one claim differently.
    #[must_use]
    pub fn saying(&self, claim: &str, value: impl Into<Value>) -> String {
        let mut claims = self.claims.clone();
        claims.set(claim, value);
        jws::sign(&self.key(), &claims)
    }

    /// Expired an hour ago.
    #[must_use]
    pub fn expired(&self) -> String {
        self.saying("exp", self.provider.clock.now().saturating_sub(3_600))
    }

    /// Begins an hour from now (`nbf`).
    #[must_use]
    pub fn not_yet_valid(&self) -> String {
        self.saying("nbf", self.provider.clock.now().saturating_add(3_600))
    }

    /// Was issued an hour from now (`iat`).
    #[must_use]
    pub fn issued_in_the_future(&self) -> String {
        self.saying("iat", self.provider.clock.now().saturating_add(3_600))
    }

    /// Names somebody else's environment as the issuer.
    #[must_use]
    pub fn foreign_issuer(&self) -> String {
        self.saying("iss", "https://somebody-else.kinde.com")
    }

    /// Names the issuer with a slash at the end, which is another issuer.
    #[must_use]
    pub fn issuer_with_slash(&self) -> String {
        self.saying("iss", format!("{}/", self.provider.issuer))
    }

    /// Names two issuers in an array, ours among them.
    #[must_use]
    pub fn issuer_array(&self) -> String {
        self.saying("iss", json!(["https://somebody-else.kinde.com", self.provider.issuer]))
    }

    /// Is for somebody else's API.
    #[must_use]
    pub fn foreign_audience(&self) -> String {
        self.saying("aud", json!(["https://api.somebody-else.example"]))
    }

    /// Was issued to an application this environment does not know.
    #[must_use]
    pub fn foreign_application(&self) -> String {
        self.saying("azp", identifiers::client_id("somebody else"))
    }

    /// Has the claim `exp` twice, the first time far in the future.
    #[must_use]
    pub fn duplicate_claim(&self) -> String {
        let payload = self.payload();
        let doubled = payload.replacen('{', "{\"exp\":9999999999,", 1);
        let header = jws::header(self.key().kid());
        jws::sign_bytes(&self.key(), header.as_bytes(), doubled.as_bytes())
    }

    /// Has a payload that is not JSON.
    #[must_use]
    pub fn payload_not_json(&self) -> String {
        jws::sign_bytes(&self.key(), jws::header(self.key().kid()).as_bytes(), b"not json")
    }
}

/// The text is wrong.
impl WrongToken {
    /// Ends ten characters early.
    #[must_use]
    pub fn truncated(&self) -> String {
        let mut token = self.good();
        token.truncate(token.len().saturating_sub(10));
        token
    }

    /// Has only a header and a payload.
    #[must_use]
    pub fn two_parts(&self) -> String {
        self.good().rsplit_once('.').map(|(message, _)| message.to_owned()).unwrap_or_default()
    }

    /// Has five parts, as an encrypted token has.
    #[must_use]
    pub fn five_parts(&self) -> String {
        format!("{}.AAAA.AAAA", self.good())
    }

    /// Has base64 padding after its signature.
    #[must_use]
    pub fn padded(&self) -> String {
        format!("{}==", self.good())
    }
}

impl WrongToken {
    fn key(&self) -> Arc<SigningKey> {
        self.provider.signing_key(self.kid.as_deref())
    }

    fn payload(&self) -> String {
        self.claims.to_json()
    }

    fn good(&self) -> String {
        jws::sign(&self.key(), &self.claims)
    }

    fn signed_under(&self, header: &Value) -> String {
        jws::sign_bytes(&self.key(), header.to_string().as_bytes(), self.payload().as_bytes())
    }

    fn hmac(&self, secret: &[u8]) -> String {
        let header = json!({ "alg": "HS256", "kid": self.key().kid(), "typ": "JWT" });
        let message = jws::message(header.to_string().as_bytes(), self.payload().as_bytes());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", base64url::encode(tag))
    }

    fn other_scheme(&self, alg: &str, scheme: &'static dyn aws_lc_rs::signature::RsaEncoding) -> String {
        let header = json!({ "alg": alg, "kid": self.key().kid(), "typ": "JWT" });
        let message = jws::message(header.to_string().as_bytes(), self.payload().as_bytes());
        let signature = self.key().sign_with(scheme, message.as_bytes());
        format!("{message}.{}", base64url::encode(signature))
    }
}
