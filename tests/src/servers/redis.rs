//! Redis for a test.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use super::process::{Folder, Process, free_port, in_path, unique, variable};

/// A Redis for one test; its keys begin with [`prefix`](Redis::prefix), for the server may be everybody's.
pub struct Redis {
    url: String,
    prefix: String,
    server: Option<Own>,
}

struct Own {
    /// Ends before its files go.
    process: Process,
    folder: Folder,
    port: u16,
    is_durable: bool,
}

/// Names the server of `REDIS_URL`, or starts a private one.
pub async fn redis() -> Redis {
    match variable("REDIS_URL") {
        Some(url) => Redis { url, prefix: prefix(), server: None },
        None => own_redis(false).await,
    }
}

/// Starts a private server, for a test that restarts it; only a durable one remembers anything then.
pub async fn own_redis(is_durable: bool) -> Redis {
    let (folder, port) = (Folder::new("redis", None), free_port());
    let process = start(&folder, port, is_durable);
    let own = Own { process, folder, port, is_durable };
    let redis = Redis { url: format!("redis://127.0.0.1:{port}"), prefix: prefix(), server: Some(own) };
    redis.ready().await;
    redis
}

impl Redis {
    /// Gives the server's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives what the test's keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Gives the port of a private server, for a proxy in front of it.
    pub fn port(&self) -> u16 {
        self.own().port
    }

    /// Opens a connection that comes back by itself, as a process would.
    pub async fn connection(&self) -> ConnectionManager {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        // A busy machine takes longer than the half second that the client allows by itself.
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(Duration::from_secs(30)))
            .set_connection_timeout(Some(Duration::from_secs(30)));
        ConnectionManager::new_with_config(client, config).await.unwrap()
    }

    /// Stops a private server as a crash does.
    pub fn crash(&mut self) {
        self.own_mut().process.stop("KILL");
    }

    /// Starts a stopped server again, with the same files and port.
    pub async fn start(&mut self) {
        let own = self.own_mut();
        own.process = start(&own.folder, own.port, own.is_durable);
        self.ready().await;
    }

    /// Crashes a private server and starts it again.
    pub async fn restart(&mut self) {
        self.crash();
        self.start().await;
    }

    async fn ready(&self) {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        for _ in 0..ATTEMPTS {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING").query_async::<()>(&mut connection).await.is_ok()
            {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("Redis did not start:\n{}", self.own().process.log());
    }

    fn own(&self) -> &Own {
        self.server.as_ref().expect("the server of REDIS_URL is not ours to restart: use own_redis")
    }

    fn own_mut(&mut self) -> &mut Own {
        self.server.as_mut().expect("the server of REDIS_URL is not ours to restart: use own_redis")
    }
}

fn start(folder: &Folder, port: u16, is_durable: bool) -> Process {
    let program = in_path("redis-server").unwrap_or_else(|| {
        panic!("there is no redis-server: install Debian's package `redis-server`, or set REDIS_URL")
    });
    let (port, append) = (port.to_string(), if is_durable { "yes" } else { "no" });
    let arguments = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", append];
    let always = ["--appendfsync", "always", "--maxmemory-policy", "noeviction"];
    Process::start(&program, &[&arguments[..], &always[..]].concat(), None, folder)
}

fn prefix() -> String {
    format!("kinde-test-{}:", unique())
}

/// A minute, for a machine that is busy with compilers.
const ATTEMPTS: u32 = 1200;

const PAUSE: Duration = Duration::from_millis(50);
