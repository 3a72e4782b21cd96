//! A page that people sign in to, on hyper and tower, without a web framework.

use std::{convert::Infallible, io};

use bytes::Bytes;
use http::{Extensions, HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use kinde_login::{Links, Login, SessionHandle};
use kinde_tower::{
    KindeLayer,
    kinde_core::{ConfigError, Kinde},
};
use tokio::net::TcpListener;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt as _, service_fn};

/// Builds the service: the sign-in routes, and beside them a page behind the session layer.
///
/// # Errors
///
/// When the verifier cannot be built from the settings.
pub fn app(kinde: &Kinde, login: &Login) -> Result<impl App, ConfigError> {
    let (links, routes) = (login.links(), login.routes());
    let page = ServiceBuilder::new()
        .layer(login.session_layer()) // cookie to credential
        .layer(KindeLayer::new(kinde.verifier().build()?).optional()) // credential to identity
        .service_fn(move |request: Request<Incoming>| {
            let answer = page(&links, request.uri().path(), request.extensions());
            async move { Ok::<_, Infallible>(answer) }
        });
    let base = format!("{}/", kinde.settings().auth_api_path());
    Ok(service_fn(move |request: Request<Incoming>| {
        let (routes, page) = (routes.clone(), page.clone());
        let signs_in = request.uri().path().starts_with(&base);
        async move {
            Ok(if signs_in {
                routes.oneshot(request).await?.map(boxed)
            } else {
                page.oneshot(request).await?.map(boxed)
            })
        }
    }))
}

/// What is served: a service that can be given to every connection.
pub trait App:
    Service<Request<Incoming>, Response = Response<AnyBody>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> App for S where
    S: Service<Request<Incoming>, Response = Response<AnyBody>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// The body of a page or of an answer of the routes.
pub type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

fn boxed(body: impl Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static) -> AnyBody {
    body.map_err(Into::into).boxed_unsync()
}

/// Serves every connection with the service.
///
/// # Errors
///
/// When the settings cannot be used, or the listener can accept no more.
pub async fn serve(listener: TcpListener, kinde: &Kinde, login: &Login) -> io::Result<()> {
    let app = TowerToHyperService::new(app(kinde, login).map_err(io::Error::other)?);
    loop {
        let (stream, _) = listener.accept().await?;
        let mut http = http1::Builder::new();
        let connection = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), app.clone());
        tokio::spawn(connection);
    }
}

/// The page: for whoever is signed in, and for everybody else.
fn page(links: &Links, path: &str, extensions: &Extensions) -> Response<Full<Bytes>> {
    let (status, text) = match (path, SessionHandle::user(extensions)) {
        ("/", Ok(user)) => {
            let name = user.full_name().or(user.email).unwrap_or(user.id);
            let sign_out = format!(
                r#"<form method="post" action="{}"><button>Sign out</button></form>"#,
                escaped(&links.logout().to_string())
            );
            (StatusCode::OK, format!("<p>You are signed in as {}.</p>{sign_out}", escaped(&name)))
        }
        ("/", Err(_)) => {
            let [login, register] = [links.login(), links.register()].map(|link| escaped(&link.to_string()));
            let text = format!(r#"<p><a href="{login}">Sign in</a> <a href="{register}">Sign up</a></p>"#);
            (StatusCode::OK, text)
        }
        _ => (StatusCode::NOT_FOUND, "<p>There is no such page.</p>".to_owned()),
    };
    let document =
        format!("<!doctype html><html lang=\"en\"><title>hyper-login</title><h1>Hello</h1>{text}</html>\n");
    let mut response = Response::new(Full::from(document));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// Writes text so that HTML reads it as text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
