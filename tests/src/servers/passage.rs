//! A port in front of a server, which a program's connections pass through.

use std::net::SocketAddr;

use tokio::{
    io::copy,
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

/// Opens one, and passes the server's answers on; `listen` passes on what each client sends.
pub(super) async fn before<F>(
    server: String,
    listen: impl Fn(OwnedReadHalf, OwnedWriteHalf) -> F + Send + 'static,
) -> SocketAddr
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            // Messages are passed on one by one; none waits for the one before to be acknowledged.
            server.set_nodelay(true).unwrap();
            let ((from_client, mut to_client), (mut from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
            tokio::spawn(listen(from_client, to_server));
        }
    });
    address
}
