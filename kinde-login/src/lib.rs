//! Kinde sign-in for browsers on any tower stack: auth routes, sessions that refresh, an OAuth client.
//!
//! ```
//! # fn build(kinde: &kinde_core::Kinde) -> Result<(), kinde_core::ConfigError> {
//! let login = kinde_login::Login::builder(kinde).build()?;
//! let routes = login.routes(); // nest_service("/api/auth", routes), outside of every layer
//! let layer = login.session_layer(); // outside of KindeLayer
//! # let _ = (routes, layer); Ok(()) }
//! ```
//!
//! # Map
//!
//! | To | Look at |
//! | --- | --- |
//! | sign people in and out | [`Login::routes`], [`Links`] |
//! | authenticate requests of browsers | [`Login::session_layer`] |
//! | send whoever is not signed in to sign in | [`Login::login_required`] |
//! | know who it is, call other APIs | [`SessionHandle`], [`SessionUser`] |
//! | keep sessions outside of the cookie | [`SessionStore`], [`MemoryStore`], `RedisStore`, `PostgresStore` |
//! | talk to Kinde yourself, from the authorization URL to the logout URL | [`OAuthClient`] |
//! | call another API as the application itself | [`MachineTokens`] |
//! | say in your own way why a sign-in failed | [`RenderPage`] |
//!
//! # What is not here
//!
//! No verification and no authorization: the session layer presents a [`Credential`](kinde_core::Credential) to
//! `KindeLayer`, and gates and extractors work as for a bearer token.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod authorize;
mod body;
mod callback;
mod client;
mod cookies;
mod default_client;
mod default_port;
mod error;
mod flow;
mod links;
mod login;
mod machine;
mod navigation;
mod opened_at;
mod page;
mod problems;
mod random;
mod required;
mod response;
mod return_to;
mod routes;
mod seal;
mod session;
mod single_flight;

pub use body::ResponseBody;
pub use client::{AuthorizationRequest, OAuthClient, PortalPage, TokenAnswer, UserProfile};
pub use error::{LoginError, LoginErrorKind, LoginReason};
pub use links::{Link, Links};
pub use login::{Login, LoginBuilder};
pub use machine::{MachineTokenLayer, MachineTokenService, MachineTokens};
pub use page::{Failure, PlainPage, RenderPage};
pub use required::{LoginRequired, LoginRequiredFuture, LoginRequiredLayer};
pub use return_to::ReturnTo;
pub use routes::LoginRoutes;
#[cfg(feature = "postgres")]
pub use session::PostgresStore;
#[cfg(feature = "redis")]
pub use session::RedisStore;
pub use session::{
    Lives, MemoryStore, ResponseFuture, SessionHandle, SessionId, SessionLayer, SessionService, SessionStore,
    SessionUser, StoreError, StoreFuture, Stored, UserOrganization,
};

#[doc(no_inline)]
pub use kinde_core;
