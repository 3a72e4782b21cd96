//! The parts of the program: its arguments, and a file for each command.

pub(crate) mod announcement;
pub(crate) mod arguments;
pub(crate) mod control_client;
pub(crate) mod dev;
pub(crate) mod init;
pub(crate) mod remote;
pub(crate) mod serve;
pub(crate) mod signals;

use std::error::Error;

/// Runs a command on one thread: an environment on this computer needs no more.
pub(crate) fn block_on<T>(
    command: impl Future<Output = Result<T, Box<dyn Error>>>,
) -> Result<T, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}
