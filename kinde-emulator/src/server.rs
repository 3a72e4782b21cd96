//! A server that can stop, pause and come back on the same port.

use std::net::{IpAddr, SocketAddr};

use axum::{Router, extract::connect_info::IntoMakeServiceWithConnectInfo};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{
    connection::{Caller, Door},
    error::StartError,
    guarded::Guarded,
};

/// A bound port before anything is served on it.
pub(crate) struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

impl Port {
    /// Binds `port`; zero takes any free one.
    pub(crate) fn bind(address: IpAddr, port: u16) -> Result<Self, StartError> {
        let refused = |source| StartError::Bind { address, port, source };
        let listener = listen(SocketAddr::from((address, port))).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A running server; dropping it ends its tasks and closes its connections.
pub(crate) struct Server {
    address: SocketAddr,
    routes: Router,
    state: Guarded<State>,
}

impl Server {
    /// Serves `routes` on the bound port.
    pub(crate) fn start(port: Port, routes: Router) -> Self {
        let state = Guarded::new(State::Serving(Serving::start(port.listener, routes.clone())));
        Self { address: port.address, routes, state }
    }

    /// Refuses connections from now on and closes the open ones; the port stays reserved.
    pub(crate) async fn pause(&self) {
        if let State::Serving(serving) = self.take() {
            serving.stop().await;
            *self.state.lock() = State::Paused(reserve(self.address));
        }
    }

    /// Accepts connections again after a pause.
    pub(crate) fn resume(&self) -> Result<(), StartError> {
        let mut state = self.state.lock();
        if let State::Serving(_) = *state {
            return Ok(());
        }
        let reserved = match std::mem::replace(&mut *state, State::Stopped) {
            State::Paused(Some(socket)) => socket.listen(BACKLOG),
            State::Paused(None) | State::Stopped | State::Serving(_) => listen(self.address),
        };
        let (address, port) = (self.address.ip(), self.address.port());
        let listener = reserved.map_err(|source| StartError::Bind { address, port, source })?;
        *state = State::Serving(Serving::start(listener, self.routes.clone()));
        Ok(())
    }

    /// Stops for good and waits until every connection's task is gone.
    pub(crate) async fn stop(&self) {
        if let State::Serving(serving) = self.take() {
            serving.stop().await;
        }
    }

    fn take(&self) -> State {
        std::mem::replace(&mut *self.state.lock(), State::Stopped)
    }
}

enum State {
    Serving(Serving),
    /// Nobody listens. A bound socket keeps the port from others where one could be had.
    Paused(Option<TcpSocket>),
    Stopped,
}

struct Serving {
    accepting: JoinHandle<()>,
    stop: watch::Sender<bool>,
    connections: mpsc::Receiver<()>,
}

impl Serving {
    fn start(listener: TcpListener, routes: Router) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (alive, connections) = mpsc::channel(1);
        let door = Door { listener, stop: stopped, alive };
        let service: IntoMakeServiceWithConnectInfo<Router, Caller> =
            routes.into_make_service_with_connect_info();
        let accepting = tokio::spawn(async move {
            // Accept errors are retried inside; serving ends only when this task is aborted.
            let _ = axum::serve(door, service).await;
        });
        Self { accepting, stop, connections }
    }

    async fn stop(mut self) {
        self.accepting.abort();
        self.stop.send_replace(true);
        // Nothing is ever sent: this waits until the last connection drops its end.
        while self.connections.recv().await.is_some() {}
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.accepting.abort();
        self.stop.send_replace(true);
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    bind(address)?.listen(BACKLOG)
}

fn reserve(address: SocketAddr) -> Option<TcpSocket> {
    bind(address).ok()
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of an earlier server on this port may still be in TIME_WAIT. On Windows the same option would
    // let two servers share a port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Connections the kernel may queue.
const BACKLOG: u32 = 1_024;
