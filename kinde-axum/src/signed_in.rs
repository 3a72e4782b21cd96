//! The profile of who is signed in.

use std::{fmt, sync::Arc};

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use kinde_core::{AccessToken, AuthError, AuthState};
use kinde_login::{SessionHandle, SessionUser, UserOrganization};

use crate::{
    AuthRejection,
    caller::{demanded, demanded_if_any},
};

/// Who is signed in, with their profile: from the session's verified ID token.
///
/// Refusals are those of [`AuthUser`](crate::AuthUser). A caller with a bearer token has no session: then the profile is
/// what the access token holds, and each method says how to put more into it rather than give an empty text.
#[derive(Clone, Debug)]
pub struct SignedInUser {
    access_token: Arc<AccessToken>,
    session: Option<SessionUser>,
}

impl SignedInUser {
    /// Gives the person's id.
    pub fn id(&self) -> &str {
        self.access_token.id()
    }

    /// Gives the e-mail address.
    ///
    /// # Errors
    ///
    /// [`NotInToken`] when neither ID token nor access token holds it.
    pub fn email(&self) -> Result<String, NotInToken> {
        self.text("email", |user| user.email.as_deref())
    }

    /// Gives the given name.
    ///
    /// # Errors
    ///
    /// As [`email`](Self::email).
    pub fn given_name(&self) -> Result<String, NotInToken> {
        self.text("given_name", |user| user.given_name.as_deref())
    }

    /// Gives the family name.
    ///
    /// # Errors
    ///
    /// As [`email`](Self::email).
    pub fn family_name(&self) -> Result<String, NotInToken> {
        self.text("family_name", |user| user.family_name.as_deref())
    }

    /// Gives the URL of a picture.
    ///
    /// # Errors
    ///
    /// As [`email`](Self::email).
    pub fn picture(&self) -> Result<String, NotInToken> {
        self.text("picture", |user| user.picture.as_deref())
    }

    /// Gives the phone number.
    ///
    /// # Errors
    ///
    /// As [`email`](Self::email).
    pub fn phone_number(&self) -> Result<String, NotInToken> {
        self.text("phone_number", |user| user.phone_number.as_deref())
    }

    /// Gives the person's organizations, for a switcher.
    ///
    /// # Errors
    ///
    /// As [`email`](Self::email).
    pub fn organizations(&self) -> Result<&[UserOrganization], NotInToken> {
        let organizations = self.session.as_ref().map(|user| user.organizations.as_slice());
        organizations.filter(|all| !all.is_empty()).ok_or(NotInToken { claim: "organizations" })
    }

    fn of(parts: &Parts, state: &AuthState) -> Result<Self, AuthError> {
        let access_token = Arc::clone(state.user()?);
        let session = SessionHandle::user(&parts.extensions).ok();
        Ok(Self { access_token, session })
    }

    fn text(
        &self,
        claim: &'static str,
        of_session: impl Fn(&SessionUser) -> Option<&str>,
    ) -> Result<String, NotInToken> {
        let known = match &self.session {
            Some(user) => of_session(user).map(str::to_owned),
            None => self.access_token.claim(claim).ok().flatten(),
        };
        known.ok_or(NotInToken { claim })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedInUser {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        demanded(parts, |state| Self::of(parts, state))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedInUser {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthRejection> {
        demanded_if_any(parts, |state| Self::of(parts, state))
    }
}

/// The tokens of this caller do not hold a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotInToken {
    claim: &'static str,
}

impl NotInToken {
    /// Gives the claim's name.
    pub fn claim(&self) -> &'static str {
        self.claim
    }
}

impl fmt::Display for NotInToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} is not in this token: choose it in Kinde under the application's token customization",
            self.claim
        )
    }
}

impl std::error::Error for NotInToken {}
