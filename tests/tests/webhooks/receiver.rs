//! An endpoint of the tests: a service on a free port, and a handler that notes what it was given.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, response::IntoResponse};
use http::{Request, Response};
use kinde_core::{Clock, EventVerifier, Issuer, Jwks};
use kinde_emulator::Environment;
use kinde_webhook::{Event, HandlerError, WebhookService, WebhookVerifier, inbox::MemoryInbox};
use tokio::net::TcpListener;
use tower::Service;

/// Serves `webhooks` until the test ends, and gives its URL.
pub(crate) async fn serve<S>(webhooks: S) -> String
where
    S: Service<Request<Body>, Error = Infallible, Response: IntoResponse, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/kinde", listener.local_addr().unwrap());
    let app = Router::new().route_service("/webhooks/kinde", webhooks);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// Verifies what the environment sends, with keys fetched over loopback HTTP.
pub(crate) fn verifier_of(kinde: &Environment) -> WebhookVerifier {
    event_verifier_of(kinde).into()
}

pub(crate) fn event_verifier_of(kinde: &Environment) -> EventVerifier {
    EventVerifier::new(jwks_of(kinde))
}

pub(crate) fn jwks_of(kinde: &Environment) -> Jwks {
    Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).build().unwrap()
}

/// Reads the environment's own time, so that a schedule of hours is judged at its hours.
#[derive(Clone)]
pub(crate) struct ClockOf(pub(crate) Arc<Environment>);

impl std::fmt::Debug for ClockOf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ClockOf")
    }
}

impl Clock for ClockOf {
    fn wall(&self) -> Duration {
        Duration::from_secs(self.0.now())
    }

    fn monotonic(&self) -> Duration {
        self.wall()
    }
}

/// A handler that notes each event, and fails as it is told.
#[derive(Clone, Default)]
pub(crate) struct Notebook {
    runs: Arc<Mutex<Vec<String>>>,
    orders: Arc<Mutex<Vec<Order>>>,
}

/// What the next run does instead of succeeding.
pub(crate) enum Order {
    Fail,
    FailForGood,
    Panic,
    /// Takes so long, then does as the next order says.
    Take(Duration),
}

impl Notebook {
    pub(crate) fn ordered(orders: impl IntoIterator<Item = Order>) -> Self {
        let mut orders: Vec<_> = orders.into_iter().collect();
        orders.reverse();
        Self { runs: Arc::default(), orders: Arc::new(Mutex::new(orders)) }
    }

    pub(crate) async fn handle(self, event: Event) -> Result<(), HandlerError> {
        self.runs.lock().unwrap().push(event.id().to_owned());
        loop {
            let order = self.orders.lock().unwrap().pop();
            match order {
                None => return Ok(()),
                Some(Order::Fail) => return Err("the database is away".into()),
                Some(Order::FailForGood) => return Err(HandlerError::permanent("no such plan")),
                Some(Order::Panic) => panic!("on order"),
                Some(Order::Take(time)) => tokio::time::sleep(time).await,
            }
        }
    }

    /// Gives the ids of the events for which the handler ran, run by run.
    pub(crate) fn runs(&self) -> Vec<String> {
        self.runs.lock().unwrap().clone()
    }

    /// Counts the runs of each event.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        self.runs().into_iter().for_each(|id| *counts.entry(id).or_default() += 1);
        counts
    }
}

/// Starts an endpoint with a handler and an inbox in memory, and registers it with the environment.
pub(crate) async fn endpoint(kinde: &Environment, notebook: &Notebook) -> MemoryInbox {
    let inbox = MemoryInbox::new();
    let notebook = notebook.clone();
    let service = WebhookService::from_fn(verifier_of(kinde), inbox.clone(), move |event| {
        notebook.clone().handle(event)
    });
    kinde.add_webhook(serve(service).await).unwrap();
    inbox
}

/// Sends a body as Kinde would, straight into a service, and gives status and body.
pub(crate) async fn post<S>(service: &S, body: impl Into<Body>) -> (u16, String)
where
    S: Service<Request<Body>, Error = Infallible, Response = Response<http_body_util::Full<bytes::Bytes>>>
        + Clone,
{
    let request = Request::post("/").header("content-type", "application/jwt").body(body.into()).unwrap();
    send(service, request).await
}

pub(crate) async fn send<S>(service: &S, request: Request<Body>) -> (u16, String)
where
    S: Service<Request<Body>, Error = Infallible, Response = Response<http_body_util::Full<bytes::Bytes>>>
        + Clone,
{
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let response = service.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
