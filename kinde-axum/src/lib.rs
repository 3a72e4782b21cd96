//! Kinde identities, permissions, organizations and feature flags as axum handler arguments.

mod caller;
mod claims;
mod flag;
mod organization;
mod permission;
mod rejection;

pub use caller::{AuthMachine, AuthUser, Caller};
pub use claims::Claims;
pub use flag::FeatureFlag;
pub use organization::OrgCode;
pub use permission::RequirePermission;
pub use rejection::AuthRejection;

pub use kinde_core as core;
pub use kinde_core::{
    AccessToken, All, Any, AuthError, AuthErrorKind, AuthReason, ConfigError, Flag, FlagIsOn, Identity,
    Issuer, Jwks, Kinde, MachineToken, Not, Policy, Requirement, Role, Settings, TokenClaims, Verifier,
    flags, permissions, roles, scopes,
};
pub use kinde_tower as tower;
pub use kinde_tower::{KindeLayer, RequireLayer, require};
