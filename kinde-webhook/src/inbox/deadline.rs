//! A store that does not answer is a store that is down.

use std::{future::Future, io, time::Duration};

use super::InboxError;

/// Waits for a store, but not longer than for `deadline`.
pub(super) async fn within<T, E>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, InboxError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match tokio::time::timeout(deadline, answer).await {
        Ok(answer) => answer.map_err(|error| InboxError::Unavailable(Box::new(error))),
        Err(_) => {
            let silence = io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {deadline:?}"));
            Err(InboxError::Unavailable(Box::new(silence)))
        }
    }
}

/// Kinde is said to give up on a delivery after about five seconds: an answer has to be out before.
pub(super) const DEADLINE: Duration = Duration::from_secs(3);
