//! A webhook receiver that keeps what arrives and answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

/// Listens on a free port until it is dropped.
pub struct Receiver {
    url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<u16>>,
    usual: Mutex<Option<u16>>,
    arrived: Notify,
}

/// A request as it arrived.
#[derive(Clone)]
pub struct Received {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/kinde", listener.local_addr().unwrap());
        let shared = Arc::<Shared>::default();
        let routes = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, shared, serving }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers with these statuses in turn, and with the usual one after that.
    pub fn answer(&self, statuses: &[u16]) {
        self.shared.answers.lock().unwrap().extend(statuses);
    }

    /// Answers with this status from now on; 200 until this is called.
    pub fn always_answer(&self, status: u16) {
        *self.shared.usual.lock().unwrap() = Some(status);
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Waits until this many requests arrived, without asking the environment.
    pub async fn arrived(&self, count: usize) {
        while self.received().len() < count {
            self.shared.arrived.notified().await;
        }
    }

    /// The types of the events that arrived, in the order they did.
    pub fn types(&self) -> Vec<String> {
        let event_type = |request: &Received| request.claims().get("type")?.as_str().map(str::to_owned);
        self.received().iter().filter_map(event_type).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Received {
    pub fn claims(&self) -> Value {
        part(&self.body, 1)
    }

    pub fn jose_header(&self) -> Value {
        part(&self.body, 0)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }
}

/// Decodes the header (0) or the payload (1) of a token.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1_048_576).await.unwrap();
    shared.received.lock().unwrap().push(Received {
        method: head.method,
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    shared.arrived.notify_one();
    let scripted = shared.answers.lock().unwrap().pop_front();
    let status = scripted.or(*shared.usual.lock().unwrap()).unwrap_or(200);
    // A redirect says where to, so that whoever follows it is found out.
    (StatusCode::from_u16(status).unwrap(), [("location", "/elsewhere")], "thank you").into_response()
}
