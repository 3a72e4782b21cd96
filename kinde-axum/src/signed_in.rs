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
/// what the access token holds, and each method says how to put more into it rather than give an empty text. Of all this
/// Kinde itself puts the e-mail address there, where the application's token customization asks for it; the rest is in ID
/// tokens, unless a token workflow writes claims of the same names into access tokens.
#[derive(Clone, Debug)]
pub struct SignedInUser {
    access_token: Arc<AccessToken>,
    source: Source,
}

/// Where the profile is from.
#[derive(Clone, Debug)]
enum Source {
    Session(SessionUser),
    /// The access token, and the organizations it lists.
    Bearer(Vec<UserOrganization>),
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
    /// A session has those that the ID token lists. A bearer token lists none unless a token workflow writes the claim
    /// `organizations` (`[{"id", "name"}]`) or `org_codes` into it; the organization it is for is
    /// [`OrgCode`](crate::OrgCode).
    ///
    /// # Errors
    ///
    /// [`NotInToken`] when there is none in the list, or no list.
    pub fn organizations(&self) -> Result<&[UserOrganization], NotInToken> {
        let organizations = match &self.source {
            Source::Session(user) => &user.organizations,
            Source::Bearer(organizations) => organizations,
        };
        if organizations.is_empty() { Err(self.not_in_token("organizations")) } else { Ok(organizations) }
    }

    fn of(parts: &Parts, state: &AuthState) -> Result<Self, AuthError> {
        let access_token = Arc::clone(state.user()?);
        let source = match SessionHandle::user(&parts.extensions) {
            Ok(user) => Source::Session(user),
            Err(_) => Source::Bearer(UserOrganization::of_access_token(&access_token)),
        };
        Ok(Self { access_token, source })
    }

    fn not_in_token(&self, claim: &'static str) -> NotInToken {
        NotInToken { claim, is_bearer: matches!(self.source, Source::Bearer(_)) }
    }

    fn text(
        &self,
        claim: &'static str,
        of_session: impl Fn(&SessionUser) -> Option<&str>,
    ) -> Result<String, NotInToken> {
        let known = match &self.source {
            Source::Session(user) => of_session(user).map(str::to_owned),
            Source::Bearer(_) => self.access_token.claim(claim).ok().flatten(),
        };
        known.filter(|text| !text.is_empty()).ok_or_else(|| self.not_in_token(claim))
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

/// The token that the profile is from does not hold a claim: the ID token of a session, the access token otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotInToken {
    claim: &'static str,
    is_bearer: bool,
}

impl NotInToken {
    /// Gives the claim's name.
    pub fn claim(&self) -> &'static str {
        self.claim
    }

    /// Gives one sentence on how the claim gets into the token.
    pub fn fix(&self) -> &'static str {
        match (self.is_bearer, self.claim) {
            (true, "email") => {
                "choose it for access tokens in Kinde, under the application's token customization"
            }
            (true, _) => {
                "Kinde puts it into ID tokens only: let the person sign in here, or add a claim of this name to access \
                 tokens by a token workflow in Kinde"
            }
            (false, "organizations") => {
                "the person belongs to none, or it has to be chosen for ID tokens in Kinde, under the application's \
                 token customization"
            }
            (false, "email") => "the person has none, or KINDE_SCOPE has no email",
            (false, "phone_number") => "the person has none, or KINDE_SCOPE has no phone",
            (false, _) => "the person has none, or KINDE_SCOPE has no profile",
        }
    }
}

impl fmt::Display for NotInToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is not in this token: {}", self.claim, self.fix())
    }
}

impl std::error::Error for NotInToken {}
