//! Who calls: a person, a machine, or either.

use std::{ops::Deref, sync::Arc};

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use kinde_core::{AccessToken, AuthError, AuthState, Identity, MachineToken, TokenKind};

use crate::AuthRejection;

/// The person who calls, proven; dereferences to the verified [`AccessToken`].
///
/// Without a credential the answer is 401, for a machine 403, without a `KindeLayer` 500. As
/// `Option<AuthUser>` it is `None` for an anonymous request behind an optional layer, and nothing else.
#[derive(Clone, Debug)]
pub struct AuthUser(Arc<AccessToken>);

impl AuthUser {
    fn of(identity: &Identity) -> Result<Self, AuthError> {
        match identity {
            Identity::User(token) => Ok(Self(Arc::clone(token))),
            Identity::Machine(_) => Err(AuthError::caller_kind(TokenKind::User, TokenKind::Machine)),
        }
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
        caller(parts).and_then(Self::of).map_err(|error| AuthRejection::new(error, parts))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for AuthUser {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthRejection> {
        caller_if_any(parts)
            .and_then(|identity| identity.map(Self::of).transpose())
            .map_err(|error| AuthRejection::new(error, parts))
    }
}

/// The machine-to-machine application that calls, proven; dereferences to the verified [`MachineToken`].
///
/// Needs a layer with `accept_machines()`. For a person the answer is 403.
#[derive(Clone, Debug)]
pub struct AuthMachine(Arc<MachineToken>);

impl AuthMachine {
    fn of(identity: &Identity) -> Result<Self, AuthError> {
        match identity {
            Identity::Machine(token) => Ok(Self(Arc::clone(token))),
            Identity::User(_) => Err(AuthError::caller_kind(TokenKind::Machine, TokenKind::User)),
        }
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
        caller(parts).and_then(Self::of).map_err(|error| AuthRejection::new(error, parts))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for AuthMachine {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthRejection> {
        caller_if_any(parts)
            .and_then(|identity| identity.map(Self::of).transpose())
            .map_err(|error| AuthRejection::new(error, parts))
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

impl From<&Identity> for Caller {
    fn from(identity: &Identity) -> Self {
        match identity {
            Identity::User(token) => Self::User(AuthUser(Arc::clone(token))),
            Identity::Machine(token) => Self::Machine(AuthMachine(Arc::clone(token))),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        caller(parts).map(Self::from).map_err(|error| AuthRejection::new(error, parts))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthRejection> {
        caller_if_any(parts)
            .map(|identity| identity.map(Self::from))
            .map_err(|error| AuthRejection::new(error, parts))
    }
}

/// Gives the identity of a request, for the extractors of this crate.
pub(crate) fn caller(parts: &Parts) -> Result<&Identity, AuthError> {
    AuthState::of(&parts.extensions)?.identity()
}

fn caller_if_any(parts: &Parts) -> Result<Option<&Identity>, AuthError> {
    AuthState::of(&parts.extensions).map(AuthState::identity_if_any)
}
