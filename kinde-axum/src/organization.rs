//! The organization of the token.

use std::{fmt, ops::Deref};

use axum_core::extract::FromRequestParts;
use http::request::Parts;
use kinde_core::{AuthError, AuthReason, UntrustedText};
use kinde_tower::{Protocol, RefusalStyle};

use crate::{AuthRejection, caller::caller};

/// The code of the organization that the token belongs to; constructible only from a verified token.
///
/// A token without an organization is answered 403. Scope every query by it, and compare a code from the
/// path with [`ensure`](OrgCode::ensure): a path says what is asked for, the token what is granted.
#[derive(Clone)]
pub struct OrgCode {
    code: Box<str>,
    style: RefusalStyle,
}

impl OrgCode {
    /// Gives the code, for example `org_7d21c9e04b6`.
    pub fn as_str(&self) -> &str {
        &self.code
    }

    /// Checks that the request addresses the organization of the token; compared exactly.
    ///
    /// # Errors
    ///
    /// `organization_mismatch` (403) when it addresses another.
    pub fn ensure(&self, addressed: &str) -> Result<(), AuthRejection> {
        if *self.code == *addressed {
            return Ok(());
        }
        let (expected, found) = (UntrustedText::new(addressed), UntrustedText::new(&self.code));
        let error = AuthError::from(AuthReason::OrganizationMismatch { expected, found });
        Err(AuthRejection::in_style(error, &self.style, Protocol::Http))
    }
}

impl Deref for OrgCode {
    type Target = str;

    fn deref(&self) -> &str {
        &self.code
    }
}

impl fmt::Display for OrgCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.code)
    }
}

impl fmt::Debug for OrgCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OrgCode({})", UntrustedText::new(&self.code))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OrgCode {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        let code = caller(parts).and_then(|identity| match identity.claims().org_code() {
            Ok(Some(code)) => Ok(Box::from(code)),
            Ok(None) => Err(AuthReason::OrganizationAbsent.into()),
            Err(malformed) => Err(AuthReason::from(malformed).into()),
        });
        match code {
            Ok(code) => Ok(Self { code, style: RefusalStyle::of(&parts.extensions) }),
            Err(error) => Err(AuthRejection::new(error, parts)),
        }
    }
}
