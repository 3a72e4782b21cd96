//! A listener on the wire between the endpoint and PostgreSQL.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

/// Passes everything on, and counts the messages that the client sends, by their type.
pub(crate) struct Wire {
    port: u16,
    counts: Counts,
}

/// A statement that is run with parameters (PostgreSQL documentation, "Message Formats").
pub(crate) const EXECUTE: char = 'E';

/// A statement that is prepared.
pub(crate) const PARSE: char = 'P';

/// A statement without parameters, such as `BEGIN`.
pub(crate) const QUERY: char = 'Q';

/// A connection that is opened; its first message has no type.
pub(crate) const CONNECTION: char = '+';

/// By the type of the message.
type Counts = Arc<Mutex<BTreeMap<char, usize>>>;

impl Wire {
    /// Listens on a free port in front of `server`, a host and port.
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Counts::default();
        let seen = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                // Messages are passed on one by one; none waits for the one before to be acknowledged.
                server.set_nodelay(true).unwrap();
                let ((from_client, mut to_client), (mut from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
                tokio::spawn(listen(from_client, to_server, Arc::clone(&seen)));
            }
        });
        Self { port, counts }
    }

    /// Gives the port to connect to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Forgets what was counted, but for the connections.
    pub(crate) fn reset(&self) {
        self.counts.lock().unwrap().retain(|kind, _| *kind == CONNECTION);
    }

    /// Gives how many messages of a type came since.
    pub(crate) fn count(&self, kind: char) -> usize {
        self.counts.lock().unwrap().get(&kind).copied().unwrap_or_default()
    }
}

/// Every message but the first begins with its type; each has its length, which counts itself.
async fn listen(mut from_client: OwnedReadHalf, mut to_server: OwnedWriteHalf, counts: Counts) -> Option<()> {
    let mut kind: Option<u8> = None;
    loop {
        let mut length = [0; 4];
        from_client.read_exact(&mut length).await.ok()?;
        let mut rest = vec![0; u32::from_be_bytes(length) as usize - 4];
        from_client.read_exact(&mut rest).await.ok()?;
        *counts.lock().unwrap().entry(kind.map_or(CONNECTION, char::from)).or_default() += 1;
        let message = [kind.as_slice(), &length, &rest].concat();
        to_server.write_all(&message).await.ok()?;
        kind = Some(from_client.read_u8().await.ok()?);
    }
}
