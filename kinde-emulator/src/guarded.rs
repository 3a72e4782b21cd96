//! A mutex that outlives a panicking test thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// State behind a mutex, readable even after another thread panicked while holding it.
///
/// A failed assertion in one test thread must not turn every later request into a second failure that hides the
/// first one.
#[derive(Debug, Default)]
pub(crate) struct Guarded<T>(Mutex<T>);

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
