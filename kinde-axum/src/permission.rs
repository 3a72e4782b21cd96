//! A policy demanded in a handler's signature.

use std::{fmt, marker::PhantomData};

use axum_core::extract::FromRequestParts;
use http::request::Parts;
use kinde_core::{Identity, Policy};

use crate::{AuthRejection, caller::caller};

/// Lets a request reach the handler only if its identity meets the policy `P`; otherwise 403.
///
/// `P` is a marker type from `permissions!`, `roles!` or `scopes!`, or a combination with `All`, `Any` and
/// `Not`. Without a credential the answer is 401.
// The bound stands on the type so that a wrong `P` is named where the handler is written, not where it is routed.
pub struct RequirePermission<P: Policy> {
    identity: Identity,
    policy: PhantomData<fn() -> P>,
}

impl<P: Policy> RequirePermission<P> {
    /// Gives the identity that meets the policy.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl<P: Policy, S: Send + Sync> FromRequestParts<S> for RequirePermission<P> {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        caller(parts)
            .and_then(|identity| P::requirement().check(identity).map(|()| identity.clone()))
            .map(|identity| Self { identity, policy: PhantomData })
            .map_err(|error| AuthRejection::new(error, parts))
    }
}

impl<P: Policy> Clone for RequirePermission<P> {
    fn clone(&self) -> Self {
        Self { identity: self.identity.clone(), policy: PhantomData }
    }
}

impl<P: Policy> fmt::Debug for RequirePermission<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RequirePermission<{}>", std::any::type_name::<P>())
    }
}
