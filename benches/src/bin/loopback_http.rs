//! Requests per second over loopback HTTP with one repeated token: a bare server and a protected one, in turns.

use std::{
    process::ExitCode,
    sync::mpsc,
    time::{Duration, Instant},
};

use axum::Router;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use kinde_benches::{
    apps::{bare, ours},
    environment::{self, bearer},
    measure::{median, request, thread_time},
    report::{Bars, option},
};
use tokio::{
    net::TcpStream,
    sync::{oneshot, watch},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let slices = option("--slices", 150);
    let slice = Duration::from_millis(option("--slice-ms", 100) as u64);
    let connections = option("--connections", 16);

    let environment = environment::start();
    let jwks = ours::patient_jwks(&environment);
    jwks.warm_up().await.expect("the environment answers");
    let verifier = ours::verifier(jwks).build().expect("a verifier");
    let credential = bearer(&environment::person(&environment).access_token());
    let servers =
        [Server::start(bare::bare()), Server::start(bare::floor()), Server::start(ours::app(verifier))];

    let mut clients = Vec::new();
    for server in &servers {
        let mut senders = Vec::new();
        for _ in 0..connections {
            senders.push(connect(server.address).await);
        }
        clients.push(senders);
    }
    println!("{connections} keep-alive connections, {slices} slices of {slice:?} for each server, in turns");
    let mut readings: [Vec<Slice>; 3] = Default::default();
    for round in 0..slices + 1 {
        for index in (0..servers.len()).map(|index| (index + round) % servers.len()) {
            let reading = run(&servers[index], &mut clients[index], &credential, slice).await;
            if round > 0 {
                readings[index].push(reading);
            }
        }
    }
    let rates =
        |index: usize| readings[index].iter().map(|slice: &Slice| slice.per_second).collect::<Vec<_>>();
    let costs =
        |index: usize| readings[index].iter().map(|slice: &Slice| slice.server_micros).collect::<Vec<_>>();
    for (index, name) in ["bare", "floor: one Arc inserted", "KindeLayer + AuthUser"].into_iter().enumerate()
    {
        let (rate, cost) = (median(&rates(index)), median(&costs(index)));
        println!("{name:<28} {rate:>9.0} requests/s   {cost:>6.2} us of the server's thread per request");
    }
    // Neighbours in time are compared: what else the machine does changes from slice to slice.
    let ratio = |of: &[f64], to: &[f64]| {
        let pairs = of.iter().zip(to);
        median(&pairs.map(|(of, to)| of / to).collect::<Vec<_>>())
    };
    let mut bars = Bars::new();
    println!();
    bars.at_least("requests/s, protected to bare (median of slices)", ratio(&rates(2), &rates(0)), 0.90, "");
    println!("{:<58} {:>9.2}", "the same by the server's thread time", ratio(&costs(0), &costs(2)));
    println!("{:<58} {:>9.2}", "requests/s, floor to bare", ratio(&rates(1), &rates(0)));
    bars.exit_code()
}

/// A server on a thread of its own, and how long that thread has worked.
struct Server {
    address: std::net::SocketAddr,
    ask: watch::Sender<u64>,
    worked: mpsc::Receiver<Duration>,
    _stop: oneshot::Sender<()>,
}

impl Server {
    fn start(app: Router) -> Self {
        let (address_out, address_in) = mpsc::channel();
        let (worked_out, worked) = mpsc::channel();
        let (ask, mut asked) = watch::channel(0_u64);
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                address_out.send(listener.local_addr().expect("an address")).expect("the starter waits");
                tokio::spawn(async move {
                    while asked.changed().await.is_ok() {
                        let _ = worked_out.send(thread_time());
                    }
                });
                tokio::select! {
                    served = axum::serve(listener, app) => served.expect("the server runs"),
                    _ = stopped => {}
                }
            });
        });
        Self { address: address_in.recv().expect("the server starts"), ask, worked, _stop: stop }
    }

    fn thread_time(&self) -> Duration {
        self.ask.send_modify(|count| *count += 1);
        self.worked.recv().expect("the server runs")
    }
}

/// What one slice of load brought.
struct Slice {
    per_second: f64,
    server_micros: f64,
}

async fn run(
    server: &Server,
    clients: &mut [SendRequest<Empty<Bytes>>],
    credential: &http::HeaderValue,
    length: Duration,
) -> Slice {
    let worked = server.thread_time();
    let start = Instant::now();
    let end = start + length;
    let loads = clients.iter_mut().map(|client| load(client, credential, end));
    let count: usize = futures_join(loads).await.into_iter().sum();
    let took = start.elapsed();
    let worked = server.thread_time() - worked;
    Slice {
        per_second: count as f64 / took.as_secs_f64(),
        server_micros: worked.as_nanos() as f64 / 1_000.0 / count as f64,
    }
}

/// Sends one request after the other until the end; every answer must be a success.
async fn load(client: &mut SendRequest<Empty<Bytes>>, credential: &http::HeaderValue, end: Instant) -> usize {
    let mut count = 0;
    while Instant::now() < end {
        let request: Request<Empty<Bytes>> = request(Some(credential), Empty::new());
        let response = client.send_request(request).await.expect("an answer");
        assert!(response.status().is_success());
        response.into_body().collect().await.expect("a body");
        count += 1;
    }
    count
}

/// Runs futures at once on this task.
async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut is_done = true;
        for (future, output) in &mut pending {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    pending.into_iter().filter_map(|(_, output)| output).collect()
}

async fn connect(address: std::net::SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("an open socket");
    let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(connection);
    sender
}
