//! One HTTP client and one clock for all parts of sign-in.

use std::{sync::Arc, time::Duration};

use kinde_core::{Clock, ConfigError, ConfigProblem, HttpFetch};

/// A client that several parts share.
#[derive(Clone, Debug)]
pub(crate) struct Shared(pub(crate) Arc<dyn HttpFetch>);

impl HttpFetch for Shared {
    fn fetch(
        &self,
        request: http::Request<bytes::Bytes>,
        body_limit_bytes: usize,
    ) -> kinde_core::FetchFuture<'_> {
        self.0.fetch(request, body_limit_bytes)
    }
}

/// A clock that several parts share.
#[derive(Clone, Debug)]
pub(crate) struct SharedClock(pub(crate) Arc<dyn Clock>);

impl Clock for SharedClock {
    fn wall(&self) -> Duration {
        self.0.wall()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

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
