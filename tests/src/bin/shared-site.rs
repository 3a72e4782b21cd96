//! A site that shares its sessions with other processes, for tests that start several of them.
//!
//! The first line of standard input is a JSON object: `variables` (the settings), `now` (where its clock stands, in seconds
//! since 1970), and `redis` and `prefix`, or `postgres`, or neither for sessions in the cookie. It answers with its
//! `pid` and `port`. Each line after it, `advance SECONDS`, moves its clock and is answered with `done`. The process ends
//! with its input.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    time::Duration,
};

use axum::extract::Request;
use http::HeaderValue;
use kinde_core::{Kinde, ManualClock, Settings};
use kinde_login::{Login, PostgresStore, RedisStore};
use kinde_tests::site::app;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::Deserialize;
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Orders {
    variables: BTreeMap<String, String>,
    now: u64,
    redis: Option<String>,
    prefix: Option<String>,
    postgres: Option<String>,
}

fn main() {
    let mut lines = io::stdin().lock().lines().map_while(Result::ok);
    let orders: Orders = serde_json::from_str(&lines.next().unwrap()).unwrap();
    let clock = ManualClock::at_unix_seconds(orders.now);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let port = runtime.block_on(serve(orders, clock.clone()));
    tell(&json!({"pid": std::process::id(), "port": port}).to_string());
    for line in lines {
        let seconds = line.strip_prefix("advance ").unwrap().parse().unwrap();
        clock.advance(Duration::from_secs(seconds));
        tell("done");
    }
}

async fn serve(orders: Orders, clock: ManualClock) -> u16 {
    let kinde = Kinde::from_settings(Settings::from_variables(orders.variables).unwrap()).unwrap();
    let verifier = kinde.verifier().with_clock(clock.clone()).build().unwrap();
    let mut builder = Login::builder(&kinde).with_clock(clock);
    if let Some(url) = orders.redis {
        let store = RedisStore::new(connection(&url).await).with_prefix(orders.prefix.unwrap());
        builder = builder.with_store(store);
    }
    if let Some(url) = orders.postgres {
        let pool = PgPoolOptions::new().max_connections(8).connect(&url).await.unwrap();
        let store = PostgresStore::new(pool);
        store.migrate().await.unwrap();
        builder = builder.with_store(store);
    }
    let app = app(verifier, &builder.build().unwrap()).layer(axum::middleware::from_fn(sign));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

/// As an application would: it comes back by itself after a restart of the server.
async fn connection(url: &str) -> ConnectionManager {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(Duration::from_secs(10)))
        .set_max_delay(Duration::from_millis(200));
    ConnectionManager::new_with_config(redis::Client::open(url).unwrap(), config).await.unwrap()
}

/// Says which process answered.
async fn sign(request: Request, next: axum::middleware::Next) -> axum::response::Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-process", HeaderValue::from(std::process::id()));
    response
}

fn tell(line: &str) {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}").unwrap();
    output.flush().unwrap();
}
