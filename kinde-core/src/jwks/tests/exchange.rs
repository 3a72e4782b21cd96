//! Fetches over a real loopback socket with the default client, against servers that misbehave.
#![cfg(feature = "reqwest")]

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{DefaultClient, jwks::JwksErrorKind};

/// What the server does with a connection after it has read the request.
#[derive(Clone, Debug)]
enum Reply {
    Raw(Vec<u8>),
    /// Keeps the connection open and says nothing.
    Silence,
    /// Sends this and then the same block without end.
    Endless(Vec<u8>),
    /// Sends one byte at a time without end.
    Trickle,
}

struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    sent_bytes: Arc<AtomicUsize>,
}

impl Server {
    async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, requests: Arc::default(), sent_bytes: Arc::default() };
        let (requests, sent_bytes) = (Arc::clone(&server.requests), Arc::clone(&server.sent_bytes));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (reply, requests) = (reply.clone(), Arc::clone(&requests));
                let sent_bytes = Arc::clone(&sent_bytes);
                tokio::spawn(async move {
                    let request = read_head(&mut stream).await;
                    requests.lock().unwrap().push(request);
                    let _ = answer(&mut stream, reply, &sent_bytes).await;
                });
            }
        });
        server
    }

    fn jwks(&self) -> JwksBuilder {
        Jwks::builder(Issuer::new(&format!("http://127.0.0.1:{}", self.port)).unwrap())
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).to_lowercase()
}

