//! Tokens of the application's own, for calls to other APIs.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Request, header};
use kinde_core::{Clock, FetchError, FetchErrorKind, Secret, SystemClock};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    client::OAuthClient,
    error::{LoginError, LoginReason},
    single_flight::SingleFlight,
};

/// Gets machine tokens for one audience and remembers them: Kinde counts each one it issues.
///
/// One exchange at a time, and a new token before the old one ends. Cheap to clone; clones share the token.
#[derive(Clone, Debug)]
pub struct MachineTokens {
    inner: Arc<Inner>,
}

struct Inner {
    client: OAuthClient,
    audience: String,
    scopes: Vec<String>,
    clock: Arc<dyn Clock>,
    current: Mutex<Option<Current>>,
    flights: SingleFlight<(), Result<Secret, LoginError>>,
}

#[derive(Clone)]
struct Current {
    token: Secret,
    replaced_at: Duration,
}

impl MachineTokens {
    /// Creates a source of tokens for the API `audience`, with every scope the application has there.
    pub fn new(client: OAuthClient, audience: impl Into<String>) -> Self {
        Self::with(client, audience.into(), Vec::new(), Arc::new(SystemClock))
    }

    /// Asks for these scopes alone. Default: all that the application has.
    #[must_use]
    pub fn with_scopes(self, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let Inner { client, audience, clock, .. } = &*self.inner;
        Self::with(client.clone(), audience.clone(), scopes, Arc::clone(clock))
    }

    /// Sets the clock that ages the token. Default: the system's.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        let Inner { client, audience, scopes, .. } = &*self.inner;
        Self::with(client.clone(), audience.clone(), scopes.clone(), Arc::new(clock))
    }

    /// Gives the token, fetched when there is none or when it is about to end.
    ///
    /// # Errors
    ///
    /// Why Kinde gave none; nothing is remembered of a failure, so that the next call asks again.
    pub async fn token(&self) -> Result<Secret, LoginError> {
        if let Some(current) = self.inner.at_hand() {
            return Ok(current);
        }
        let inner = Arc::clone(&self.inner);
        let fetched = self.inner.flights.run((), || async move { inner.fetch().await }).await;
        fetched.unwrap_or_else(|| {
            let abandoned = FetchError::new(FetchErrorKind::Abandoned);
            Err(LoginReason::Unreachable(abandoned).into())
        })
    }

    /// Forgets a token that an API has refused; a newer one stays, however late the refusal comes.
    ///
    /// Take the token by [`token`](Self::token) before the call; the layer sends the same one, unless it was replaced in
    /// between, and then nothing is forgotten.
    pub fn forget(&self, refused: &Secret) {
        let mut current = self.inner.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = current.take().filter(|current| current.token != *refused);
    }

    /// Gives a layer for HTTP clients that are tower services: it adds the token to each request that has no
    /// `Authorization` header.
    ///
    /// # Security
    ///
    /// Put it around a client that calls one API only. Whoever receives the request can use the token.
    pub fn layer(&self) -> MachineTokenLayer {
        MachineTokenLayer { tokens: self.clone() }
    }

    fn with(client: OAuthClient, audience: String, scopes: Vec<String>, clock: Arc<dyn Clock>) -> Self {
        let (current, flights) = (Mutex::default(), SingleFlight::default());
        Self { inner: Arc::new(Inner { client, audience, scopes, clock, current, flights }) }
    }
}

impl Inner {
    fn at_hand(&self) -> Option<Secret> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        current.as_ref().filter(|current| now < current.replaced_at).map(|current| current.token.clone())
    }

    async fn fetch(&self) -> Result<Secret, LoginError> {
        // It may have come between the look and the flight.
        if let Some(current) = self.at_hand() {
            return Ok(current);
        }
        let asked_at = self.clock.monotonic();
        let scopes: Vec<_> = self.scopes.iter().map(String::as_str).collect();
        let answer = self.client.machine_token(&[&self.audience], &scopes).await?;
        let token = answer.untrusted_access_token;
        // RFC 6749 §5.1 only recommends `expires_in`: without it the token is used once.
        let lives = answer.expires_in.unwrap_or_default();
        let replaced_at = asked_at.saturating_add(lives.saturating_sub(lives.min(AHEAD * 10) / 10));
        self.remember(Current { token: token.clone(), replaced_at });
        Ok(token)
    }

    fn remember(&self, current: Current) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(current);
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Inner")
            .field("audience", &self.audience)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Adds a machine token to outgoing requests. Made by [`MachineTokens::layer`].
#[derive(Clone, Debug)]
pub struct MachineTokenLayer {
    tokens: MachineTokens,
}

impl<S> Layer<S> for MachineTokenLayer {
    type Service = MachineTokenService<S>;

    fn layer(&self, inner: S) -> MachineTokenService<S> {
        MachineTokenService { inner, tokens: self.tokens.clone() }
    }
}

/// The service that [`MachineTokenLayer`] builds.
#[derive(Clone, Debug)]
pub struct MachineTokenService<S> {
    inner: S,
    tokens: MachineTokens,
}

impl<S, B> Service<Request<B>> for MachineTokenService<S>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that was polled ready goes along; its clone, not yet ready, stays behind.
        let clone = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, clone);
        let tokens = self.tokens.clone();
        Box::pin(async move {
            if !request.headers().contains_key(header::AUTHORIZATION) {
                let token = tokens.token().await?;
                let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))?;
                bearer.set_sensitive(true);
                request.headers_mut().insert(header::AUTHORIZATION, bearer);
            }
            ready.call(request).await.map_err(Into::into)
        })
    }
}

/// A token is replaced this long before its end; one that lives less than ten times as long, in its last tenth.
const AHEAD: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kinde_core::{Endpoints, FetchFuture, HttpFetch, Issuer};

    use super::*;

    /// Answers nobody.
    #[derive(Debug)]
    struct Silent;

    impl HttpFetch for Silent {
        fn fetch(&self, _: Request<Bytes>, _: usize) -> FetchFuture<'_> {
            Box::pin(std::future::pending())
        }
    }

    /// covers: J5 J8
    #[test]
    fn request_whose_runtime_ended_was_abandoned_and_no_store_is_blamed() {
        let endpoints = Endpoints::new(&Issuer::new("https://acme.kinde.com").unwrap());
        let client = OAuthClient::new(endpoints, "client", None, Silent);
        let tokens = MachineTokens::new(client, "https://api.example.com");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let _entered = handle.enter();
        let mut asking = std::pin::pin!(tokens.token());
        let Poll::Ready(Err(error)) =
            asking.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()))
        else {
            panic!("it waits, or has a token");
        };
        assert_eq!(error.code(), "provider_unreachable");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, FetchError::new(FetchErrorKind::Abandoned).to_string());
    }
}
