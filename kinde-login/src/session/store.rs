//! Where sessions are kept when not in the browser: a small trait with compare-and-swap.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use super::record::SessionId;

/// A future that a [`SessionStore`] returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps sealed sessions by id.
///
/// Two operations carry the safety of sign-out: [`create`](Self::create) refuses an id that is there, and
/// [`replace_if_version`](Self::replace_if_version) refuses a session that was deleted or changed meanwhile. A store
/// whose write is a plain upsert would let a refresh that began before a sign-out bring the session back.
///
/// A record is sealed before it gets here, so a store sees neither tokens nor names.
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a new record for `idle`; at most for `absolute`, however often it is touched.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached, and for an id that is there already.
    fn create<'a>(&'a self, id: SessionId, data: &'a [u8], lives: Lives) -> StoreFuture<'a, ()>;

    /// Reads a record and counts it as seen now: its idle time begins again.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    fn load(&self, id: SessionId, idle: Duration) -> StoreFuture<'_, Option<Stored>>;

    /// Replaces a record if it still has this version. `false` when it was replaced, deleted or forgotten meanwhile.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    fn replace_if_version<'a>(
        &'a self,
        id: SessionId,
        version: u64,
        data: &'a [u8],
        idle: Duration,
    ) -> StoreFuture<'a, bool>;

    /// Deletes a record; it is no error when there is none.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    fn delete(&self, id: SessionId) -> StoreFuture<'_, ()>;
}

/// A record and its version.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Changes with each replacement.
    pub version: u64,
    /// What was given to be kept.
    pub data: Vec<u8>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Stored(version {}, {} sealed bytes)", self.version, self.data.len())
    }
}

/// How long a record lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// Without being seen.
    pub idle: Duration,
    /// In any case.
    pub absolute: Duration,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct StoreError {
    problem: String,
}

impl StoreError {
    /// Says what is wrong, for the log: no session's id and no content.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into() }
    }
}
