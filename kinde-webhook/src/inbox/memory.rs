//! An inbox in the process's memory: bounded, and empty after a restart.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kinde_core::{Clock, Secret, SystemClock};

use super::{EventKey, Inbox, InboxError, Lease, ParkedEvent, Reservation, Terms, cut};
use crate::Event;

/// An [`Inbox`] in this process's memory, for development, tests and services of one process.
///
/// It forgets everything at a restart, and knows nothing of a second process: an event that Kinde sends again then
/// runs again. Clones share one memory. When it is full it refuses; it never forgets an event that it must remember.
///
/// ```
/// use kinde_webhook::inbox::{EventKey, Inbox, MemoryInbox, Reservation, Terms};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), kinde_webhook::InboxError> {
/// let inbox = MemoryInbox::new();
/// let key = EventKey::from_parts("https://acme.kinde.com", "/webhook", "event_0190");
/// let terms = Terms { lease: Duration::from_secs(60), keep: Duration::from_secs(49 * 3600) };
///
/// let Reservation::Yours(lease) = inbox.reserve(&key, terms).await? else { panic!("it is new") };
/// assert!(matches!(inbox.reserve(&key, terms).await?, Reservation::InFlight));
/// inbox.confirm(&lease).await?;
/// assert!(matches!(inbox.reserve(&key, terms).await?, Reservation::Handled));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryInbox {
    memory: Arc<Mutex<Memory>>,
    clock: Arc<dyn Clock>,
}

impl MemoryInbox {
    /// Creates an inbox for 100,000 events, of which 1,000 may be parked.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts one with other limits or another clock.
    pub fn builder() -> MemoryInboxBuilder {
        MemoryInboxBuilder { limit: LIMIT, parked_limit: PARKED_LIMIT, clock: Arc::new(SystemClock) }
    }

    /// Gives the events that were put aside and that nobody works on, the oldest first.
    pub fn parked(&self) -> Vec<ParkedEvent> {
        let now = self.clock.monotonic();
        let memory = self.lock();
        let mut parked: Vec<_> =
            memory.held.iter().filter_map(|(key, entry)| entry.aside(key, now)).collect();
        parked.sort_by_key(ParkedEvent::parked_at);
        parked
    }

    /// Takes a parked event to handle it after all; `None` when it is not parked, or somebody works on it.
    ///
    /// [`confirm`](Inbox::confirm) settles it; when the lease is released or ends, it is parked again.
    pub fn reopen(&self, key: &EventKey, terms: Terms) -> Option<Lease> {
        let now = self.clock.monotonic();
        self.lock().reopen(key, terms, now)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // Nothing in here panics while it holds the lock; and were it so, each entry is whole by itself.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryInbox {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryInbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.lock();
        formatter
            .debug_struct("MemoryInbox")
            .field("held", &memory.held.len())
            .field("limit", &memory.limit)
            .finish_non_exhaustive()
    }
}

impl Inbox for MemoryInbox {
    async fn reserve(&self, key: &EventKey, terms: Terms) -> Result<Reservation, InboxError> {
        let now = self.clock.monotonic();
        self.lock().reserve(key, terms, now)
    }

    async fn confirm(&self, lease: &Lease) -> Result<(), InboxError> {
        let now = self.clock.monotonic();
        self.lock().settle(lease, Phase::Handled, now)
    }

    async fn release(&self, lease: &Lease) -> Result<(), InboxError> {
        self.lock().release(lease);
        Ok(())
    }

    async fn park(&self, lease: &Lease, event: &Event, reason: &str) -> Result<(), InboxError> {
        let now = self.clock.monotonic();
        let aside = Aside {
            token: event.token().clone(),
            reason: cut(reason).into(),
            parked_at: self.clock.wall(),
            taken_until: Duration::ZERO,
        };
        self.lock().settle(lease, Phase::Parked(aside), now)
    }
}

/// Collects what a [`MemoryInbox`] is to be.
#[derive(Debug)]
pub struct MemoryInboxBuilder {
    limit: usize,
    parked_limit: usize,
    clock: Arc<dyn Clock>,
}

