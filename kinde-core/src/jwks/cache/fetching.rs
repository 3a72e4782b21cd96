//! Runs the fetches: one at a time, each in a task of its own, and one timer for the next.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use http::HeaderValue;
use tokio::runtime::Handle;

use super::{Cache, Flight, RETRY_PAUSE_MIN, Snapshot, Sought, State, nanos};
use crate::{
    clock::physical_now,
    jwks::{
        events,
        fetch::{Failure, Fetched, Source},
        health::JwksErrorKind,
        key_set::{KeySet, Reading, Skipped},
        policy::{self, Decision, Lifetime, Purpose},
    },
};

impl Cache {
    /// Starts the refresh that is due, if it is; called by requests and by the timer.
    pub(super) fn refresh_if_due(self: &Arc<Self>, now: Duration) {
        let Ok(runtime) = Handle::try_current() else { return };
        self.give_up_lost_flight();
        let launch = {
            let mut state = self.state();
            match self.judge(&state, Sought::AnySet, false, now).0 {
                Decision::UseAndRefresh | Decision::Start(_) => self.begin(&mut state, Purpose::Load, now),
                _ => None,
            }
        };
        self.launch(&runtime, launch);
    }

    /// Notes that a fetch starts; the caller launches it after it has released the lock.
    pub(super) fn begin(&self, state: &mut State, purpose: Purpose, now: Duration) -> Option<Launch> {
        let source = Arc::clone(self.source.as_ref()?);
        let id = state.fetches.saturating_add(1);
        state.fetches = id;
        state.history.is_in_flight = true;
        state.flight = Some(Flight { id, started_at: now, started: physical_now(), task: None });
        if purpose == Purpose::UnknownKid {
            state.history.kid_fetch_started_at = Some(now);
            state.missing_kids.restart(now.saturating_add(self.settings.cooldown));
        }
        self.be_quiet_until(now.saturating_add(self.flight_limit()));
        let etag = state.etag.clone().filter(|_| self.snapshot.load().is_some());
        Some(Launch { id, etag, source })
    }

    /// Spawns the fetch. A runtime that is shutting down drops it at once, which counts as its end.
    pub(super) fn launch(self: &Arc<Self>, runtime: &Handle, launch: Option<Launch>) {
        let Some(Launch { id, etag, source }) = launch else { return };
        let flight = FlightGuard { cache: Arc::downgrade(self), id };
        let task = runtime.spawn(async move {
            let outcome = source.fetch(etag).await;
            if let Some(cache) = flight.cache.upgrade() {
                cache.land(flight.id, outcome);
            }
        });
        if let Some(flight) = self.state().flight.as_mut().filter(|flight| flight.id == id) {
            flight.task = Some(task.abort_handle());
        }
    }

    /// Ends the flight `id` with its outcome; does nothing if it ended before.
    fn land(self: &Arc<Self>, id: u64, outcome: Result<Fetched, Failure>) {
        let former = self.snapshot.load_full();
        let outcome = outcome.and_then(|fetched| self.read(fetched, former.as_deref()));
        // Foreign code, as the clock and the generator are, never runs under the lock.
        let (now, draw) = (self.clock.monotonic(), self.random.unit());
        let (started_at, wake_after) = {
            let mut state = self.state();
            let Some(flight) = state.flight.take_if(|flight| flight.id == id) else { return };
            state.history.is_in_flight = false;
            let wake_after = match &outcome {
                Ok(loaded) => Some(self.accept(&mut state, loaded, now, draw)),
                Err(failure) => self.note_failure(&mut state, failure.kind, now),
            };
            (flight.started_at, wake_after)
        };
        self.landings.send_modify(|landed| *landed = id.max(*landed));
        let took = now.saturating_sub(started_at);
        match &outcome {
            Ok(Loaded { keys, skipped, is_modified, .. }) => {
                events::fetched(&self.issuer, keys, skipped, took, *is_modified);
                events::changed(&self.issuer, keys, former.as_ref().map(|former| former.keys.as_ref()));
            }
            Err(failure) => events::failed(&self.issuer, failure, took),
        }
        if let Some(delay) = wake_after {
            self.arm_timer(delay);
        }
    }

    /// Reads an answer into a set that may replace the held one.
    fn read(&self, fetched: Fetched, former: Option<&Snapshot>) -> Result<Loaded, Failure> {
        let former = former.map(|snapshot| &snapshot.keys);
        let (body, etag, max_age) = match fetched {
            Fetched::Document { body, etag, max_age } => (body, etag, max_age),
            Fetched::NotModified { max_age } => {
                let keys = former.ok_or_else(|| Failure::new(JwksErrorKind::NotModifiedWithoutSet))?;
                let keys = Arc::clone(keys);
                return Ok(Loaded { keys, skipped: Vec::new(), etag: None, max_age, is_modified: false });
            }
        };
        let Reading { keys, skipped } = KeySet::read(&body, self.settings.rules, former.map(Arc::as_ref))
            .map_err(|_| Failure::new(JwksErrorKind::NotAKeySet))?;
        if keys.is_empty() {
            return Err(Failure::new(JwksErrorKind::NoUsableKey).with_cause(&reasons(&skipped)));
        }
        Ok(Loaded { keys: Arc::new(keys), skipped, etag, max_age, is_modified: true })
    }

