//! Holds the current key set and answers for it, waiting for a fetch only where that can help.

mod fetching;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use tokio::{runtime::Handle, sync::watch, task::AbortHandle};

use super::{
    Holding, KeyAnswer, KeyRefusal,
    fetch::Source,
    health::{JwksErrorKind, JwksHealth},
    key::{KeyRules, VerifyingKey},
    key_set::KeySet,
    missing_kids::MissingKids,
    policy::{self, Decision, FetchHistory, Lifetime, Purpose, Want},
};
use crate::{Clock, Issuer, Random, UntrustedText, http_client};

/// One issuer's keys. Readers take the snapshot without a lock; everything else is under one mutex,
/// which is never held across an await nor while a task is spawned.
pub(super) struct Cache {
    pub(super) issuer: Issuer,
    settings: Settings,
    /// Absent for a static set, which is never fetched.
    source: Option<Arc<Source>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    snapshot: ArcSwapOption<Snapshot>,
    /// Until then no request need ask whether a refresh is due.
    quiet_until_nanos: AtomicU64,
    state: Mutex<State>,
    /// The last fetch that ended; waiters watch it.
    landings: watch::Sender<u64>,
}

impl Cache {
    pub(super) fn new(
        issuer: Issuer,
        settings: Settings,
        source: Option<Source>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Arc<Self> {
        Arc::new(Self {
            issuer,
            settings,
            source: source.map(Arc::new),
            clock,
            random,
            snapshot: ArcSwapOption::empty(),
            quiet_until_nanos: AtomicU64::new(u64::MAX),
            state: Mutex::default(),
            landings: watch::Sender::new(0),
        })
    }

    /// Takes a set that stays for ever.
    pub(super) fn hold_for_ever(&self, keys: KeySet) {
        let lifetime = Lifetime::endless(self.clock.monotonic());
        self.snapshot.store(Some(Arc::new(Snapshot { keys: Arc::new(keys), lifetime })));
    }

    pub(super) fn key_count(&self) -> usize {
        self.snapshot.load().as_ref().map_or(0, |snapshot| snapshot.keys.len())
    }

    /// Looks a key up in the usable snapshot, without waiting.
    fn held_key(self: &Arc<Self>, kid: Option<&str>, now: Duration) -> Option<Arc<VerifyingKey>> {
        let snapshot = self.snapshot.load();
        let snapshot = snapshot.as_ref()?;
        self.refresh_when_due(now);
        snapshot.lifetime.is_usable(now).then(|| snapshot.keys.find(kid).cloned())?
    }

    /// Tells whether a set is held that may be used now.
    pub(super) fn holds_usable_set(&self) -> bool {
        let now = self.clock.monotonic();
        self.snapshot.load().as_ref().is_some_and(|snapshot| snapshot.lifetime.is_usable(now))
    }

    /// Tells whether a remembered key is still trusted.
    pub(super) fn still_holds(self: &Arc<Self>, key: &Arc<VerifyingKey>) -> Holding {
        let snapshot = self.snapshot.load();
        let Some(snapshot) = snapshot.as_ref() else { return Holding::Unusable };
        let now = self.clock.monotonic();
        self.refresh_when_due(now);
        match snapshot.lifetime.is_usable(now) {
            false => Holding::Unusable,
            true if snapshot.keys.holds(key) => Holding::Yes,
            true => Holding::No,
        }
    }

    /// Answers without waiting and without starting a fetch that somebody would wait for.
    pub(super) fn key_at_hand(self: &Arc<Self>, kid: Option<&str>) -> KeyAnswer {
        let now = self.clock.monotonic();
        if let Some(key) = self.held_key(kid, now) {
            return KeyAnswer::Key(key);
        }
        match self.peek(Sought::Key(kid), now) {
            Settled::Ready(Some(key)) => KeyAnswer::Key(key),
            // Waiting needs a runtime: for the timeout, and for the fetch itself.
            Settled::Wait(_) if Handle::try_current().is_err() => KeyAnswer::Refused(self.unavailable()),
            Settled::Ready(None) | Settled::Wait(_) => KeyAnswer::Wait,
            Settled::Refused(refusal) => KeyAnswer::Refused(refusal),
        }
    }

    /// Answers, waiting for a fetch if that can help; starts at most one.
    pub(super) async fn wait_for(
        self: &Arc<Self>,
        sought: Sought<'_>,
    ) -> Result<Option<Arc<VerifyingKey>>, KeyRefusal> {
        let mut request = Request { sought, has_asked: false, has_waited: false };
        // One fetch that began before this request, one that it starts or joins, and one to spare.
        for _ in 0..ROUNDS_MAX {
            let landing = match self.turn(&mut request) {
                Turn::Ready(key) => return Ok(key),
                Turn::Refused(refusal) => return Err(refusal),
                Turn::Wait(landing) => landing,
            };
            if !landing.wait().await {
                self.give_up_lost_flight();
            }
        }
        match self.peek(sought, self.clock.monotonic()) {
            Settled::Ready(key) => Ok(key),
            Settled::Refused(refusal) => Err(refusal),
            Settled::Wait(_) => Err(self.unavailable()),
        }
    }

    fn refresh_when_due(self: &Arc<Self>, now: Duration) {
        if nanos(now) >= self.quiet_until_nanos.load(Ordering::Relaxed) {
            self.refresh_if_due(now);
        }
    }

    fn turn(self: &Arc<Self>, request: &mut Request<'_>) -> Turn {
        self.give_up_lost_flight();
        let now = self.clock.monotonic();
        let runtime = Handle::try_current().ok();
        let (settled, landing, launch) = {
            let mut state = self.state();
            let (decision, key) = self.judge(&state, request.sought, request.has_asked, now);
            if let (Decision::RefuseUnknown, Sought::Key(Some(kid)), true) =
                (decision, request.sought, request.has_waited)
            {
                state.missing_kids.add(kid, now);
            }
            let purpose = match decision {
                Decision::UseAndRefresh => Some(Purpose::Load),
                Decision::Start(purpose) => Some(purpose),
                _ => None,
            };
            let may_start = purpose.filter(|_| runtime.is_some());
            let launch = may_start.and_then(|purpose| self.begin(&mut state, purpose, now));
            // Named under the lock: the fetch in flight cannot end unseen, nor another one in its stead.
            (self.settle(decision, key, request.sought), self.landing(&state), launch)
        };
        // A refresh that is due is not lost with the one who noticed, whatever the answer.
        if let Some(runtime) = &runtime {
            self.launch(runtime, launch);
        }
        match settled {
            Settled::Ready(key) => Turn::Ready(key),
            Settled::Refused(refusal) => Turn::Refused(refusal),
            Settled::Wait(_) if runtime.is_none() => Turn::Refused(self.unavailable()),
            Settled::Wait(starts) => {
                request.has_asked |= starts.is_some();
                request.has_waited = true;
                Turn::Wait(landing)
            }
        }
    }

    /// Decides without starting anything.
    fn peek(self: &Arc<Self>, sought: Sought<'_>, now: Duration) -> Settled {
        let mut state = self.state();
        if self.has_lost_flight(&state) {
            drop(state);
            self.give_up_lost_flight();
            state = self.state();
        }
        let (decision, key) = self.judge(&state, sought, false, now);
        self.settle(decision, key, sought)
    }

    /// Puts the policy's question together.
    fn judge(
        &self,
        state: &State,
        sought: Sought<'_>,
        has_asked: bool,
        now: Duration,
    ) -> (Decision, Option<Arc<VerifyingKey>>) {
        let snapshot = self.snapshot.load();
        let lifetime = snapshot.as_ref().map(|snapshot| &snapshot.lifetime);
        let usable = snapshot.as_ref().filter(|snapshot| snapshot.lifetime.is_usable(now));
        let key = match sought {
            Sought::Key(kid) => usable.and_then(|snapshot| snapshot.keys.find(kid).cloned()),
            Sought::AnySet => None,
        };
        let want = match (sought, &key) {
            (Sought::Key(Some(kid)), None) => {
                let is_static = self.source.is_none();
                let is_asked = has_asked || is_static || state.missing_kids.contains(kid, now);
                Want::UnknownKid { is_asked }
            }
            _ => Want::Set,
        };
        (policy::decide(lifetime, &state.history, want, now, self.settings.cooldown), key)
    }

    /// Turns a decision into an answer for what was sought.
    fn settle(&self, decision: Decision, key: Option<Arc<VerifyingKey>>, sought: Sought<'_>) -> Settled {
        match (decision, key, sought) {
            (Decision::Use | Decision::UseAndRefresh, None, Sought::Key(_)) => {
                Settled::Refused(KeyRefusal::KidMissing)
            }
            (Decision::Use | Decision::UseAndRefresh, key, _) => Settled::Ready(key),
            (Decision::Join, ..) => Settled::Wait(None),
            (Decision::Start(purpose), ..) => Settled::Wait(Some(purpose)),
            (Decision::RefuseUnknown, _, Sought::Key(Some(kid))) => {
                Settled::Refused(KeyRefusal::UnknownKid { kid: UntrustedText::new(kid) })
            }
            (Decision::RefuseUnknown, ..) => Settled::Refused(KeyRefusal::KidMissing),
            (Decision::RefuseUnavailable { retry_after }, ..) => {
                Settled::Refused(KeyRefusal::Unavailable { retry_after })
            }
        }
    }

    pub(super) fn health(&self) -> JwksHealth {
        let now = self.clock.monotonic();
        let state = self.state();
        let snapshot = self.snapshot.load();
        let lifetime = snapshot.as_ref().map(|snapshot| snapshot.lifetime);
        JwksHealth {
            is_usable: lifetime.is_some_and(|lifetime| lifetime.is_usable(now)),
            key_count: snapshot.as_ref().map_or(0, |snapshot| snapshot.keys.len()),
            set_age: lifetime.map(|lifetime| now.saturating_sub(lifetime.loaded_at)),
            last_success_age: state.last_success_at.map(|at| now.saturating_sub(at)),
            last_error: state.last_error.map(|(kind, _)| kind),
            last_error_age: state.last_error.map(|(_, at)| now.saturating_sub(at)),
            consecutive_failures: state.consecutive_failures,
            fetches: state.fetches,
        }
    }

    fn unavailable(&self) -> KeyRefusal {
        KeyRefusal::Unavailable { retry_after: self.settings.cooldown.max(RETRY_PAUSE_MIN) }
    }

    /// Gives what to wait for: the end of the flight that is noted now.
    fn landing(&self, state: &State) -> Landing {
        let flight = state.flight.as_ref().map_or(0, |flight| flight.id);
        Landing { landings: self.landings.subscribe(), flight, limit: self.flight_limit() }
    }

    /// The physical time after which a fetch must have ended by its own deadline.
    fn flight_limit(&self) -> Duration {
        self.source.as_ref().map_or(Duration::ZERO, |source| source.deadline.saturating_add(GRACE))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; if it did, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let flight = state.flight.take().and_then(|flight| flight.task);
        for task in [flight, state.timer.take()].into_iter().flatten() {
            task.abort();
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cache").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// How one cache behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) rules: KeyRules,
    /// The explicit setting, which beats `Cache-Control`.
    pub(super) soft_age: Option<Duration>,
    pub(super) max_stale: Duration,
    pub(super) cooldown: Duration,
}

/// What a caller looks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sought<'a> {
    AnySet,
    Key(Option<&'a str>),
}

/// A key set with its times, replaced as a whole.
#[derive(Debug)]
struct Snapshot {
    keys: Arc<KeySet>,
    lifetime: Lifetime,
}

#[derive(Debug, Default)]
struct State {
    history: FetchHistory,
    flight: Option<Flight>,
    timer: Option<AbortHandle>,
    etag: Option<HeaderValue>,
    missing_kids: MissingKids,
    last_success_at: Option<Duration>,
    last_error: Option<(JwksErrorKind, Duration)>,
    consecutive_failures: u64,
    fetches: u64,
}

#[derive(Debug)]
struct Flight {
    id: u64,
    started_at: Duration,
    started: Instant,
    task: Option<AbortHandle>,
}

/// One caller's way through the rounds.
#[derive(Debug)]
struct Request<'a> {
    sought: Sought<'a>,
    /// Whether it started a fetch itself, which then answers for its `kid`.
    has_asked: bool,
    has_waited: bool,
}

enum Settled {
    Ready(Option<Arc<VerifyingKey>>),
    Refused(KeyRefusal),
    /// For the fetch that is to be started, or for the one in flight.
    Wait(Option<Purpose>),
}

enum Turn {
    Ready(Option<Arc<VerifyingKey>>),
    Refused(KeyRefusal),
    Wait(Landing),
}

/// The end of the fetch in flight.
struct Landing {
    landings: watch::Receiver<u64>,
    flight: u64,
    limit: Duration,
}

impl Landing {
    /// Waits for it; `false` when it should long have come.
    async fn wait(mut self) -> bool {
        let landed = async {
            // The sender lives in the cache that the caller holds.
            let _ = self.landings.wait_for(|landed| *landed >= self.flight).await;
            Ok(())
        };
        http_client::within(self.limit, landed).await.is_ok()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const ROUNDS_MAX: u32 = 3;
/// What a fetch may take beyond its deadline before it counts as lost: for scheduling and reading.
const GRACE: Duration = Duration::from_secs(1);
/// The shortest pause between two attempts that no request asked for.
const RETRY_PAUSE_MIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: B11 B12
    #[tokio::test]
    async fn waiter_is_not_woken_by_a_flight_that_began_before_its_own() {
        let sender = watch::Sender::new(0);
        let landing = Landing { landings: sender.subscribe(), flight: 2, limit: Duration::from_secs(60) };
        let waiter = tokio::spawn(landing.wait());
        sender.send_modify(|landed| *landed = 1);
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished(), "the first flight has landed, the second has not");
        sender.send_modify(|landed| *landed = 2);
        assert!(waiter.await.unwrap());
    }
}