impl MemoryInboxBuilder {
    /// Sets how many events are remembered at most: those at work, handled and parked.
    ///
    /// The default is 100,000, in about 40 MB. An event is remembered for 48 h and 5 min, in which it is accepted, and 24 h
    /// longer: 100,000 are then one every 2.6 s. A service that gets more has a full inbox by the third day at the
    /// latest, and answers every new event with 503 until the oldest may be forgotten. Kinde sends refused events
    /// again for 36 hours, then they are lost; an endpoint that fails for 72 hours on end is disabled. Such a service
    /// uses `PostgresInbox` or `RedisInbox`, or a limit of 260,000 for each event per second. With zero every event is
    /// refused.
    #[must_use]
    pub fn with_limit(mut self, events: usize) -> Self {
        self.limit = events;
        self
    }

    /// Sets how many events may be parked at most; they count within the whole limit too.
    ///
    /// The default is 1,000, for each keeps its JWT: 2 KB as a rule, and at most 256 KiB. At the limit parking is
    /// refused as full, so that Kinde sends the event again. With zero nothing can be parked.
    #[must_use]
    pub fn with_parked_limit(mut self, events: usize) -> Self {
        self.parked_limit = events;
        self
    }

    /// Sets the clock; leases and memory age by its monotonic reading.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Creates the inbox.
    pub fn build(self) -> MemoryInbox {
        let memory = Memory {
            held: HashMap::new(),
            ends: BTreeMap::new(),
            last_nonce: 0,
            parked: 0,
            limit: self.limit,
            parked_limit: self.parked_limit,
        };
        MemoryInbox { memory: Arc::new(Mutex::new(memory)), clock: self.clock }
    }
}

/// The events, and the order in which they may be forgotten.
struct Memory {
    held: HashMap<Arc<EventKey>, Entry>,
    /// One row for each entry, by its end and its nonce.
    ends: BTreeMap<(Duration, u128), Arc<EventKey>>,
    /// Counts reservations: unique here, and a lease of another process means nothing here.
    last_nonce: u128,
    parked: usize,
    limit: usize,
    parked_limit: usize,
}

struct Entry {
    nonce: u128,
    /// When the outcome may be forgotten.
    keep_until: Duration,
    /// When the entry means nothing any more: a reservation with its lease, an outcome with `keep_until`.
    end: Duration,
    phase: Phase,
}

enum Phase {
    Reserved,
    Handled,
    Parked(Aside),
}

struct Aside {
    token: Secret,
    reason: Box<str>,
    parked_at: Duration,
    /// Until when somebody works on it who reopened it.
    taken_until: Duration,
}

impl Memory {
    fn reserve(&mut self, key: &EventKey, terms: Terms, now: Duration) -> Result<Reservation, InboxError> {
        self.forget_ended(now);
        match self.held.get(key) {
            Some(Entry { end, phase: Phase::Reserved, .. }) if *end > now => {
                return Ok(Reservation::InFlight);
            }
            Some(Entry { end, .. }) if *end > now => return Ok(Reservation::Handled),
            Some(_) => drop(self.remove(key)),
            None => {}
        }
        let nonce = self.next_nonce();
        let keep_until = now.saturating_add(terms.keep);
        let end = now.saturating_add(terms.lease);
        self.insert(key, Entry { nonce, keep_until, end, phase: Phase::Reserved })?;
        Ok(Reservation::Yours(Lease::new(key.clone(), nonce, terms)))
    }

