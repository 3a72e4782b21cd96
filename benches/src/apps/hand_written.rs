//! What one writes without a library for it: an extractor around jsonwebtoken 11, with keys at hand.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, extract::FromRequestParts, routing::get};
use http::{StatusCode, header::AUTHORIZATION, request::Parts};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    crypto::{CryptoProvider, aws_lc, rust_crypto},
    decode, decode_header,
    jwk::JwkSet,
};
use kinde_emulator::Environment;

use super::Claims;
use crate::environment::AUDIENCE;

/// Builds the handler.
///
/// # Panics
///
/// When the environment's key set cannot be read.
pub fn app(environment: &Environment) -> Router {
    let set: JwkSet = serde_json::from_str(&environment.jwks()).expect("a key set");
    let keys = set
        .keys
        .iter()
        .filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?)))
        .collect();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[environment.issuer()]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    let state = Arc::new(Keys { keys, validation });
    Router::new().route("/me", get(async |caller: Caller| caller.0.sub)).with_state(state)
}

struct Keys {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

struct Caller(Claims);

impl FromRequestParts<Arc<Keys>> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Keys>) -> Result<Self, StatusCode> {
        let header = parts.headers.get(AUTHORIZATION).ok_or(StatusCode::UNAUTHORIZED)?;
        let text = header.to_str().map_err(|_| StatusCode::BAD_REQUEST)?;
        let token = text.strip_prefix("Bearer ").ok_or(StatusCode::BAD_REQUEST)?;
        let kid = decode_header(token).ok().and_then(|header| header.kid).ok_or(StatusCode::UNAUTHORIZED)?;
        let key = state.keys.get(&kid).ok_or(StatusCode::UNAUTHORIZED)?;
        let data = decode::<Claims>(token, key, &state.validation).map_err(|_| StatusCode::UNAUTHORIZED)?;
        Ok(Self(data.claims))
    }
}

/// Installs jsonwebtoken's crypto for this process: aws-lc-rs, until [`use_rust_crypto`] chooses the other.
///
/// jsonwebtoken takes one provider per process; this one asks a flag, so that both are measured in one run. Reading the
/// flag costs about a nanosecond.
pub fn install_crypto() {
    // A second call finds the same provider installed.
    let _ = PROVIDER.install_default();
}

/// Chooses jsonwebtoken's crypto: `rust_crypto`, its peers' usual default, or aws-lc-rs.
pub fn use_rust_crypto(is_wanted: bool) {
    IS_RUST_CRYPTO.store(is_wanted, Ordering::Relaxed);
}

static IS_RUST_CRYPTO: AtomicBool = AtomicBool::new(false);

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| (chosen().signer_factory)(algorithm, key),
    verifier_factory: |algorithm, key| (chosen().verifier_factory)(algorithm, key),
    key_utils: jsonwebtoken::crypto::KeyUtils::new_unimplemented(),
};

fn chosen() -> &'static CryptoProvider {
    if IS_RUST_CRYPTO.load(Ordering::Relaxed) {
        &rust_crypto::DEFAULT_PROVIDER
    } else {
        &aws_lc::DEFAULT_PROVIDER
    }
}
