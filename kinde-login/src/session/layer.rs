//! The layer that turns a cookie into a credential; it decides which credential a browser presents.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body::Body;
use kinde_core::{Credential, RefusedSession};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    csrf::CrossSite,
    find::Missing,
    future::ResponseFuture,
    handle::SessionHandle,
    keeper::{Keeper, Kept, Loaded},
    refresh::{Refreshed, passes_by_itself},
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
/// untouched, and its session is neither read nor refreshed; but for one of another scheme, such as the `Basic` of a
/// proxy in front, which is no credential to `KindeLayer` either. A session that is over is removed and the request goes on
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
        if brings_credential(request.headers()) {
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
        let headers = Sent::of(request.headers()).to_headers();
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
    /// Finds a session, and waits for the store or a refresh where it has to.
    pub(crate) async fn look(&self, headers: &HeaderMap) -> Found {
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
                Ok(After::Unusable(Arc::clone(&self.keeper), Sent::of(request.headers())))
            }
            Found::Session(loaded) => {
                if self.cross_site.forges(request) {
                    let mut refused = response::problem(&LoginReason::CrossSite.into());
                    // It may have been refreshed to get here.
                    let kept = self.keeper.kept(&loaded, now);
                    kept.tell(&self.keeper, request.headers(), refused.headers_mut());
                    return Err(Box::new(refused));
                }
                let credential = Credential::from_session(loaded.session.access_token.clone());
                let handle = SessionHandle::new(Arc::clone(&self.keeper), loaded, request.uri().clone());
                let sent = Sent::of(request.headers());
                request.extensions_mut().insert(credential);
                request.extensions_mut().insert(handle.clone());
                Ok(After::Session { handle, sent, came_at: now })
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
    Unusable(Arc<Keeper>, Sent),
    Session {
        handle: SessionHandle,
        sent: Sent,
        came_at: Duration,
    },
}

impl After {
    /// Gives the session when the layer for bearer tokens refused it: it has to be ended before the answer goes out.
    pub(crate) fn refused_session(&self, extensions: &http::Extensions) -> Option<SessionHandle> {
        let Self::Session { handle, .. } = self else { return None };
        let error = extensions.get::<RefusedSession>()?.error();
        if passes_by_itself(error) {
            tracing::info!(target: "kinde_login", code = error.code(), "session passed over: its access token is refused for now");
            return None;
        }
        tracing::info!(target: "kinde_login", code = error.code(), "session ended: its access token is refused");
        Some(handle.clone())
    }

    /// Writes the cookie and what caches have to know.
    pub(crate) fn finish(self, response: &mut HeaderMap) {
        // RFC 9110 §12.5.5: whoever answers with or without a cookie may answer differently.
        response.append(header::VARY, HeaderValue::from_static("Cookie"));
        let (keeper, sent) = match &self {
            Self::Nothing => return,
            Self::Unusable(keeper, sent) => (keeper, sent),
            Self::Session { handle, sent, .. } => (handle.keeper(), sent),
        };
        response::forbid_storing(response);
        let Self::Session { handle, came_at, .. } = &self else {
            return keeper.forget(&sent.to_headers(), response);
        };
        let current = handle.current();
        if current.has_ended {
            return keeper.forget(&sent.to_headers(), response);
        }
        match keeper.kept(&current.loaded, *came_at) {
            Kept::AsItIs => {}
            kept @ Kept::Write(..) => kept.tell(keeper, &sent.to_headers(), response),
        }
    }
}

/// What is kept of the headers of a request that goes on to the application.
pub(crate) struct Sent {
    cookie: Option<HeaderValue>,
    /// HTTP/2 may split the header.
    more_cookies: Vec<HeaderValue>,
    fetch_mode: Option<HeaderValue>,
}

impl Sent {
    fn of(headers: &HeaderMap) -> Self {
        let mut cookies = headers.get_all(header::COOKIE).into_iter().cloned();
        Self {
            cookie: cookies.next(),
            more_cookies: cookies.collect(),
            fetch_mode: headers.get(SEC_FETCH_MODE).cloned(),
        }
    }

    fn to_headers(&self) -> HeaderMap {
        let cookies = self.cookie.iter().chain(&self.more_cookies).map(|cookie| (header::COOKIE, cookie));
        let mode = self.fetch_mode.iter().map(|mode| (SEC_FETCH_MODE, mode));
        cookies.chain(mode).map(|(name, value)| (name, value.clone())).collect()
    }
}

/// Tells whether the `Authorization` header is a credential, good or not, as the layer for bearer tokens reads it: a
/// header of another scheme is none (RFC 9110 §11.6.2; requirement D1).
fn brings_credential(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return false };
    let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_other_scheme = !scheme.eq_ignore_ascii_case(b"Bearer")
        && !scheme.is_empty()
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
    second.is_some() || !is_other_scheme
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
