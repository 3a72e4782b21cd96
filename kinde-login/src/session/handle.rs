//! The session of a request, for the code that handles it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::Uri;
use kinde_core::{AuthError, AuthReason, AuthState, Secret};

use super::{
    keeper::{Keeper, Loaded},
    refresh::Refreshed,
    user::SessionUser,
};
use crate::error::{LoginError, LoginReason};

/// The browser session that a request came with, in the request's extensions.
///
/// It is unproven until the layer for bearer tokens has accepted its access token: [`user`](Self::user) asks for that.
#[derive(Clone)]
pub struct SessionHandle {
    shared: Arc<Shared>,
}

struct Shared {
    keeper: Arc<Keeper>,
    current: Mutex<Current>,
    /// The address as the browser asked for it.
    asked_for: Uri,
}

/// What became of the session since the request came.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) loaded: Loaded,
    pub(crate) has_ended: bool,
}

impl SessionHandle {
    pub(crate) fn new(keeper: Arc<Keeper>, loaded: Loaded, asked_for: Uri) -> Self {
        let current = Mutex::new(Current { loaded, has_ended: false });
        Self { shared: Arc::new(Shared { keeper, current, asked_for }) }
    }

    /// Gives who is signed in, as the session's verified ID token says.
    ///
    /// # Errors
    ///
    /// As [`AuthState::user`]; and [`AuthReason::CredentialMissing`] when the request was authenticated by an
    /// `Authorization` header and not by this session.
    pub fn user(extensions: &http::Extensions) -> Result<SessionUser, AuthError> {
        let user = AuthState::of(extensions)?.user()?;
        let session = extensions.get::<Self>().map(|handle| handle.current().loaded.session);
        session
            .filter(|session| session.user.id == user.id())
            .map(|session| session.user.clone())
            .ok_or_else(|| AuthReason::CredentialMissing.into())
    }

    /// Gives the access token, to call other APIs in the person's name; refreshed when it is about to expire.
    ///
    /// Call it before the head of the response is sent: with a session in a cookie, the browser learns of the new
    /// tokens by that head.
    ///
    /// # Errors
    ///
    /// [`SignedOut`](LoginReason::SignedOut) when the session is over; otherwise why Kinde could not be asked.
    pub async fn access_token(&self) -> Result<Secret, LoginError> {
        let (keeper, Current { loaded, .. }) = (self.keeper(), self.current());
        if !keeper.is_due(&loaded.session, keeper.now()) {
            return Ok(loaded.session.access_token.clone());
        }
        // Somebody signed out or in anew while this request was answered: the browser's cookie is not this session's.
        if keeper.has_ended(&loaded.session.id) {
            return Err(LoginReason::SignedOut.into());
        }
        match keeper.refresh(loaded).await {
            Refreshed::Anew(loaded) | Refreshed::Still(loaded) => {
                let access_token = loaded.session.access_token.clone();
                self.lock().loaded = loaded;
                Ok(access_token)
            }
            Refreshed::Later => Err(LoginReason::SignedOut.into()),
            Refreshed::Ended => {
                self.lock().has_ended = true;
                Err(LoginReason::SignedOut.into())
            }
            Refreshed::Unavailable(error) => Err(error),
        }
    }

    /// Ends a session that the layer for bearer tokens refused.
    pub(crate) async fn end(&self) {
        let session = self.current().loaded.session;
        self.lock().has_ended = true;
        if let Err(error) = self.keeper().end(&session).await {
            tracing::warn!(target: "kinde_login", code = error.code(), "a refused session could not be deleted");
        }
    }

    pub(crate) fn keeper(&self) -> &Arc<Keeper> {
        &self.shared.keeper
    }

    pub(crate) fn asked_for(&self) -> &Uri {
        &self.shared.asked_for
    }

    pub(crate) fn current(&self) -> Current {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.shared.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionHandle")
    }
}
