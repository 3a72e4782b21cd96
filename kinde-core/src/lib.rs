//! Kinde core.

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
mod http_client;
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
pub use credential::{AuthState, Credential, CredentialSource};
pub use discovery::{DiscoveryError, DiscoveryErrorKind};
pub use endpoints::Endpoints;
pub use error::{AuthError, AuthErrorKind, AuthReason, TokenKind};
#[cfg(feature = "reqwest")]
pub use http_client::DefaultClient;
pub use http_client::{FetchError, FetchErrorKind, FetchFuture, HttpFetch};
pub use identity::{AccessToken, IdToken, Identity, MachineToken};
pub use issuer::{InvalidIssuer, Issuer, IssuerProblem};
pub use jwks::{Jwks, JwksBuilder, JwksErrorKind, JwksHealth, KeysUnavailable};
pub use kinde::Kinde;
pub use policy::{All, Any, Flag, FlagIsOn, Not, Policy};
pub use random::{Random, SystemRandom};
pub use secret::Secret;
pub use settings::{AuthRoute, AuthRoutes, Settings};
pub use untrusted::UntrustedText;
pub use verifier::{
    ExpectedIdToken, IdTokenVerifier, Verifier, VerifierBuilder, insecure_verify_signature_only,
};
