//! One accepted connection, which can misbehave below HTTP and always ends with its server.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

use crate::guarded::Guarded;

/// Accepts connections until the server stops.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) stop: watch::Receiver<bool>,
    /// Held by every connection, so that the server learns when the last one is gone.
    pub(crate) alive: mpsc::Sender<()>,
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let mut stop = self.stop.clone();
        let connection = Connection {
            stream,
            misconduct: Misconduct::default(),
            written: 0,
            stopped: Box::pin(async move {
                // The sender gone means the server gone.
                let _ = stop.wait_for(|stop| *stop).await;
            }),
            is_stopped: false,
            _alive: self.alive.clone(),
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection to a client.
pub(crate) struct Connection {
    stream: TcpStream,
    misconduct: Misconduct,
    /// How much of the scripted answer went out.
    written: usize,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_stopped: bool,
    _alive: mpsc::Sender<()>,
}

impl Connection {
    /// Tells whether the connection is to end now, and registers to be woken when it is.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        if !self.is_stopped {
            self.is_stopped = self.stopped.as_mut().poll(context).is_ready();
        }
        let is_reset = self.misconduct.is(&Script::Reset);
        if is_reset {
            // Closing with unsent data discarded makes the peer see a reset instead of an end. A socket that
            // cannot be told so is closed all the same.
            let _ = self.stream.set_zero_linger();
        }
        self.is_stopped || is_reset
    }

    /// Writes the script instead of what HTTP wanted to say; never ready while the script goes on.
    fn poll_script(&mut self, script: &'static Script, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (head, tail): (&[u8], &[u8]) = match script {
            Script::Reset => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Script::Truncated => (TRUNCATED, b""),
            Script::Endless => (ENDLESS_HEAD, ENDLESS_CHUNK),
        };
        loop {
            let rest = match head.get(self.written..) {
                Some(rest) if !rest.is_empty() => rest,
                _ if tail.is_empty() => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
                _ => {
                    let into_tail = self.written.saturating_sub(head.len()) % tail.len();
                    tail.get(into_tail..).unwrap_or(tail)
                }
            };
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            self.written = self.written.saturating_add(sent);
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.misconduct.script().is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        match self.misconduct.script() {
            Some(script) => self.poll_script(script, context),
            None => Pin::new(&mut self.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What a handler asks its connection to do instead of sending the handler's answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Misconduct(Arc<Guarded<Option<&'static Script>>>);

impl Misconduct {
    pub(crate) fn ask_for(&self, script: &'static Script) {
        *self.0.lock() = Some(script);
    }

    fn script(&self) -> Option<&'static Script> {
        *self.0.lock()
    }

    fn is(&self, script: &Script) -> bool {
        self.script() == Some(script)
    }
}

/// Who is at the other end of a connection, and how to misbehave towards them.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) misconduct: Misconduct,
    address: IpAddr,
}

impl Caller {
    /// Tells whether they are a program of this computer.
    pub(crate) fn is_on_this_computer(&self) -> bool {
        self.address.to_canonical().is_loopback()
    }
}

impl Connected<IncomingStream<'_, Door>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self { misconduct: stream.io().misconduct.clone(), address: stream.remote_addr().ip() }
    }
}

/// A way to misbehave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Reset,
    Truncated,
    Endless,
}

const TRUNCATED: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1048576\r\n\r\n{\"keys\":[";

const ENDLESS_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

/// 1,024 spaces, which JSON allows anywhere, as one chunk.
const ENDLESS_CHUNK: &[u8] = &{
    let mut chunk = [b' '; 1_031];
    let (before, after) = (b"400\r\n", b"\r\n");
    chunk[0] = before[0];
    chunk[1] = before[1];
    chunk[2] = before[2];
    chunk[3] = before[3];
    chunk[4] = before[4];
    chunk[1_029] = after[0];
    chunk[1_030] = after[1];
    chunk
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_computer() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("127.1.2.3", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("0.0.0.0", false),
        ] {
            let caller = Caller { misconduct: Misconduct::default(), address: address.parse().unwrap() };
            assert_eq!(caller.is_on_this_computer(), expected, "{address}");
        }
    }
}
