//! The layer that turns a cookie into a credential; it decides which credential a browser presents.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body::Body;
use kinde_core::{AuthReason, Credential, RefusedSession};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    csrf::CrossSite,
    future::ResponseFuture,
    handle::SessionHandle,
    keeper::{Keeper, Kept, Loaded, Missing},
    refresh::Refreshed,
};
use crate::{
    body::ResponseBody,
    error::{LoginError, LoginReason},
    required::AskedFor,
    response,
};

/// Presents the access token of a browser's session to `KindeLayer`, which has to be inside.
///
/// Made by [`Login::session_layer`](crate::Login::session_layer). A request with an `Authorization` header passes
/// untouched, and its session is neither read nor refreshed. A session that is over is removed and the request goes on
/// as anonymous; this layer answers by itself only when a session cannot be judged (503), or when another site makes a
/// browser change something (403).
#[derive(Clone, Debug)]
pub struct SessionLayer {
    sessions: Sessions,
}

/// What the layer and its services share.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) cross_site: Arc<CrossSite>,
}

impl SessionLayer {
    pub(crate) fn new(sessions: Sessions) -> Self {
        Self { sessions }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        SessionService { inner, sessions: self.sessions.clone() }
    }
}

/// The service that [`SessionLayer`] builds.
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    inner: S,
    sessions: Sessions,
}

impl<S, B, R> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> ResponseFuture<S, B> {
        // A header wins, good or not: then the session is not even read.
        if request.headers().contains_key(header::AUTHORIZATION) {
            return ResponseFuture::passing(self.inner.call(request));
        }
        let keeper = &self.sessions.keeper;
        let now = keeper.now();
        let found = match keeper.at_hand(request.headers(), now) {
            Some(Err(Missing::NoCookie | Missing::Later)) => Some(Found::Nothing),
            Some(Err(Missing::Unusable)) => Some(Found::Unusable),
            Some(Ok(loaded)) if !keeper.is_due(&loaded.session, now) => Some(Found::Session(loaded)),
            Some(Ok(_)) | None => None,
        };
        if let Some(found) = found {
            return match self.sessions.admit(found, &mut request, now) {
                Ok(after) => ResponseFuture::calling(self.inner.call(request), after),
                Err(refused) => ResponseFuture::answered(*refused),
            };
        }
        // The service that was polled ready goes along; its clone, not yet ready, stays behind.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        let headers = SentCookies::of(request.headers()).to_headers();
        let sessions = self.sessions.clone();
        let looking = Box::pin(async move { sessions.look(&headers).await });
        ResponseFuture::looking(looking, ready, request, self.sessions.clone())
    }
}

/// What became of a request's session before the application is called.
pub(crate) enum Found {
    Nothing,
    Unusable,
    Session(Loaded),
    Unavailable(LoginError),
}

impl Sessions {
    /// Finds a session that needs waiting: in a store, or with an access token that is due.
    async fn look(self, headers: &HeaderMap) -> Found {
        let loaded = match self.keeper.find(headers).await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(Missing::NoCookie | Missing::Later)) => return Found::Nothing,
            Ok(Err(Missing::Unusable)) => return Found::Unusable,
            Err(error) => return Found::Unavailable(error),
        };
        if !self.keeper.is_due(&loaded.session, self.keeper.now()) {
            return Found::Session(loaded);
        }
        match self.keeper.refresh(loaded).await {
            Refreshed::Anew(loaded) | Refreshed::Still(loaded) => Found::Session(loaded),
            Refreshed::Later => Found::Nothing,
            Refreshed::Ended => Found::Unusable,
            Refreshed::Unavailable(error) => Found::Unavailable(error),
        }
    }

    /// Presents what was found to a request that came at `now`; or answers by itself.
    pub(crate) fn admit<B>(
        &self,
        found: Found,
        request: &mut Request<B>,
        now: Duration,
    ) -> Result<After, Box<Response<Bytes>>> {
        match found {
            Found::Nothing => {
                AskedFor::note(request);
                Ok(After::Nothing)
            }
            Found::Unusable => {
                AskedFor::note(request);
                Ok(After::Unusable(Arc::clone(&self.keeper), SentCookies::of(request.headers())))
            }
            Found::Session(loaded) => {
                if self.cross_site.forges(request) {
                    let error = LoginReason::CrossSite.into();
                    return Err(Box::new(response::problem(&error)));
                }
                let credential = Credential::from_session(loaded.session.access_token.clone());
                let handle = SessionHandle::new(Arc::clone(&self.keeper), loaded);
                let cookies = SentCookies::of(request.headers());
                request.extensions_mut().insert(credential);
                request.extensions_mut().insert(handle.clone());
                Ok(After::Session { handle, cookies, came_at: now })
            }
            // The cookie stays: nobody is signed out because something cannot be reached.
            Found::Unavailable(error) => Err(Box::new(response::problem(&error))),
        }
    }
}

