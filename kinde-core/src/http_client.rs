//! The HTTP client that fetches key sets and discovery documents, behind a trait.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;

/// A future that an [`HttpFetch`] returns.
pub type FetchFuture<'a> =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, FetchError>> + Send + 'a>>;

/// Sends one HTTP request and reads its whole answer.
///
/// Implement it to bring your own client. The caller puts a deadline around the future and judges status
/// and media type; an implementation owes four things:
///
/// - it follows **no redirects** (a 3xx answer is returned as it is),
/// - it stops reading after `body_limit_bytes` with [`FetchErrorKind::TooLarge`], counted after any
///   decompression,
/// - it sends no cookies and no credentials that the request does not hold,
/// - dropping the future cancels the exchange.
pub trait HttpFetch: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and reads an answer of at most `body_limit_bytes`.
    fn fetch(&self, request: http::Request<Bytes>, body_limit_bytes: usize) -> FetchFuture<'_>;
}

/// A client that several share.
impl<H: HttpFetch + ?Sized> HttpFetch for Arc<H> {
    fn fetch(&self, request: http::Request<Bytes>, body_limit_bytes: usize) -> FetchFuture<'_> {
        (**self).fetch(request, body_limit_bytes)
    }
}

/// Why an HTTP exchange brought no answer.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct FetchError {
    kind: FetchErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl FetchError {
    /// Creates an error without a cause.
    pub fn new(kind: FetchErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Adds the client's own error, for logs.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Tells what went wrong.
    pub fn kind(&self) -> FetchErrorKind {
        self.kind
    }
}

/// What went wrong in an HTTP exchange. Each kind is a stable, low-cardinality word for logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// No connection, or it broke: DNS, TCP, TLS, a reset.
    #[error("connection failed")]
    Connection,
    /// The whole exchange took longer than the deadline.
    #[error("deadline passed")]
    Deadline,
    /// The body is larger than the limit.
    #[error("body too large")]
    TooLarge,
    /// The client followed a redirect, which it must not.
    #[error("redirected")]
    Redirected,
    /// The runtime that carried the exchange ended before it did.
    #[error("abandoned")]
    Abandoned,
}

/// Runs `exchange` for at most `deadline` of physical time.
///
/// A test may pause tokio's clock, which then skips every sleep: the sleep is only believed when the
/// machine's own clock agrees, so a paused runtime neither fails the exchange nor hangs it.
pub(crate) async fn within<T>(
    deadline: Duration,
    exchange: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, FetchError> {
    let mut exchange = std::pin::pin!(exchange);
    let started = crate::clock::physical_now();
    loop {
        let left = deadline.saturating_sub(started.elapsed());
        match tokio::time::timeout(left, exchange.as_mut()).await {
            Ok(outcome) => return outcome,
            Err(_) if started.elapsed() >= deadline => return Err(FetchError::new(FetchErrorKind::Deadline)),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[cfg(feature = "reqwest")]
pub use default_client::DefaultClient;

#[cfg(feature = "reqwest")]
mod default_client {
    use super::*;

    /// The default client: reqwest on rustls with aws-lc-rs, without redirects, proxies or cookies.
    ///
    /// Environment variables such as `HTTPS_PROXY` are not read. Behind a proxy, or with roots of your
    /// own, pass a client through [`with_reqwest`](DefaultClient::with_reqwest).
    #[derive(Clone, Debug)]
    pub struct DefaultClient {
        client: reqwest::Client,
    }

    impl DefaultClient {
        /// Builds the client.
        ///
        /// # Errors
        ///
        /// [`FetchErrorKind::Connection`] when TLS cannot be set up, for example without any root
        /// certificate on the machine.
        pub fn new() -> Result<Self, FetchError> {
            let client = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .user_agent(concat!("kinde-rust/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| FetchError::new(FetchErrorKind::Connection).with_source(error))?;
            Ok(Self { client })
        }

        /// Uses a client of your own, for a proxy or for private roots.
        ///
        /// # Security
        ///
        /// Build it with `redirect(reqwest::redirect::Policy::none())`: a redirect would let whoever
        /// answers for a path choose where keys come from. An answer from elsewhere is refused.
        pub fn with_reqwest(client: reqwest::Client) -> Self {
            Self { client }
        }
    }

    impl HttpFetch for DefaultClient {
        fn fetch(&self, request: http::Request<Bytes>, body_limit_bytes: usize) -> FetchFuture<'_> {
            Box::pin(async move {
                let request = request.map(reqwest::Body::from);
                let request = reqwest::Request::try_from(request).map_err(broken)?;
                let url = request.url().clone();
                let mut answer = self.client.execute(request).await.map_err(broken)?;
                // A client that was passed in may follow redirects: what it brings back is not believed.
                if *answer.url() != url {
                    return Err(FetchError::new(FetchErrorKind::Redirected));
                }
                let mut body = Vec::new();
                while let Some(chunk) = answer.chunk().await.map_err(broken)? {
                    if body.len().saturating_add(chunk.len()) > body_limit_bytes {
                        return Err(FetchError::new(FetchErrorKind::TooLarge));
                    }
                    body.extend_from_slice(&chunk);
                }
                let mut response = http::Response::new(Bytes::from(body));
                *response.status_mut() = answer.status();
                *response.headers_mut() = std::mem::take(answer.headers_mut());
                Ok(response)
            })
        }
    }

    fn broken(error: reqwest::Error) -> FetchError {
        // The URL is configuration, but it may hold what the operator would not print.
        FetchError::new(FetchErrorKind::Connection).with_source(error.without_url())
    }
}
