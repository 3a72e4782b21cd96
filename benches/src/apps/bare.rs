//! The bare handler, and the floor of every layer that hands something to a handler.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, extract::Request, response::Response, routing::get};
use http::request::Parts;
use http_body_util::BodyExt;
use tower::{Layer, Service, util::MapResponseLayer};

/// Builds the bare axum handler: what a request costs without any protection.
pub fn bare() -> Router {
    Router::new().route("/me", get(async || "kp_0123456789"))
}

/// Builds a handler behind a layer that only inserts one `Arc` into the extensions, and an extractor that takes it.
pub fn floor() -> Router {
    let identity = Arc::new(Inserted("kp_0123456789".to_owned()));
    Router::new()
        .route("/me", get(async |caller: FloorCaller| caller.0.0.clone()))
        .layer(InsertLayer(identity))
}

/// Builds the same with a layer whose response body is a type of its own, as a layer's is that can refuse: axum then
/// boxes it.
pub fn floor_with_own_body() -> Router {
    let identity = Arc::new(Inserted("kp_0123456789".to_owned()));
    let own_body =
        MapResponseLayer::new(|response: Response| response.map(|body| body.map_err(|error| error)));
    let handler = get(async |caller: FloorCaller| caller.0.0.clone());
    Router::new().route("/me", handler).layer((InsertLayer(identity), own_body))
}

/// Builds a handler behind a layer that refuses every request at once, without a word: the floor of a refusal.
pub fn refusing() -> Router {
    Router::new().route("/me", get(async || "kp_0123456789")).layer(RefuseLayer)
}

#[derive(Clone)]
struct RefuseLayer;

impl<S> Layer<S> for RefuseLayer {
    type Service = Refuse<S>;

    fn layer(&self, inner: S) -> Refuse<S> {
        Refuse { _inner: inner }
    }
}

#[derive(Clone)]
struct Refuse<S> {
    _inner: S,
}

impl<S: Service<Request>> Service<Request> for Refuse<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = std::future::Ready<Result<Response, S::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        let mut response = Response::default();
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        std::future::ready(Ok(response))
    }
}

#[derive(Debug)]
struct Inserted(String);

struct FloorCaller(Arc<Inserted>);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for FloorCaller {
    type Rejection = http::StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, http::StatusCode> {
        let inserted = parts.extensions.get::<Arc<Inserted>>();
        inserted.map(|inserted| Self(Arc::clone(inserted))).ok_or(http::StatusCode::INTERNAL_SERVER_ERROR)
    }
}

#[derive(Clone)]
struct InsertLayer(Arc<Inserted>);

impl<S> Layer<S> for InsertLayer {
    type Service = Insert<S>;

    fn layer(&self, inner: S) -> Insert<S> {
        Insert { inner, identity: Arc::clone(&self.0) }
    }
}

#[derive(Clone)]
struct Insert<S> {
    inner: S,
    identity: Arc<Inserted>,
}

impl<S: Service<Request>> Service<Request> for Insert<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> S::Future {
        request.extensions_mut().insert(Arc::clone(&self.identity));
        self.inner.call(request)
    }
}
