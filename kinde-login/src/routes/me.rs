//! Who is signed in, for a page's own script.

use bytes::Bytes;
use http::{Response, StatusCode};
use kinde_core::{AccessToken, AuthErrorKind, Identity};
use serde_json::{Value, json};
use std::sync::Arc;

use super::Question;
use crate::{
    error::{LoginError, LoginErrorKind, LoginReason},
    response,
    session::{Missing, Refreshed, SessionHandle, SessionUser, passes_by_itself},
};

/// A session whose access token is proven now.
pub(super) struct Current {
    pub(super) handle: SessionHandle,
    pub(super) access: Arc<AccessToken>,
}

/// Why there is no session to answer from.
pub(super) struct Absent {
    pub(super) error: LoginError,
    /// Whether the browser's cookie is good for somebody else: a later version of this application.
    keeps_cookie: bool,
}

impl Absent {
    /// The cookie stays, and that version knows it.
    fn of_a_later_version() -> Self {
        Self { error: LoginReason::SignedOut.into(), keeps_cookie: true }
    }
}

impl From<LoginError> for Absent {
    fn from(error: LoginError) -> Self {
        Self { error, keeps_cookie: false }
    }
}

impl Question<'_> {
    /// Answers the person's profile, from the session or with `?fresh` from Kinde.
    pub(super) async fn me(&self) -> Result<Response<Bytes>, LoginError> {
        let current = match self.current().await {
            Ok(current) => current,
            Err(absent) => return self.unauthorized(absent, "Unauthorized"),
        };
        let user = current.handle.current().loaded.session.user.clone();
        let mut profile = profile(&user);
        if self.parameters().any(|(name, _)| name == "fresh") {
            let access_token = current.handle.access_token().await?;
            let fresh = self.login.sessions.keeper.client.user_profile(&access_token, &user.id).await?;
            let now = [
                ("email", fresh.email),
                ("given_name", fresh.given_name),
                ("family_name", fresh.family_name),
                ("picture", fresh.picture),
            ];
            if let Some(members) = profile.as_object_mut() {
                members.extend(now.map(|(name, value)| (name.to_owned(), value.into())));
            }
        }
        Ok(self.answer_of(&current, StatusCode::OK, &profile))
    }

    /// Finds the session of the request, refreshed and proven as for a request to the application.
    pub(super) async fn current(&self) -> Result<Current, Absent> {
        let keeper = &self.login.sessions.keeper;
        let loaded = match keeper.find(self.request.headers()).await? {
            Ok(loaded) => loaded,
            Err(Missing::NoCookie | Missing::Unusable) => {
                return Err(LoginError::from(LoginReason::SignedOut).into());
            }
            Err(Missing::Later) => return Err(Absent::of_a_later_version()),
        };
        let loaded = if keeper.is_due(&loaded.session, keeper.now()) {
            match keeper.refresh(loaded).await {
                Refreshed::Anew(loaded) | Refreshed::Still(loaded) => loaded,
                Refreshed::Later => return Err(Absent::of_a_later_version()),
                Refreshed::Ended => return Err(LoginError::from(LoginReason::SignedOut).into()),
                Refreshed::Unavailable(error) => return Err(error.into()),
            }
        } else {
            loaded
        };
        match keeper.access_tokens.verify(loaded.session.access_token.expose()).await {
            Ok(Identity::User(access)) => Ok(Current {
                handle: SessionHandle::new(Arc::clone(keeper), loaded, self.request.uri().clone()),
                access,
            }),
            Err(error) if error.kind() == AuthErrorKind::KeysUnavailable => {
                Err(LoginError::from(LoginReason::KeysUnavailable(error)).into())
            }
            Err(error) if passes_by_itself(&error) => {
                Err(Absent { error: LoginReason::SignedOut.into(), keeps_cookie: true })
            }
            Ok(Identity::Machine(_)) | Err(_) => {
                // Another audience, issuer or key: the session is over, as the layer would say.
                keeper.end(&loaded.session).await?;
                Err(LoginError::from(LoginReason::SignedOut).into())
            }
        }
    }

    /// Answers JSON that depends on the session, with the cookie the browser needs next.
    pub(super) fn answer_of(&self, current: &Current, status: StatusCode, value: &Value) -> Response<Bytes> {
        let keeper = &self.login.sessions.keeper;
        let mut response = response::json(status, value);
        match keeper.kept(&current.handle.current().loaded, keeper.now()) {
            Ok(kept) => kept.tell(keeper, self.request.headers(), response.headers_mut()),
            Err(error) => {
                tracing::error!(target: "kinde_login", code = error.code(), reason = %error.reason(), "cookie not written")
            }
        }
        response
    }

    /// Tells a script that nobody is signed in, in the words of the Next.js SDK; other errors stay what they are.
    pub(super) fn unauthorized(&self, absent: Absent, message: &str) -> Result<Response<Bytes>, LoginError> {
        if absent.error.kind() != LoginErrorKind::SignedOut {
            return Err(absent.error);
        }
        let mut response = response::json(StatusCode::UNAUTHORIZED, &json!({ "message": message }));
        if !absent.keeps_cookie {
            self.login.sessions.keeper.forget(self.request.headers(), response.headers_mut());
        }
        Ok(response)
    }
}

/// Writes a profile under the names of the Next.js SDK.
pub(super) fn profile(user: &SessionUser) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "picture": user.picture,
        "phone_number": user.phone_number,
    })
}
