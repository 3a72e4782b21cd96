//! A network that fails when told to.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Passes bytes to a server, until it is told to hold the answers back, or to swallow them and break the connections.
pub struct Proxy {
    port: u16,
    answers: Arc<watch::Sender<Answers>>,
}

/// What becomes of the server's answers.
#[derive(Clone, Copy, PartialEq)]
enum Answers {
    Passed,
    Held,
    Swallowed,
}

impl Proxy {
    /// Listens on a free port in front of `server_port`.
    pub async fn to(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = Arc::new(watch::Sender::new(Answers::Passed));
        let switch = Arc::clone(&answers);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await {
                    tokio::spawn(pass(client, server, switch.subscribe()));
                }
            }
        });
        Self { port, answers }
    }

    /// Gives the port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on the server gets what is sent to it, and its answer is swallowed: the connection breaks instead.
    pub fn swallow_answers(&self) {
        self.answers.send_replace(Answers::Swallowed);
    }

    /// From now on the server gets what is sent to it, and its answer waits.
    pub fn hold_answers(&self) {
        self.answers.send_replace(Answers::Held);
    }

    /// Passes everything again, what was held first.
    pub fn heal(&self) {
        self.answers.send_replace(Answers::Passed);
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, mut answers: watch::Receiver<Answers>) {
    let (mut sent, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            count = client.read(&mut sent) => match count {
                Ok(count) if count > 0 && server.write_all(&sent[..count]).await.is_ok() => {}
                _ => return,
            },
            count = server.read(&mut answered) => match count {
                Ok(count) if count > 0 => {
                    let Ok(answers) = answers.wait_for(|answers| *answers != Answers::Held).await.map(|now| *now) else {
                        return;
                    };
                    if answers == Answers::Swallowed || client.write_all(&answered[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}
