//! Who is signed in, for a page's own script.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use kinde_core::{AccessToken, AuthErrorKind};
use serde_json::{Value, json};
use std::sync::Arc;

use super::Question;
use crate::{
    client::UserProfile,
    error::{LoginError, LoginErrorKind, LoginReason},
    response,
    session::{Found, SessionHandle, SessionUser, passes_by_itself},
};

/// A session whose access token is proven now.
pub(super) struct Current {
    pub(super) handle: SessionHandle,
    pub(super) access: Arc<AccessToken>,
}

/// Why there is no session to answer from.
pub(super) struct Absent {
    pub(super) error: LoginError,
    /// Whether a cookie that the browser may have stays: another instance of this application may know it, or this one in
    /// a moment.
    keeps_cookie: bool,
}

impl Absent {
    fn for_now() -> Self {
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
            let fresh = match self.fresh(&current, &user.id).await {
                Ok(fresh) => fresh,
                Err(error) => return Ok(self.failed(&current, &error)),
            };
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

    async fn fresh(&self, current: &Current, id: &str) -> Result<UserProfile, LoginError> {
        let access_token = current.handle.access_token().await?;
        self.login.sessions.keeper.client.user_profile(&access_token, id).await
    }

    /// Finds the session of the request, refreshed and proven as for a request to the application.
    pub(super) async fn current(&self) -> Result<Current, Absent> {
        let keeper = &self.login.sessions.keeper;
        let loaded = match self.login.sessions.look(self.request.headers()).await {
            Found::Session(loaded) => loaded,
            Found::Nothing => return Err(Absent::for_now()),
            Found::Unusable => return Err(LoginError::from(LoginReason::SignedOut).into()),
            Found::Unavailable(error) => return Err(error.into()),
        };
        match keeper.access_tokens.verify_user(loaded.session.access_token.expose()).await {
            Ok(access) => Ok(Current {
                handle: SessionHandle::new(Arc::clone(keeper), loaded, self.request.uri().clone()),
                access,
            }),
            Err(error) if error.kind() == AuthErrorKind::KeysUnavailable => {
                Err(LoginError::from(LoginReason::KeysUnavailable(error)).into())
            }
            Err(error) if passes_by_itself(&error) => Err(Absent::for_now()),
            Err(error) => {
                // Another audience, issuer or key: the session is over, as the layer would say.
                tracing::info!(target: "kinde_login", code = error.code(), "session ended: its access token is refused");
                keeper.end(&loaded.session).await?;
                Err(LoginError::from(LoginReason::SignedOut).into())
            }
        }
    }

    /// Answers JSON that depends on the session, with the cookie the browser needs next.
    pub(super) fn answer_of(&self, current: &Current, status: StatusCode, value: &Value) -> Response<Bytes> {
        let mut response = response::json(status, value);
        self.tell(current, response.headers_mut());
        response
    }

    /// Answers with an error; the browser needs its next cookie all the same, where the session was refreshed before.
    pub(super) fn failed(&self, current: &Current, error: &LoginError) -> Response<Bytes> {
        let mut response = self.failure(error, HeaderMap::new());
        self.tell(current, response.headers_mut());
        response
    }

    /// Writes what becomes of the browser's cookie after an answer from this session.
    pub(super) fn tell(&self, current: &Current, response: &mut HeaderMap) {
        let keeper = &self.login.sessions.keeper;
        let kept = keeper.kept(&current.handle.current().loaded, keeper.now());
        kept.tell(keeper, self.request.headers(), response);
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
