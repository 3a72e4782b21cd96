//! A feature flag as a handler argument.

use std::{fmt, ops::Deref};

use axum_core::extract::FromRequestParts;
use http::request::Parts;
use kinde_core::{AuthReason, Flag};

use crate::{AuthRejection, caller::caller};

/// The value of the feature flag `F`; dereferences to it.
///
/// Where the token does not hold the flag it is `F`'s default. A flag of another kind or shape is answered 403
/// (`claim_malformed`): neither its value nor the default is what somebody decided.
pub struct FeatureFlag<F: Flag> {
    value: F::Value,
    is_default: bool,
}

impl<F: Flag> FeatureFlag<F> {
    /// Gives the value.
    pub fn into_value(self) -> F::Value {
        self.value
    }

    /// Tells whether the token does not hold the flag.
    pub fn is_default(&self) -> bool {
        self.is_default
    }
}

impl<F: Flag> Deref for FeatureFlag<F> {
    type Target = F::Value;

    fn deref(&self) -> &F::Value {
        &self.value
    }
}

impl<F: Flag> fmt::Debug for FeatureFlag<F>
where
    F::Value: fmt::Debug,
{
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FeatureFlag")
            .field("key", &F::KEY)
            .field("value", &self.value)
            .field("is_default", &self.is_default)
            .finish()
    }
}

impl<F: Flag, S: Send + Sync> FromRequestParts<S> for FeatureFlag<F> {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        caller(parts)
            .and_then(|identity| {
                identity.claims().feature_flag(F::KEY).map_err(|malformed| AuthReason::from(malformed).into())
            })
            .map(|held| match held {
                Some(value) => Self { value, is_default: false },
                None => Self { value: F::default_value(), is_default: true },
            })
            .map_err(|error| AuthRejection::new(error, parts))
    }
}
