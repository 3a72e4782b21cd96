//! The sign-in routes as one service: which request gets which answer.

mod breaker;
mod callback;
mod form;
mod health;
mod logout;
mod me;
mod portal;
mod setup;
mod start;

use std::{
    borrow::Cow,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::Full;
use kinde_core::AuthRoute;
use tower_service::Service;

use crate::{
    authorize::Intent,
    error::{LoginError, LoginReason},
    links::Link,
    login::Inner,
    navigation::{self, Manner},
    page::Failure,
    response::{self, Verdict},
    return_to::ReturnTo,
};

/// The sign-in routes: a service for `nest_service("/api/auth", …)` in axum, or for hyper as it is.
///
/// Made by [`Login::routes`](crate::Login::routes). A path is matched as `NAME` or `BASE/NAME` and never by its end, so
/// it does not matter whether a router has taken the base off. The routes never depend on a session being good.
///
/// A form that is posted to a route that changes something counts like the query, up to 8 KiB of
/// `application/x-www-form-urlencoded`. Where to go afterwards is taken from the address first; what is passed on to Kinde
/// is refused with two different values. The callback, `me`, `setup` and `health` read no body.
#[derive(Clone, Debug)]
pub struct LoginRoutes {
    login: Arc<Inner>,
}

impl LoginRoutes {
    pub(crate) fn new(login: Arc<Inner>) -> Self {
        Self { login }
    }
}

impl<B> Service<Request<B>> for LoginRoutes
where
    B: Body + Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let login = Arc::clone(&self.login);
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, ());
        Box::pin(async move {
            let question = Question { login: &login, request: &request, form: Bytes::new() };
            let mut response = question.answer(body).await;
            if request.method() == Method::HEAD {
                *response.body_mut() = Bytes::new();
            }
            Ok(response.map(Full::new))
        })
    }
}

/// One request to one of the routes.
pub(crate) struct Question<'a> {
    pub(crate) login: &'a Arc<Inner>,
    pub(crate) request: &'a Request<()>,
    /// What was posted, by a page of this site.
    form: Bytes,
}

impl Question<'_> {
    async fn answer<B: Body>(mut self, body: B) -> Response<Bytes> {
        let Some(route) = self.login.route(self.request.uri().path()) else {
            return response::empty(StatusCode::NOT_FOUND);
        };
        if !matches!(*self.request.method(), Method::GET | Method::HEAD | Method::POST) {
            let mut response = response::empty(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            return response;
        }
        let answered = match route {
            AuthRoute::Health => Ok(self.health().await),
            AuthRoute::Me => self.me().await,
            AuthRoute::Setup => self.setup().await,
            _ if self.is_looking_ahead() => Ok(response::empty(StatusCode::NO_CONTENT)),
            // A form that Kinde posts brings no cookie: it is refused unread.
            AuthRoute::Callback => self.callback().await,
            _ => match self.take_in(body).await {
                Ok(()) => self.act(route).await,
                Err(error) => Err(error),
            },
        };
        answered.unwrap_or_else(|error| self.failure(&error, HeaderMap::new()))
    }

    /// Answers a route that changes something; [`take_in`](Self::take_in) has let the request in.
    async fn act(&self, route: AuthRoute) -> Result<Response<Bytes>, LoginError> {
        match route {
            AuthRoute::Login => self.start(Intent::SignIn),
            AuthRoute::Register => self.start(Intent::Register),
            AuthRoute::CreateOrg if self.comes_from_elsewhere() => Err(LoginReason::CrossSite.into()),
            AuthRoute::CreateOrg => self.start(Intent::CreateOrg),
            // It needs no page at Kinde, so that a link of another site would replace the session unseen.
            AuthRoute::SwitchOrg => self.is_asked_here().and_then(|()| self.start(Intent::SwitchOrg)),
            AuthRoute::Logout => self.logout().await,
            AuthRoute::EndSession => self.end_session().await,
            AuthRoute::Portal => self.portal().await,
            AuthRoute::Health | AuthRoute::Me | AuthRoute::Setup | AuthRoute::Callback => {
                Ok(response::empty(StatusCode::NOT_FOUND))
            }
        }
    }

    /// Lets a request change something, and reads what it posts: the one door to the routes that act.
    async fn take_in<B: Body>(&mut self, body: B) -> Result<(), LoginError> {
        self.may_act()?;
        if self.request.method() == Method::POST {
            self.form = form::read(self.request.headers(), body).await?;
        }
        Ok(())
    }

    /// Nobody has decided anything yet: no sign-in starts, and no code is used up.
    fn is_looking_ahead(&self) -> bool {
        self.request.method() == Method::HEAD
            || navigation::manner(self.request.headers()) == Manner::Prefetch
    }

    /// Tells whether a request may change something: somebody goes here, or a form of our own posts.
    fn may_act(&self) -> Result<(), LoginError> {
        if self.login.sessions.cross_site.forges(self.request) {
            return Err(LoginReason::CrossSite.into());
        }
        let is_post = self.request.method() == Method::POST;
        if !is_post && navigation::manner(self.request.headers()) == Manner::Subresource {
            return Err(LoginReason::NotNavigation.into());
        }
        Ok(())
    }

    /// Lets a request change what only a page of this site may ask for.
    fn is_asked_here(&self) -> Result<(), LoginError> {
        if navigation::is_cross_site(self.request.headers()) {
            return Err(LoginReason::CrossSite.into());
        }
        Ok(())
    }

    /// Answers with an error: a page for somebody who looks at it, problem+json otherwise.
    fn failure(&self, error: &LoginError, cookies: HeaderMap) -> Response<Bytes> {
        self.failure_of(error, Verdict::of(error), None, cookies)
    }

    /// As [`failure`](Self::failure); the page's link to sign in again keeps the way back.
    fn failure_of(
        &self,
        error: &LoginError,
        verdict: Verdict,
        return_to: Option<&ReturnTo>,
        cookies: HeaderMap,
    ) -> Response<Bytes> {
        let mut response = if navigation::wants_page(self.request) {
            let link = Link::to_route(self.login.path(AuthRoute::Login));
            let login = return_to.into_iter().fold(link, |link, target| link.to(target.as_str())).to_string();
            let home = ReturnTo::home();
            let failure = Failure { error, login: &login, home: home.as_str() };
            response::page(error, verdict, self.login.page.render(&failure))
        } else {
            response::problem_of(error, verdict)
        };
        response.headers_mut().extend(cookies);
        response
    }

    /// Gives the parameters of the address, and then those of the form.
    fn parameters(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let query = self.request.uri().query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(&self.form))
    }

    /// Gives the first value of a parameter, under any of its spellings: one of the address before one of the form.
    fn parameter(&self, names: &[&str]) -> Option<String> {
        let mut found =
            self.parameters().filter(|(name, value)| names.contains(&name.as_ref()) && !value.is_empty());
        found.next().map(|(_, value)| value.into_owned())
    }
}
