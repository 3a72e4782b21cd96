//! Sessions in the memory of one process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kinde_core::{Clock, SystemClock};

use super::{
    record::SessionId,
    store::{Lives, SessionStore, StoreError, StoreFuture, Stored},
};

/// Keeps sessions in the memory of this process: they end with it, and no other process knows them.
///
/// For one process, or behind a load balancer that always picks the same one. At most as many as it was made for; when
/// full it forgets those that are over, and refuses a new one (503) rather than sign somebody else out.
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    records: Mutex<HashMap<SessionId, Record>>,
    capacity: usize,
    clock: Arc<dyn Clock>,
}

struct Record {
    stored: Stored,
    idle_until: Duration,
    ends_at: Duration,
}

impl Record {
    fn is_over(&self, now: Duration) -> bool {
        now >= self.idle_until || now >= self.ends_at
    }
}

impl MemoryStore {
    /// Creates a store for at most `capacity` sessions; each takes about 3 KB.
    pub fn new(capacity: usize) -> Self {
        Self::with_clock(capacity, SystemClock)
    }

    /// Creates a store with a clock of its own.
    pub fn with_clock(capacity: usize, clock: impl Clock) -> Self {
        let inner = Inner { records: Mutex::default(), capacity, clock: Arc::new(clock) };
        Self { inner: Arc::new(inner) }
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<SessionId, Record>, Duration) -> T) -> T {
        // Nothing panics while it is held; a map that another thread's panic left is still whole.
        let mut records = self.inner.records.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut records, self.inner.clock.wall())
    }
}

impl SessionStore for MemoryStore {
    fn create<'a>(&'a self, id: SessionId, data: &'a [u8], lives: Lives) -> StoreFuture<'a, ()> {
        let created = self.with(|records, now| {
            if records.len() >= self.inner.capacity {
                records.retain(|_, record| !record.is_over(now));
            }
            if records.len() >= self.inner.capacity {
                return Err(StoreError::new(format!("all {} places are taken", self.inner.capacity)));
            }
            if records.get(&id).is_some_and(|record| !record.is_over(now)) {
                return Err(StoreError::new("the session id is taken"));
            }
            let stored = Stored { version: 1, data: data.to_vec() };
            let ends_at = now.saturating_add(lives.absolute);
            records.insert(id, Record { stored, idle_until: now.saturating_add(lives.idle), ends_at });
            Ok(())
        });
        Box::pin(std::future::ready(created))
    }

    fn load(&self, id: SessionId, idle: Duration) -> StoreFuture<'_, Option<Stored>> {
        let loaded = self.with(|records, now| {
            let record = records.get_mut(&id).filter(|record| !record.is_over(now))?;
            record.idle_until = now.saturating_add(idle);
            Some(record.stored.clone())
        });
        Box::pin(std::future::ready(Ok(loaded)))
    }

    fn replace_if_version<'a>(
        &'a self,
        id: SessionId,
        version: u64,
        data: &'a [u8],
        idle: Duration,
    ) -> StoreFuture<'a, bool> {
        let replaced = self.with(|records, now| {
            let known = records.get_mut(&id).filter(|record| !record.is_over(now));
            let Some(record) = known.filter(|record| record.stored.version == version) else { return false };
            record.stored = Stored { version: version.wrapping_add(1), data: data.to_vec() };
            record.idle_until = now.saturating_add(idle);
            true
        });
        Box::pin(std::future::ready(Ok(replaced)))
    }

    fn delete(&self, id: SessionId) -> StoreFuture<'_, ()> {
        self.with(|records, _| records.remove(&id));
        Box::pin(std::future::ready(Ok(())))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.with(|records, _| records.len());
        write!(formatter, "MemoryStore({count} of {} sessions)", self.inner.capacity)
    }
}
