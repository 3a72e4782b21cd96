//! One HTTP client and one clock for all parts of sign-in.

use std::{sync::Arc, time::Duration};

use kinde_core::{Clock, HttpFetch};

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
