//! Says what a Kinde token is, whether to believe it, and what it allows; for any Rust service.
//!
//! ```
//! use kinde_core::{Issuer, Jwks, Requirement, Verifier};
//!
//! # #[cfg(feature = "reqwest")]
//! # async fn run(access_token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let jwks = Jwks::builder(Issuer::new("https://acme.kinde.com")?).build()?;
//! let verifier = Verifier::builder(jwks).with_audience("https://api.acme.example").build()?;
//!
//! let identity = verifier.verify(access_token).await?;
//! Requirement::permission("create:todos").check(&identity)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | To | Look at |
//! | --- | --- |
//! | name an environment | [`Issuer`], [`Endpoints`], [`Settings`] (the `KINDE_*` variables), [`Kinde`] (one handle for all) |
//! | hold its keys | [`Jwks`]: cached, refreshed ahead, single flight, stale while the provider is down |
//! | verify a token | [`Verifier`] (access tokens), [`IdTokenVerifier`] (sign-in), [`EventVerifier`] (webhooks) |
//! | know who it is | [`Identity`]: [`AccessToken`] or [`MachineToken`], both with the views of [`TokenClaims`] |
//! | decide what they may | [`Requirement`], or a named [`Policy`]: [`permissions!`], [`roles!`], [`scopes!`], [`flags!`] |
//! | see why not | [`AuthError`]: kind, reason, stable code; [`ConfigError`]: every problem at once |
//! | test with a clock, a client or randomness of your own | [`Clock`], [`HttpFetch`], [`Random`] |
//!
//! # How a token is believed
//!
//! Its length and three segments, its JOSE header (RS256 only, no `crit`, no embedded key), the key that the
//! configured issuer lists under its `kid`, the signature; only then its claims, once: kind, issuer, time, binding.
//! A token that passed is remembered, and compared with the clock and the key set at every further use.
//!
//! # What is not here
//!
//! No HTTP server, cookie or redirect: kinde-tower and kinde-axum are for requests. No function decodes a token
//! without verifying it. Nothing asks Kinde about a single token: one that was revoked stays good until it
//! expires, so keep access tokens short-lived.
//!
//! # Features
//!
//! - `reqwest` (default): [`DefaultClient`], reqwest on rustls with aws-lc-rs. Without it, give [`Jwks`] an
//!   [`HttpFetch`] of your own, or static keys.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::arithmetic_side_effects)]

mod access;
mod checks;
mod claims;
mod clock;
mod config_error;
mod constant_time;
mod credential;
mod discovery;
mod endpoints;
mod error;
mod event_verifier;
mod http_client;
mod id_token_verifier;
mod identity;
mod issuer;
mod jwks;
mod jws;
mod kinde;
mod memory;
mod policy;
mod random;
mod secret;
mod settings;
mod signature_gate;
mod strict_json;
mod untrusted;
mod verifier;

pub use access::{Denial, Requirement, Verdict};
pub use claims::{FlagValue, FromFlag, MalformedClaim, Permissions, Role, TokenClaims};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config_error::{ConfigError, ConfigProblem};
pub use credential::{AuthState, Credential, CredentialSource, RefusedSession};
pub use discovery::{DiscoveryError, DiscoveryErrorKind};
pub use endpoints::Endpoints;
pub use error::{AuthError, AuthErrorKind, AuthReason, TokenKind};
pub use event_verifier::{EventVerifier, SignedEvent};
#[cfg(feature = "reqwest")]
pub use http_client::DefaultClient;
pub use http_client::{FetchError, FetchErrorKind, FetchFuture, HttpFetch};
pub use id_token_verifier::{ExpectedIdToken, IdTokenVerifier};
pub use identity::{AccessToken, IdToken, Identity, MachineToken};
pub use issuer::{InvalidIssuer, Issuer, IssuerProblem};
pub use jwks::{Jwks, JwksBuilder, JwksErrorKind, JwksHealth, KeysUnavailable};
pub use kinde::Kinde;
pub use policy::{All, Any, Flag, FlagIsOn, Not, Policy};
pub use random::{Random, SystemRandom};
pub use secret::Secret;
pub use settings::{AuthRoute, AuthRoutes, Settings};
pub use untrusted::UntrustedText;
pub use verifier::{Verifier, VerifierBuilder, insecure_verify_signature_only};
