//! The HTTP client that is used where none was given.

use std::sync::Arc;

use kinde_core::{ConfigError, ConfigProblem, HttpFetch};

/// Builds the client that is used where none was given.
#[cfg(feature = "reqwest")]
pub(crate) fn default_client() -> Result<Arc<dyn HttpFetch>, ConfigError> {
    let fix = "the machine has no usable TLS roots; install them or give a client";
    let client = kinde_core::DefaultClient::new();
    let client = client.map_err(|_| ConfigProblem::new("http_client_unusable", "with_http_client", fix))?;
    Ok(Arc::new(client))
}

/// Says that one has to be given.
#[cfg(not(feature = "reqwest"))]
pub(crate) fn default_client() -> Result<Arc<dyn HttpFetch>, ConfigError> {
    let fix = "give an HTTP client, or turn on the feature reqwest";
    Err(ConfigProblem::new("http_client_missing", "with_http_client", fix).into())
}
