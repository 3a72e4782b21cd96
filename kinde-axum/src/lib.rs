//! Gives axum handlers proven Kinde identities, permissions, organizations and feature flags as arguments.
//!
//! ```
//! use axum::{Router, routing::get};
//! use kinde_axum::{AuthUser, KindeLayer, OrgCode, RequirePermission, permissions};
//!
//! permissions! { /// May create to-do items.
//!                pub CreateTodos = "create:todos"; }
//!
//! async fn me(user: AuthUser) -> String { user.id().to_owned() }
//! async fn create(_: RequirePermission<CreateTodos>, org: OrgCode) -> String { format!("created in {org}") }
//!
//! # #[cfg(feature = "reqwest")]
//! # fn build() -> Result<(), kinde_axum::ConfigError> {
//! let app: Router = Router::new().route("/me", get(me)).route("/todos", get(create))
//!     .layer(KindeLayer::from_env()?);
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | Argument | Reaches the handler when | Otherwise |
//! | --- | --- | --- |
//! | [`AuthUser`] | a person calls | 401; 403 for a machine |
//! | `Option<AuthUser>` | always behind an [`optional`](KindeLayer::optional) layer: `None` is anonymous | a refused token never gets here |
//! | [`AuthMachine`], [`Caller`] | a machine, or either, calls | 401, 403 |
//! | [`RequirePermission<P>`](RequirePermission) | the policy `P` is met | 403 |
//! | [`OrgCode`] | the token has an organization | 403 |
//! | [`FeatureFlag<F>`](FeatureFlag) | the flag has its type, or is absent: then its default | 403 |
//! | [`Claims<T>`](Claims) | the claims fit `T` | 403 |
//! | `SignedInUser` (feature `login`) | a person calls: profile and organizations of their session | 401, 403 |
//! | `Webhook<E>` (feature `webhook`) | the body is an event that Kinde signed, of the type `E` | 400, 401, 503 … |
//!
//! Every one of the others answers 500, with an explanation in the log, where no [`KindeLayer`] has seen the request.
//! `P` is a marker from [`permissions!`], [`roles!`] or [`scopes!`], [`FlagIsOn`], or [`All`], [`Any`] and [`Not`] of
//! such; a type alias names the whole.
//!
//! # What is not here
//!
//! axum itself: the crate builds on axum-core, so it follows axum 0.8 wherever that goes. Verification is in
//! kinde-core, the layers are in kinde-tower; what an axum user needs of both is re-exported.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod caller;
mod claims;
mod flag;
mod organization;
mod permission;
mod rejection;
#[cfg(feature = "login")]
mod signed_in;
#[cfg(feature = "webhook")]
mod webhook;

pub use caller::{AuthMachine, AuthUser, Caller};
pub use claims::Claims;
pub use flag::FeatureFlag;
#[cfg(feature = "login")]
pub use kinde_login;
#[cfg(feature = "webhook")]
pub use kinde_webhook;
pub use organization::OrgCode;
pub use permission::RequirePermission;
pub use rejection::AuthRejection;
#[cfg(feature = "login")]
pub use signed_in::{NotInToken, SignedInUser};
#[cfg(feature = "webhook")]
pub use webhook::{Webhook, WebhookRejection};

pub use kinde_core::{
    AccessToken, All, Any, AuthError, AuthErrorKind, AuthReason, Clock, ConfigError, ConfigProblem, Denial,
    FetchError, FetchErrorKind, FetchFuture, Flag, FlagIsOn, FlagValue, FromFlag, HttpFetch, Identity,
    Issuer, Jwks, JwksBuilder, JwksHealth, KeysUnavailable, Kinde, MachineToken, MalformedClaim, ManualClock,
    Not, Permissions, Policy, Requirement, Role, Secret, Settings, TokenClaims, TokenKind, UntrustedText,
    Verdict, Verifier, VerifierBuilder, flags, permissions, roles, scopes,
};
pub use kinde_tower::{
    KindeLayer, Outcome, ProblemJson, Refusal, RefusalStyle, RenderRefusal, RequireLayer, check, identity,
    require, user,
};