async fn answer(stream: &mut TcpStream, reply: Reply, sent: &AtomicUsize) -> std::io::Result<()> {
    match reply {
        Reply::Raw(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Silence => future::pending().await,
        Reply::Endless(head) => {
            stream.write_all(&head).await?;
            loop {
                sent.fetch_add(stream.write(&[b' '; 16_384]).await?, Ordering::SeqCst);
            }
        }
        Reply::Trickle => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

fn response(status: &str, headers: &str, body: &[u8]) -> Reply {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    Reply::Raw([head.as_bytes(), body].concat())
}

fn good_body() -> Vec<u8> {
    jwks_of(vec![jwk("a")])
}

/// covers: B8
#[tokio::test]
async fn request_holds_what_it_must_and_neither_credentials_nor_cookies() {
    let server = Server::start(response("200 OK", "set-cookie: a=b\r\n", &good_body())).await;
    let jwks = server.jwks().build().unwrap();
    assert!(finds(&jwks, "a").await);
    let [request] = server.requests().try_into().unwrap();
    assert!(request.starts_with("get /.well-known/jwks http/1.1\r\n"), "{request}");
    assert!(request.contains("accept: application/jwk-set+json, application/json\r\n"), "{request}");
    for absent in ["authorization", "cookie", "if-none-match", "referer", "accept-encoding"] {
        assert!(!request.contains(&format!("\r\n{absent}:")), "{absent}: {request}");
    }
}

/// covers: B8
#[tokio::test]
async fn answers_with_another_status_or_body_are_failures() {
    use JwksErrorKind::{NotAKeySet, NotModifiedWithoutSet, Status};
    let good = good_body();
    let cut = &good[..good.len() / 2];
    for (name, reply, kind) in [
        ("created", response("201 Created", "", &good), Status),
        ("partial", response("206 Partial Content", "", &good), Status),
        ("no content", Reply::Raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()), Status),
        ("not modified", Reply::Raw(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()), NotModifiedWithoutSet),
        ("forbidden", response("403 Forbidden", "", &good), Status),
        ("too many", response("429 Too Many Requests", "retry-after: 1\r\n", &good), Status),
        ("server error", response("500 Internal Server Error", "", &good), Status),
        ("cut json", response("200 OK", "", cut), NotAKeySet),
        ("html", response("200 OK", "content-type: text/html\r\n", b"<html>"), NotAKeySet),
        ("compressed", response("200 OK", "content-encoding: gzip\r\n", b"\x1f\x8b\x08\0"), NotAKeySet),
        ("empty", response("200 OK", "", b""), NotAKeySet),
    ] {
        let jwks = Server::start(reply).await.jwks().build().unwrap();
        assert!(!finds(&jwks, "a").await, "{name}");
        assert_eq!(jwks.health().last_error, Some(kind), "{name}");
    }
}

/// covers: B8 A7
#[tokio::test]
async fn redirects_are_not_followed() {
    let target = Server::start(response("200 OK", "", &good_body())).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let headers = format!("location: http://127.0.0.1:{}/.well-known/jwks\r\n", target.port);
        let server = Server::start(response(status, &headers, b"")).await;
        let jwks = server.jwks().build().unwrap();
        assert!(!finds(&jwks, "a").await, "{status}");
        assert_eq!(jwks.health().last_error, Some(JwksErrorKind::Status), "{status}");
    }
    assert_eq!(target.requests().len(), 0);
}

/// covers: B8 J3
#[tokio::test]
async fn body_is_accepted_up_to_the_limit_and_not_a_byte_beyond() {
    let body = good_body();
    for (name, limit, kind) in
        [("exactly", body.len(), None), ("one less", body.len() - 1, Some(JwksErrorKind::BodyTooLarge))]
    {
        let server = Server::start(response("200 OK", "", &body)).await;
        let jwks = server.jwks().with_body_limit_bytes(limit).build().unwrap();
        assert_eq!(finds(&jwks, "a").await, kind.is_none(), "{name}");
        assert_eq!(jwks.health().last_error, kind, "{name}");
    }
}

/// covers: B8 J3
#[tokio::test]
async fn huge_and_endless_bodies_are_cut_off_at_the_limit() {
    for (name, head) in [
        ("50 MB announced", "HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n{\"keys\":["),
        ("no length", "HTTP/1.1 200 OK\r\n\r\n{\"keys\":["),
        ("gzip without end", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f"),
        ("headers without end", "HTTP/1.1 200 OK\r\nx: "),
    ] {
        let server = Server::start(Reply::Endless(head.as_bytes().to_vec())).await;
        let jwks = server.jwks().build().unwrap();
        assert!(!finds(&jwks, "a").await, "{name}");
        let kind = jwks.health().last_error.unwrap();
        assert!(matches!(kind, JwksErrorKind::BodyTooLarge | JwksErrorKind::Connection), "{name}: {kind}");
        // What the kernel buffers was sent but never read into memory.
        let sent = server.sent_bytes.load(Ordering::SeqCst);
        assert!(sent < 16 * 1024 * 1024, "{name}: {sent} bytes");
    }
}

/// covers: B8 J3
#[tokio::test]
async fn client_that_ignores_the_limit_is_caught() {
    let provider = Provider::serving(&["a"]);
    let jwks = builder(&provider).0.with_body_limit_bytes(10).build().unwrap();
    assert!(!finds(&jwks, "a").await);
    assert_eq!(jwks.health().last_error, Some(JwksErrorKind::BodyTooLarge));
}

/// covers: B8
#[tokio::test]
async fn whole_exchange_ends_at_the_deadline() {
    for reply in [Reply::Silence, Reply::Trickle] {
        let server = Server::start(reply.clone()).await;
        let jwks = server.jwks().with_deadline(Duration::from_millis(100)).build().unwrap();
        assert!(!finds(&jwks, "a").await, "{reply:?}");
        assert_eq!(jwks.health().last_error, Some(JwksErrorKind::Deadline), "{reply:?}");
    }
}

/// covers: B8
#[tokio::test]
async fn broken_connection_is_a_failure() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let truncated = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"keys\":[]}".to_vec();
    let server = Server::start(Reply::Raw(truncated)).await;
    let refused = Issuer::new(&format!("http://127.0.0.1:{closed}")).unwrap();
    for (name, builder) in [("truncated", server.jwks()), ("refused", Jwks::builder(refused))] {
        let jwks = builder.build().unwrap();
        assert!(!finds(&jwks, "a").await, "{name}");
        assert_eq!(jwks.health().last_error, Some(JwksErrorKind::Connection), "{name}");
    }
}

/// covers: B12 B13
#[tokio::test]
async fn known_kids_are_found_at_once_while_the_endpoint_hangs() {
    let server = Server::start(Reply::Silence).await;
    let warm = Provider::serving(&["a"]);
    let (client, clock) =
        (Switch { first: warm, then: DefaultClient::new().unwrap() }, ManualClock::at_unix_seconds(0));
    let jwks = server.jwks().with_http_client(client).with_clock(clock.clone()).build().unwrap();
    jwks.warm_up().await.unwrap();
    clock.advance(seconds(300));
    for _ in 0..100 {
        assert!(jwks.held_key(Some("a")).is_some());
        tokio::task::yield_now().await;
    }
    assert!(finds(&jwks, "a").await);
}

/// Answers the first request from a script and the others from the network.
#[derive(Debug)]
struct Switch {
    first: Provider,
    then: DefaultClient,
}

impl HttpFetch for Switch {
    fn fetch(&self, request: http::Request<Bytes>, body_limit_bytes: usize) -> FetchFuture<'_> {
        match self.first.request_count() {
            0 => self.first.fetch(request, body_limit_bytes),
            _ => self.then.fetch(request, body_limit_bytes),
        }
    }
}

/// covers: J8
#[tokio::test(start_paused = true)]
async fn paused_runtime_fetches_from_a_real_server() {
    let server = Server::start(response("200 OK", "", &good_body())).await;
    let jwks = server.jwks().build().unwrap();
    let answers = ask_all(&jwks, (0..50).map(|_| "a".to_owned())).await;
    assert!(answers.iter().all(Result::is_ok));
    tokio::time::sleep(seconds(100_000)).await;
    assert_eq!(server.requests().len(), 1);
}
