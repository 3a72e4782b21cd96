//! A network that fails when told to.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Passes bytes to a server, until it is told to swallow the answers and break the connections.
pub struct Proxy {
    port: u16,
    swallows: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// Listens on a free port in front of `server_port`.
    pub async fn to(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let swallows = Arc::new(watch::Sender::new(false));
        let switch = Arc::clone(&swallows);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await {
                    tokio::spawn(pass(client, server, switch.subscribe()));
                }
            }
        });
        Self { port, swallows }
    }

    /// Gives the port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on the server gets what is sent to it, and its answer is swallowed: the connection breaks instead.
    pub fn swallow_answers(&self) {
        self.swallows.send_replace(true);
    }

    /// Passes everything again.
    pub fn heal(&self) {
        self.swallows.send_replace(false);
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, swallows: watch::Receiver<bool>) {
    let (mut sent, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            count = client.read(&mut sent) => match count {
                Ok(count) if count > 0 && server.write_all(&sent[..count]).await.is_ok() => {}
                _ => return,
            },
            count = server.read(&mut answered) => match count {
                Ok(_) if *swallows.borrow() => return,
                Ok(count) if count > 0 && client.write_all(&answered[..count]).await.is_ok() => {}
                _ => return,
            },
        }
    }
}
