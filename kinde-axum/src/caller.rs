//! Who calls: a person, a machine, or either.

use std::{ops::Deref, sync::Arc};

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use kinde_core::{AccessToken, AuthError, AuthState, Identity, MachineToken};

use crate::AuthRejection;

/// The person who calls, proven; dereferences to the verified [`AccessToken`].
///
/// Without a credential the answer is 401, for a machine 403, without a `KindeLayer` 500. As
/// `Option<AuthUser>` it is `None` for an anonymous request behind an optional layer, and nothing else.
#[derive(Clone, Debug)]
pub struct AuthUser(Arc<AccessToken>);

impl AuthUser {
    /// Gives the identity, to check a requirement that is known at run time only:
    /// `requirement.check(&user.identity())?`.
    pub fn identity(&self) -> Identity {
        Identity::User(Arc::clone(&self.0))
    }

    fn of(state: &AuthState) -> Result<Self, AuthError> {
        state.user().map(|token| Self(Arc::clone(token)))
    }
}

impl Deref for AuthUser {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AuthUser {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        demanded(parts, Self::of)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for AuthUser {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthRejection> {
        demanded_if_any(parts, Self::of)
    }
}

/// The machine-to-machine application that calls, proven; dereferences to the verified [`MachineToken`].
///
/// Needs a layer with `accept_machines()`. For a person the answer is 403.
#[derive(Clone, Debug)]
pub struct AuthMachine(Arc<MachineToken>);

impl AuthMachine {
    /// Gives the identity, to check a requirement that is known at run time only.
    pub fn identity(&self) -> Identity {
        Identity::Machine(Arc::clone(&self.0))
    }

    fn of(state: &AuthState) -> Result<Self, AuthError> {
        state.machine().map(|token| Self(Arc::clone(token)))
    }
}

impl Deref for AuthMachine {
    type Target = MachineToken;

    fn deref(&self) -> &MachineToken {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AuthMachine {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        demanded(parts, Self::of)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for AuthMachine {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthRejection> {
        demanded_if_any(parts, Self::of)
    }
}

/// Whoever calls, proven: a person or a machine. Complete by nature.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A person.
    User(AuthUser),
    /// A machine-to-machine application.
    Machine(AuthMachine),
}

impl Caller {
    fn of(state: &AuthState) -> Result<Self, AuthError> {
        Ok(match state.identity()? {
            Identity::User(token) => Self::User(AuthUser(Arc::clone(token))),
            Identity::Machine(token) => Self::Machine(AuthMachine(Arc::clone(token))),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        demanded(parts, Self::of)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthRejection> {
        demanded_if_any(parts, Self::of)
    }
}

/// Gives the identity of a request, for the extractors of this crate.
pub(crate) fn caller(parts: &Parts) -> Result<&Identity, AuthError> {
    AuthState::of(&parts.extensions)?.identity()
}

pub(crate) fn demanded<T>(
    parts: &Parts,
    of: impl FnOnce(&AuthState) -> Result<T, AuthError>,
) -> Result<T, AuthRejection> {
    AuthState::of(&parts.extensions).and_then(of).map_err(|error| AuthRejection::new(error, parts))
}

/// As [`demanded`], with `None` for an anonymous request and for nothing else.
pub(crate) fn demanded_if_any<T>(
    parts: &Parts,
    of: impl FnOnce(&AuthState) -> Result<T, AuthError>,
) -> Result<Option<T>, AuthRejection> {
    let if_any = |state: &AuthState| if state.is_anonymous() { Ok(None) } else { of(state).map(Some) };
    AuthState::of(&parts.extensions).and_then(if_any).map_err(|error| AuthRejection::new(error, parts))
}
