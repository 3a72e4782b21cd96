//! Kinde core.
mod clock;
mod config_error;
mod constant_time;
mod http_client;
mod issuer;
mod random;
mod secret;
mod untrusted;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config_error::{ConfigError, ConfigProblem};
#[cfg(feature = "reqwest")]
pub use http_client::DefaultClient;
pub use http_client::{FetchError, FetchErrorKind, FetchFuture, HttpFetch};
pub use issuer::{InvalidIssuer, Issuer, IssuerProblem};
pub use random::{Random, SystemRandom};
pub use secret::Secret;
pub use untrusted::UntrustedText;
