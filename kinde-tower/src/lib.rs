//! Puts Kinde identities and gates around any tower service: axum, tonic, hyper, Lambda, a queue worker.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use kinde_tower::{KindeLayer, kinde_core, require, user};
//! use tower::ServiceBuilder;
//!
//! kinde_core::permissions! { pub CreateTodos = "create:todos"; }
//!
//! async fn create(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, kinde_core::AuthError> {
//!     let user = user(request.extensions())?;
//!     Ok(Response::new(Full::from(format!("created by {}", user.id()))))
//! }
//!
//! # fn build(verifier: kinde_core::Verifier) {
//! let service = ServiceBuilder::new()
//!     .layer(KindeLayer::new(verifier))
//!     .layer(require::<CreateTodos>())
//!     .service_fn(create);
//! # }
//! ```
//!
//! # Map
//!
//! | To | Look at |
//! | --- | --- |
//! | authenticate | [`KindeLayer`]: required, or [`optional`](KindeLayer::optional) |
//! | authorize a whole service | [`require`] by type, [`RequireLayer`] by run-time name |
//! | authorize inside a service | [`user`], [`identity`], [`check`], [`grpc_status`] |
//! | write refusals in your own way | [`RenderRefusal`]; statuses and challenges stay |
//! | count | [`KindeLayer::with_observer`], [`Outcome`]; the [`AuthError`](kinde_core::AuthError) is also in the response's extensions |
//!
//! # What the caller is told
//!
//! | Situation | Status | `WWW-Authenticate` |
//! | --- | --- | --- |
//! | no credential | 401 | `Bearer realm="api"` |
//! | malformed or repeated `Authorization` | 400 | `error="invalid_request"` |
//! | anything wrong inside the token | 401 | `error="invalid_token"` |
//! | not allowed | 403 | `error="insufficient_scope"` |
//! | keys unavailable | 503 with `Retry-After` | none |
//! | no layer in place | 500, explained in the log | none |
//!
//! A gRPC request (HTTP/2, `POST`, `content-type: application/grpc`) gets HTTP 200 with `grpc-status` 16, 16, 16, 7, 14 and 13.
//!
//! # Events
//!
//! `tracing` events of target `kinde_tower`: a refusal with `code` (stable, few), `reason` (expected and found,
//! escaped, never a token) and `fix`; a missing credential at debug, a refused one at info, unavailable keys at
//! warn, a wiring mistake at error.
//!
//! # What is not here
//!
//! No sessions and no sign-in; a session layer outside of [`KindeLayer`] hands over a
//! [`Credential`](kinde_core::Credential). No list of paths to skip: a layer protects what it wraps.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod credential;
mod event;
mod extensions;
mod future;
mod layer;
mod rejection;
mod require;
mod service;

pub use body::ResponseBody;
pub use event::Outcome;
pub use extensions::{check, identity, user};
pub use future::ResponseFuture;
pub use layer::KindeLayer;
pub use rejection::{ProblemJson, Protocol, Refusal, RefusalStyle, RenderRefusal, grpc_status};
pub use require::{Require, RequireLayer, require};
pub use service::KindeService;

#[doc(no_inline)]
pub use kinde_core;
