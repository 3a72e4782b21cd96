//! A gate for pages: whoever is not signed in goes to sign in, with the way back.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::Body;
use kinde_core::{AuthRoute, AuthState};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    authorize::Wishes, body::ResponseBody, error::LoginReason, links::Link, login::Inner, navigation,
    response, session::SessionHandle,
};

/// Sends browsers that are not signed in to the login route; a script gets 401.
///
/// Made by [`Login::login_required`](crate::Login::login_required); it stands inside of `KindeLayer`. The way back is the
/// address that the session layer saw, so that the gate may stand in a nested router. Reading a session never redirects,
/// only this gate does. Somebody who is signed in and lacks a right never comes here again: that is 403, by the gates of
/// kinde-tower and kinde-axum.
#[derive(Clone, Debug)]
pub struct LoginRequiredLayer {
    login: Arc<Inner>,
}

impl LoginRequiredLayer {
    pub(crate) fn new(login: Arc<Inner>) -> Self {
        Self { login }
    }
}

impl<S> Layer<S> for LoginRequiredLayer {
    type Service = LoginRequired<S>;

    fn layer(&self, inner: S) -> LoginRequired<S> {
        LoginRequired { inner, login: Arc::clone(&self.login) }
    }
}

/// The service that [`LoginRequiredLayer`] builds.
#[derive(Clone, Debug)]
pub struct LoginRequired<S> {
    inner: S,
    login: Arc<Inner>,
}

impl<S, B, R> Service<Request<B>> for LoginRequired<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = LoginRequiredFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match AuthState::of(request.extensions()) {
            Ok(AuthState::Anonymous) => LoginRequiredFuture::answered(self.login.send_to_login(&request)),
            Ok(_) => LoginRequiredFuture { state: State::Calling { future: self.inner.call(request) } },
            Err(error) => {
                tracing::error!(target: "kinde_login", code = error.code(), fix = error.fix(), "gate without a layer");
                LoginRequiredFuture::answered(response::empty(StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }
}

impl Inner {
    /// Answers somebody who is not signed in.
    fn send_to_login<B>(&self, request: &Request<B>) -> Response<Bytes> {
        if !navigation::wants_page(request) {
            let mut response = response::problem(&LoginReason::SignedOut.into());
            // RFC 9110 §15.5.2: a 401 says how to authenticate.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return response;
        }
        let mut link = match invitation_of(AskedFor::of(request)) {
            // Kinde's e-mail leads to a page of the site: who is not known yet registers with the code.
            Some(code) => Link::to_route(self.path(AuthRoute::Register))
                .with("invitation_code", &code)
                .with("is_invitation", "true"),
            None => Link::to_route(self.path(AuthRoute::Login)),
        };
        // What a form sent cannot be sent again, so only a page is come back to.
        if *request.method() == Method::GET
            && let Some(page) = AskedFor::of(request).path_and_query()
            && let Some(page) = self.targets.parse(page.as_str())
        {
            link = link.to(page.as_str());
        }
        response::see_other(&link.to_string())
    }
}

/// Gives the code of an invitation that the address of a page holds; what cannot be one is left to the page.
fn invitation_of(uri: &Uri) -> Option<String> {
    let query = form_urlencoded::parse(uri.query()?.as_bytes());
    let code = query.into_iter().find(|(name, _)| name == "invitation_code")?.1;
    let wishes = Wishes::read(std::iter::once(("invitation_code", code.as_ref()))).ok()?;
    wishes.get("invitation_code").map(str::to_owned)
}

/// The address as the browser asked for it: the session layer notes it, because a router that nests the gate takes the
/// prefix off. Nobody outside of this crate can say another one.
#[derive(Clone, Debug)]
pub(crate) struct AskedFor(Uri);

impl AskedFor {
    pub(crate) fn note<B>(request: &mut Request<B>) {
        let asked = Self(request.uri().clone());
        request.extensions_mut().insert(asked);
    }

    fn of<B>(request: &Request<B>) -> &Uri {
        let extensions = request.extensions();
        // Somebody whose session was refused further in still has a handle of it.
        let of_session = || extensions.get().map(SessionHandle::asked_for);
        extensions.get().map(|Self(asked)| asked).or_else(of_session).unwrap_or_else(|| request.uri())
    }
}

pin_project! {
    /// The response future of [`LoginRequired`].
    pub struct LoginRequiredFuture<F> {
        #[pin]
        state: State<F>,
    }
}

impl<F> LoginRequiredFuture<F> {
    fn answered(response: Response<Bytes>) -> Self {
        Self { state: State::Answered { response: Some(response) } }
    }
}

impl<F, R, E> Future for LoginRequiredFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Calling { future } => {
                let response = ready!(future.poll(context))?;
                Poll::Ready(Ok(response.map(ResponseBody::inner)))
            }
            StateProjection::Answered { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(ResponseBody::text))),
                // Polled again after completion, a future may do anything but be unsound.
                None => Poll::Pending,
            },
        }
    }
}

impl<F> fmt::Debug for LoginRequiredFuture<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LoginRequiredFuture")
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Calling { #[pin] future: F },
        Answered { response: Option<Response<Bytes>> },
    }
}