/// What has to be done with the answer of a request.
pub(crate) enum After {
    Nothing,
    /// The browser's cookie is removed.
    Unusable(Arc<Keeper>, SentCookies),
    Session {
        handle: SessionHandle,
        cookies: SentCookies,
        came_at: Duration,
    },
}

impl After {
    /// Gives the session when the layer for bearer tokens refused it: it has to be ended before the answer goes out.
    pub(crate) fn refused_session(&self, extensions: &http::Extensions) -> Option<SessionHandle> {
        let Self::Session { handle, .. } = self else { return None };
        let error = extensions.get::<RefusedSession>()?.error();
        // A key that another process knows already: this one fetches it soon, and nobody is signed out meanwhile.
        if matches!(error.reason(), AuthReason::KeyUnknown { .. }) {
            tracing::info!(target: "kinde_login", code = error.code(), "session passed over: the key of its access token is not known yet");
            return None;
        }
        tracing::info!(target: "kinde_login", code = error.code(), "session ended: its access token is refused");
        Some(handle.clone())
    }

    /// Writes the cookie and what caches have to know.
    pub(crate) fn finish(self, response: &mut HeaderMap) {
        // RFC 9110 §12.5.5: whoever answers with or without a cookie may answer differently.
        response.append(header::VARY, HeaderValue::from_static("Cookie"));
        let (keeper, cookies) = match &self {
            Self::Nothing => return,
            Self::Unusable(keeper, cookies) => (keeper, cookies),
            Self::Session { handle, cookies, .. } => (handle.keeper(), cookies),
        };
        response::forbid_storing(response);
        let Self::Session { handle, came_at, .. } = &self else {
            return keeper.cookies.remove_session(&cookies.to_headers(), response);
        };
        let current = handle.current();
        if current.has_ended {
            return keeper.cookies.remove_session(&cookies.to_headers(), response);
        }
        match keeper.kept(&current.loaded, *came_at) {
            Ok(Kept::AsItIs) => {}
            Ok(kept) => kept.tell(keeper, &cookies.to_headers(), response),
            // The browser keeps what it has; the state that this process remembers serves it meanwhile.
            Err(error) => {
                tracing::error!(target: "kinde_login", code = error.code(), reason = %error.reason(), "cookie not written")
            }
        }
    }
}

impl Kept {
    /// Writes what becomes of the browser's cookie.
    pub(crate) fn tell(self, keeper: &Keeper, request: &HeaderMap, response: &mut HeaderMap) {
        match self {
            Self::AsItIs => {}
            Self::Write(value, max_age) => keeper.cookies.set_session(&value, max_age, request, response),
        }
    }
}

/// The cookies of a request that goes on to the application.
pub(crate) struct SentCookies {
    first: Option<HeaderValue>,
    /// HTTP/2 may split the header.
    others: Vec<HeaderValue>,
}

impl SentCookies {
    fn of(headers: &HeaderMap) -> Self {
        let mut cookies = headers.get_all(header::COOKIE).into_iter().cloned();
        Self { first: cookies.next(), others: cookies.collect() }
    }

    fn to_headers(&self) -> HeaderMap {
        let cookies = self.first.iter().chain(&self.others);
        cookies.map(|cookie| (header::COOKIE, cookie.clone())).collect()
    }
}
