//! The session of a request, for the code that handles it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

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
    keeper: Arc<Keeper>,
    current: Arc<Mutex<Current>>,
}

struct Current {
    loaded: Loaded,
    has_ended: bool,
}

impl SessionHandle {
    pub(crate) fn new(keeper: Arc<Keeper>, loaded: Loaded) -> Self {
        Self { keeper, current: Arc::new(Mutex::new(Current { loaded, has_ended: false })) }
    }

    /// Gives who is signed in, as the session's verified ID token says.
    ///
    /// # Errors
    ///
    /// As [`AuthState::user`]; and [`AuthReason::CredentialMissing`] when the request was authenticated by an
    /// `Authorization` header and not by this session.
    pub fn user(extensions: &http::Extensions) -> Result<SessionUser, AuthError> {
        let user = AuthState::of(extensions)?.user()?;
        let session = extensions.get::<Self>().map(|handle| handle.loaded().session);
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
        let loaded = self.loaded();
        if !self.keeper.is_due(&loaded.session) {
            return Ok(loaded.session.access_token.clone());
        }
        match self.keeper.refresh(loaded).await {
            Refreshed::Anew(loaded) | Refreshed::Still(loaded) => {
                let access_token = loaded.session.access_token.clone();
                self.with(|current| current.loaded = loaded);
                Ok(access_token)
            }
            Refreshed::Later => Err(LoginReason::SignedOut.into()),
            Refreshed::Ended => {
                self.with(|current| current.has_ended = true);
                Err(LoginReason::SignedOut.into())
            }
            Refreshed::Unavailable(error) => Err(error),
        }
    }

    pub(crate) fn loaded(&self) -> Loaded {
        self.with(|current| current.loaded.clone())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.with(|current| current.has_ended)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Current) -> T) -> T {
        look(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionHandle")
    }
}
