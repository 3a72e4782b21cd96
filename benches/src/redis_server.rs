//! A Redis of its own for a measurement.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::aio::ConnectionManager;

/// A server that keeps nothing and ends with its handle.
#[derive(Debug)]
pub struct RedisServer {
    process: Child,
    port: u16,
}

impl RedisServer {
    /// Starts one on a free port; `None` where there is no `redis-server`.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub fn start() -> Option<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Some(Self { process: command.spawn().ok()?, port })
    }

    /// Opens a connection as an application would, when the server is ready.
    ///
    /// # Panics
    ///
    /// When the server is not ready within ten seconds.
    pub async fn connection(&self) -> ConnectionManager {
        let client = redis::Client::open((Ipv4Addr::LOCALHOST.to_string(), self.port)).expect("an address");
        for _ in 0..200 {
            if let Ok(connection) = client.get_connection_manager().await {
                return connection;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server did not start");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
