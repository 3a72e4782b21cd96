//! A listener on the wire between a program and Redis.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

use super::{passage, wire::address};

/// Passes everything on, and notes the requests that the client sends. Redis answers each of them once, so that no
/// fewer round trips can have happened than a client that waits for its answers sent requests.
pub struct RedisWire {
    url: String,
    commands: Commands,
}

/// The names of the commands, in the order they came.
type Commands = Arc<Mutex<Vec<String>>>;

impl RedisWire {
    /// Listens on a free port in front of the server of a URL.
    pub async fn before(url: &str) -> Self {
        let server = address(url).0.to_owned();
        let commands = Commands::default();
        let seen = Arc::clone(&commands);
        let listens_at = passage::before(server.clone(), move |from_client, to_server| {
            listen(BufReader::new(from_client), to_server, Arc::clone(&seen))
        });
        let url = url.replace(&server, &listens_at.await.to_string());
        Self { url, commands }
    }

    /// Gives the URL to connect to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives the commands that came since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.commands.lock().unwrap())
    }
}

/// A request is an array of strings, each after its length (Redis serialization protocol specification, "Sending
/// commands to a Redis server").
async fn listen(
    mut from_client: BufReader<OwnedReadHalf>,
    mut to_server: OwnedWriteHalf,
    commands: Commands,
) -> Option<()> {
    loop {
        let mut request = Vec::new();
        let count = number(&mut from_client, &mut request, b'*').await?;
        let mut command = None;
        for _ in 0..count {
            let length = number(&mut from_client, &mut request, b'$').await?;
            let mut text = vec![0; length + b"\r\n".len()];
            from_client.read_exact(&mut text).await.ok()?;
            request.extend_from_slice(&text);
            command.get_or_insert_with(|| String::from_utf8_lossy(&text[..length]).to_uppercase());
        }
        commands.lock().unwrap().extend(command);
        to_server.write_all(&request).await.ok()?;
    }
}

/// Reads a line that is a number after its mark, and keeps it to be passed on.
async fn number(from: &mut BufReader<OwnedReadHalf>, request: &mut Vec<u8>, mark: u8) -> Option<usize> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line).await.ok()? == 0 {
        return None;
    }
    request.extend_from_slice(&line);
    let number = line.strip_prefix(&[mark]).unwrap_or_else(|| panic!("no request of Redis: {line:?}"));
    std::str::from_utf8(number).unwrap().trim_end().parse().ok()
}