    /// Writes an outcome, unless the event is another's.
    fn settle(&mut self, lease: &Lease, mut phase: Phase, now: Duration) -> Result<(), InboxError> {
        let held = self.held.get(lease.key());
        let keep_until = match held {
            Some(entry) if entry.nonce == lease.nonce() => entry.keep_until,
            Some(entry) if entry.end > now => return Err(InboxError::LeaseLost),
            Some(_) | None => now.saturating_add(lease.keep()),
        };
        let is_parked = |phase: &Phase| matches!(phase, Phase::Parked(_));
        let was_parked = held.is_some_and(|entry| is_parked(&entry.phase));
        if is_parked(&phase) && !was_parked && self.parked >= self.parked_limit {
            return Err(InboxError::Full { limit: self.parked_limit });
        }
        let before = self.remove(lease.key());
        if let (Phase::Parked(aside), Some(Phase::Parked(before))) =
            (&mut phase, before.map(|entry| entry.phase))
        {
            aside.parked_at = before.parked_at;
        }
        self.insert(lease.key(), Entry { nonce: lease.nonce(), keep_until, end: keep_until, phase })
    }

    fn release(&mut self, lease: &Lease) {
        let Some(entry) = self.held.get_mut(lease.key()).filter(|entry| entry.nonce == lease.nonce()) else {
            return;
        };
        match &mut entry.phase {
            Phase::Reserved => drop(self.remove(lease.key())),
            Phase::Parked(aside) => aside.taken_until = Duration::ZERO,
            Phase::Handled => {}
        }
    }

    fn reopen(&mut self, key: &EventKey, terms: Terms, now: Duration) -> Option<Lease> {
        self.held.get(key)?.aside(key, now)?;
        let nonce = self.next_nonce();
        let mut entry = self.remove(key)?;
        let taken_until = now.saturating_add(terms.lease);
        if let Phase::Parked(aside) = &mut entry.phase {
            aside.taken_until = taken_until;
        }
        let keep_until = entry.keep_until.max(now.saturating_add(terms.keep));
        let entry = Entry { nonce, keep_until, end: keep_until.max(taken_until), ..entry };
        self.insert(key, entry).ok()?;
        Some(Lease::new(key.clone(), nonce, terms))
    }

    fn next_nonce(&mut self) -> u128 {
        self.last_nonce = self.last_nonce.wrapping_add(1);
        self.last_nonce
    }

    /// Forgets what has ended, a bounded number at a time: each event that comes pays for those before it, and none
    /// waits for a hundred thousand that ended in the same night.
    fn forget_ended(&mut self, now: Duration) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            let Some((_, key)) = self.ends.first_key_value().filter(|((end, _), _)| *end <= now) else {
                return;
            };
            let key = Arc::clone(key);
            self.remove(&key);
        }
    }

    fn insert(&mut self, key: &EventKey, entry: Entry) -> Result<(), InboxError> {
        if self.held.len() >= self.limit {
            return Err(InboxError::Full { limit: self.limit });
        }
        let key = Arc::new(key.clone());
        self.parked = self.parked.saturating_add(usize::from(matches!(entry.phase, Phase::Parked(_))));
        self.ends.insert((entry.end, entry.nonce), Arc::clone(&key));
        self.held.insert(key, entry);
        Ok(())
    }

    fn remove(&mut self, key: &EventKey) -> Option<Entry> {
        let entry = self.held.remove(key)?;
        self.ends.remove(&(entry.end, entry.nonce));
        self.parked = self.parked.saturating_sub(usize::from(matches!(entry.phase, Phase::Parked(_))));
        Some(entry)
    }
}

impl Entry {
    /// Gives a parked event that nobody works on.
    fn aside(&self, key: &EventKey, now: Duration) -> Option<ParkedEvent> {
        match &self.phase {
            Phase::Parked(aside) if self.end > now && aside.taken_until <= now => {
                let (token, reason) = (aside.token.clone(), aside.reason.clone());
                Some(ParkedEvent::new(key.clone(), token, reason, aside.parked_at))
            }
            Phase::Parked(_) | Phase::Reserved | Phase::Handled => None,
        }
    }
}

/// Three days of one event every 2.6 s.
const LIMIT: usize = 100_000;

/// Each holds a JWT.
const PARKED_LIMIT: usize = 1_000;

/// Many more than the one that comes in, so that the memory shrinks; few enough to be short.
const FORGOTTEN_AT_ONCE: usize = 64;
