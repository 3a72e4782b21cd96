//! A listener on the wire between a program and PostgreSQL.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

use super::passage;

/// Passes everything on, and counts the messages that the client sends, by their type.
pub struct Wire {
    url: String,
    counts: Counts,
}

/// A statement that is run with parameters (PostgreSQL documentation, "Message Formats").
pub const EXECUTE: char = 'E';

/// A statement that is prepared.
pub const PARSE: char = 'P';

/// A statement without parameters, such as `BEGIN`.
pub const QUERY: char = 'Q';

/// A connection that is opened; its first message has no type.
pub const CONNECTION: char = '+';

/// What a client asks to be acknowledged, once for each round trip.
pub const SYNC: char = 'S';

/// By the type of the message.
type Counts = Arc<Mutex<BTreeMap<char, usize>>>;

impl Wire {
    /// Listens on a free port in front of the server of a URL, without TLS.
    pub async fn before(url: &str) -> Self {
        let (server, rest) = address(url);
        let plain = if rest.contains('?') { "&sslmode=disable" } else { "?sslmode=disable" };
        let counts = Counts::default();
        let seen = Arc::clone(&counts);
        let listens_at = passage::before(server.to_owned(), move |from_client, to_server| {
            listen(from_client, to_server, Arc::clone(&seen))
        });
        Self { url: url.replace(server, &listens_at.await.to_string()) + plain, counts }
    }

    /// Gives the URL to connect to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Forgets what was counted, but for the connections.
    pub fn reset(&self) {
        self.counts.lock().unwrap().retain(|kind, _| *kind == CONNECTION);
    }

    /// Gives how many messages of a type came since.
    pub fn count(&self, kind: char) -> usize {
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

/// Splits a URL into its host and port, and what comes after them.
pub(super) fn address(url: &str) -> (&str, &str) {
    let after_user = url.rsplit_once('@').map_or_else(|| url.split_once("//").unwrap().1, |(_, rest)| rest);
    after_user.split_once('/').unwrap_or((after_user, ""))
}
