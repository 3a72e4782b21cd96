//! Why an environment does not start.

use std::io;

/// Why an environment did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The loopback port could not be bound.
    #[error("port {port} on 127.0.0.1 cannot be bound")]
    Bind {
        /// The port asked for; zero means any.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
}