    /// Makes a loaded set the held one; gives the time after which its refresh is due.
    fn accept(&self, state: &mut State, loaded: &Loaded, now: Duration, draw: f64) -> Duration {
        let soft_age = policy::soft_age(self.settings.soft_age, loaded.max_age);
        let lifetime = Lifetime::starting(now, soft_age, self.settings.max_stale, draw);
        self.snapshot.store(Some(Arc::new(Snapshot { keys: Arc::clone(&loaded.keys), lifetime })));
        if loaded.is_modified {
            state.etag.clone_from(&loaded.etag);
        }
        state.history.failed_at = None;
        state.last_success_at = Some(now);
        state.consecutive_failures = 0;
        self.be_quiet_until(lifetime.refresh_due);
        lifetime.refresh_due.saturating_sub(now)
    }

    /// Keeps what is held; gives the time after which to try again while that is still usable.
    fn note_failure(&self, state: &mut State, kind: JwksErrorKind, now: Duration) -> Option<Duration> {
        state.history.failed_at = Some(now);
        state.last_error = Some((kind, now));
        state.consecutive_failures = state.consecutive_failures.saturating_add(1);
        self.be_quiet_until(now.saturating_add(self.settings.cooldown));
        let is_usable =
            self.snapshot.load().as_ref().is_some_and(|snapshot| snapshot.lifetime.is_usable(now));
        is_usable.then(|| self.settings.cooldown.max(RETRY_PAUSE_MIN))
    }

    /// Arms the one timer: an idle service learns of a withdrawn key too.
    ///
    /// It wakes once. If the clock then disagrees with the runtime's, as it does when the runtime is
    /// paused or the clock is set by hand, it ends, and requests ask for the refresh.
    fn arm_timer(self: &Arc<Self>, delay: Duration) {
        let Ok(runtime) = Handle::try_current() else { return };
        let cache = Arc::downgrade(self);
        let timer = runtime.spawn(async move {
            tokio::time::sleep(delay.max(TIMER_PAUSE_MIN)).await;
            if let Some(cache) = cache.upgrade() {
                cache.refresh_if_due(cache.clock.monotonic());
            }
        });
        let former = self.state().timer.replace(timer.abort_handle());
        if let Some(former) = former {
            former.abort();
        }
    }

    /// Counts a fetch as failed whose runtime stands still: its own deadline should have ended it.
    pub(super) fn give_up_lost_flight(self: &Arc<Self>) {
        let lost = {
            let state = self.state();
            let lost = state.flight.as_ref().filter(|_| self.has_lost_flight(&state));
            lost.map(|flight| (flight.id, flight.task.clone()))
        };
        if let Some((id, task)) = lost {
            self.land(id, Err(Failure::new(JwksErrorKind::Abandoned)));
            if let Some(task) = task {
                task.abort();
            }
        }
    }

    /// Tells whether the fetch in flight should long have ended.
    pub(super) fn has_lost_flight(&self, state: &State) -> bool {
        state.flight.as_ref().is_some_and(|flight| flight.started.elapsed() > self.flight_limit())
    }

    fn be_quiet_until(&self, until: Duration) {
        self.quiet_until_nanos.store(nanos(until), Ordering::Relaxed);
    }
}

/// A fetch that was noted and is yet to be spawned.
#[derive(Debug)]
pub(super) struct Launch {
    id: u64,
    etag: Option<HeaderValue>,
    source: Arc<Source>,
}

/// Ends a flight whose task is dropped: its runtime ended, or the client panicked.
#[derive(Debug)]
struct FlightGuard {
    cache: Weak<Cache>,
    id: u64,
}

impl Drop for FlightGuard {
    fn drop(&mut self) {
        if let Some(cache) = self.cache.upgrade() {
            cache.land(self.id, Err(Failure::new(JwksErrorKind::Abandoned)));
        }
    }
}

/// A set that may become the held one.
#[derive(Debug)]
struct Loaded {
    keys: Arc<KeySet>,
    skipped: Vec<Skipped>,
    etag: Option<HeaderValue>,
    max_age: Option<Duration>,
    is_modified: bool,
}

fn reasons(skipped: &[Skipped]) -> String {
    let words: Vec<_> = skipped.iter().take(8).map(|skipped| skipped.reason.to_string()).collect();
    words.join(", ")
}

/// The shortest pause of the timer: a very short soft age is a matter of requests.
const TIMER_PAUSE_MIN: Duration = Duration::from_millis(100);
