//! A to-do service on hyper and tower, without a web framework.

mod store;

use std::{convert::Infallible, io};

use bytes::Bytes;
use http::{Extensions, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use kinde_tower::{
    KindeLayer, Protocol, RefusalStyle, ResponseBody, check,
    kinde_core::{AuthError, permissions},
    user,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tower::{Service, ServiceBuilder};

pub use store::{Store, Todo};

permissions! {
    /// May create to-do items.
    pub CreateTodos = "create:todos";
}

/// Builds the service: the layer around one function from request to response.
pub fn app(
    layer: KindeLayer,
) -> impl Service<
    Request<Incoming>,
    Response = Response<ResponseBody<Full<Bytes>>>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send {
    let store = Store::default();
    ServiceBuilder::new().layer(layer).service_fn(move |request| answer(store.clone(), request))
}

/// Serves every connection with the service.
///
/// # Errors
///
/// When the listener can accept no more.
pub async fn serve(listener: TcpListener, layer: KindeLayer) -> io::Result<()> {
    let app = TowerToHyperService::new(app(layer));
    loop {
        let (stream, _) = listener.accept().await?;
        let mut http = http1::Builder::new();
        let connection = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), app.clone());
        tokio::spawn(connection);
    }
}

async fn answer(store: Store, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let answered = match (&head.method, head.uri.path()) {
        (&Method::GET, "/todos") => list(&store, &head.extensions),
        (&Method::POST, "/todos") => create(&store, &head.extensions, body).await,
        _ => Ok(empty(StatusCode::NOT_FOUND)),
    };
    // A refusal by a handler is told exactly as one by the layer.
    Ok(answered.unwrap_or_else(|refused| {
        RefusalStyle::of(&head.extensions).respond(refused, Protocol::of_parts(&head)).map(Full::new)
    }))
}

fn list(store: &Store, extensions: &Extensions) -> Result<Response<Full<Bytes>>, AuthError> {
    Ok(json(StatusCode::OK, &store.list(user(extensions)?)))
}

async fn create(
    store: &Store,
    extensions: &Extensions,
    body: Incoming,
) -> Result<Response<Full<Bytes>>, AuthError> {
    check::<CreateTodos>(extensions)?;
    let owner = user(extensions)?;
    let Ok(body) = Limited::new(body, BODY_LIMIT_BYTES).collect().await else {
        return Ok(empty(StatusCode::BAD_REQUEST));
    };
    let Ok(new) = serde_json::from_slice::<NewTodo>(&body.to_bytes()) else {
        return Ok(empty(StatusCode::UNPROCESSABLE_ENTITY));
    };
    Ok(json(StatusCode::CREATED, &store.create(owner, new.title)))
}

/// What the client may say about a new item: whose it is, the token says.
#[derive(Deserialize)]
struct NewTodo {
    title: String,
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    let Ok(text) = serde_json::to_vec(value) else { return empty(StatusCode::INTERNAL_SERVER_ERROR) };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

const BODY_LIMIT_BYTES: usize = 64 * 1024;
