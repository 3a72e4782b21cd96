//! A webhook receiver that keeps what arrives and answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

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

    /// The types of the events that arrived, in the order they did.
    pub fn types(&self) -> Vec<String> {
        self.received().iter().map(|request| request.claims()["type"].as_str().unwrap().to_owned()).collect()
    }

    /// The event that arrived last.
    pub fn last(&self) -> Value {
        self.received().last().unwrap().claims()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Received {
    pub fn claims(&self) -> Value {
        self.part(1)
    }

    pub fn jose_header(&self) -> Value {
        self.part(0)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn part(&self, index: usize) -> Value {
        let part = self.body.split('.').nth(index).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1_048_576).await.unwrap();
    shared.received.lock().unwrap().push(Received {
        method: head.method,
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let scripted = shared.answers.lock().unwrap().pop_front();
    let status = scripted.or(*shared.usual.lock().unwrap()).unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}
