//! Keeps sessions: makes, replaces and ends them, in the browser's cookie or in a store.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::HeaderMap;
use kinde_core::{Clock, IdTokenVerifier, Verifier};
use moka::{policy::EvictionPolicy, sync::Cache};

use super::{
    opened::OpenedSessions,
    record::{Session, SessionId},
    refresh::Refreshes,
    store::{Lives, SessionStore, StoreError},
};
use crate::{
    client::OAuthClient,
    cookies::Cookies,
    error::{LoginError, LoginReason},
    navigation,
    random::Randomness,
    seal::{Purpose, Sealer},
};

/// Everything that sessions need, shared by the layer and the routes.
pub(crate) struct Keeper {
    pub(crate) client: OAuthClient,
    pub(crate) access_tokens: Verifier,
    pub(crate) id_tokens: IdTokenVerifier,
    pub(crate) cookies: Cookies,
    pub(crate) sealer: Sealer,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) place: Place,
    pub(super) opened: OpenedSessions,
    /// Moves on whenever a session ends or is replaced here, so that one that was looked up since needs no second look.
    pub(super) changes: AtomicU64,
    /// The newest state that this process knows of a session in a cookie. A browser may send the one before: its
    /// request was under way, or the answer with the new cookie never arrived.
    newest: Cache<SessionId, Arc<Session>>,
    /// Sessions that ended here, which a late refresh or a copied cookie must not bring back.
    ended: Cache<SessionId, ()>,
    pub(crate) refreshes: Refreshes,
}

/// Where sessions are kept.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Sealed, in the browser, within this many bytes.
    Cookie { budget_bytes: usize },
    /// In a store; the browser has the id.
    Store(Arc<dyn SessionStore>),
}

/// How long sessions live and when they are refreshed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) idle: Duration,
    pub(crate) absolute: Duration,
    /// How long before its end an access token is replaced.
    pub(crate) refresh_ahead: Duration,
}

/// A session that was found.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) session: Arc<Session>,
    /// What [`SessionStore::replace_if_version`] wants to know; zero for a cookie.
    pub(crate) version: u64,
    /// What the keeper's count of changes was when a cookie's session was found to be the newest; zero when it was not
    /// looked for.
    current_at: u64,
    /// Whether the browser's cookie is not the newest and has to be written.
    pub(crate) is_stale: bool,
}

impl Loaded {
    /// Of a cookie that was the newest when this many changes had been.
    pub(super) fn of_cookie(session: Arc<Session>, current_at: u64) -> Self {
        Self { session, version: 0, current_at, is_stale: false }
    }

    /// Newer than the browser's cookie.
    fn newer(session: Arc<Session>) -> Self {
        Self { session, version: 0, current_at: 0, is_stale: true }
    }

    pub(super) fn of_record(session: Arc<Session>, version: u64) -> Self {
        Self { session, version, current_at: 0, is_stale: false }
    }
}

/// What a browser shall be told about its session.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    /// Its cookie is right.
    AsItIs,
    /// It gets this cookie.
    Write(Box<str>, Option<Duration>),
}

impl Kept {
    /// Writes what becomes of the browser's cookie.
    pub(crate) fn tell(self, keeper: &Keeper, request: &HeaderMap, response: &mut HeaderMap) {
        match self {
            Self::AsItIs => {}
            Self::Write(value, max_age) => keeper.cookies.set_session(&value, max_age, request, response),
        }
    }
}

impl Keeper {
    #[expect(clippy::too_many_arguments, reason = "one caller, which has just made each of them")]
    pub(crate) fn new(
        client: OAuthClient,
        access_tokens: Verifier,
        id_tokens: IdTokenVerifier,
        cookies: Cookies,
        sealer: Sealer,
        randomness: Arc<dyn Randomness>,
        clock: Arc<dyn Clock>,
        lifetimes: Lifetimes,
        place: Place,
    ) -> Self {
        Self {
            client,
            access_tokens,
            id_tokens,
            cookies,
            sealer,
            randomness,
            clock,
            lifetimes,
            place,
            opened: OpenedSessions::default(),
            changes: AtomicU64::new(1),
            newest: latest(NEWEST_FOR),
            ended: latest(lifetimes.idle),
            refreshes: Refreshes::default(),
        }
    }

    /// Begins a session; tells what the browser's cookie becomes.
    pub(crate) async fn begin(&self, session: Session) -> Result<Kept, LoginError> {
        match &self.place {
            Place::Cookie { .. } => self.write_cookie(&session),
            Place::Store(store) => {
                let Lifetimes { idle, absolute, .. } = self.lifetimes;
                let data = self.seal_record(&session)?;
                store
                    .create(session.id.key(), data.as_bytes(), Lives { idle, absolute })
                    .await
                    .map_err(unavailable)?;
                Ok(Kept::Write(session.id.to_text().into(), self.max_age(&session)))
            }
        }
    }

    /// Replaces a session by its successor. `None` when it ended meanwhile.
    pub(super) async fn replace(
        &self,
        before: &Loaded,
        session: Arc<Session>,
    ) -> Result<Option<Loaded>, LoginError> {
        match &self.place {
            Place::Cookie { .. } => {
                self.newest.insert(session.id, Arc::clone(&session));
                self.changes.fetch_add(1, Ordering::SeqCst);
                // Looked at afterwards: who signs out ends first and forgets the newest then, so that one of the two
                // sees the other.
                if self.ended.contains_key(&session.id) {
                    self.newest.invalidate(&session.id);
                    return Ok(None);
                }
                Ok(Some(Loaded::newer(session)))
            }
            Place::Store(store) => {
                let data = self.seal_record(&session)?;
                let id = session.id.key();
                let replaced =
                    store.replace_if_version(id, before.version, data.as_bytes(), self.lifetimes.idle).await;
                let version = before.version.wrapping_add(1);
                Ok(replaced.map_err(unavailable)?.then_some(Loaded::of_record(session, version)))
            }
        }
    }

    /// Ends a session for good.
    pub(crate) async fn end(&self, session: &Session) -> Result<(), LoginError> {
        self.ended.insert(session.id, ());
        self.newest.invalidate(&session.id);
        self.changes.fetch_add(1, Ordering::SeqCst);
        match &self.place {
            Place::Cookie { .. } => Ok(()),
            Place::Store(store) => store.delete(session.id.key()).await.map_err(unavailable),
        }
    }

    /// Removes the browser's cookie of a session that is over, unless a newer one may have come there meanwhile.
    pub(crate) fn forget(&self, request: &HeaderMap, response: &mut HeaderMap) {
        if !navigation::may_come_late(request) {
            self.cookies.remove_session(request, response);
        }
    }

    /// Gives what this process knows to be newer than a session in a cookie.
    pub(super) fn newer(&self, than: &Session) -> Option<Loaded> {
        let newest =
            self.newest.get(&than.id).filter(|newest| newest.facts.generation > than.facts.generation)?;
        Some(Loaded::newer(newest))
    }

    /// Tells whether the session ended in this process.
    pub(super) fn has_ended(&self, id: &SessionId) -> bool {
        self.ended.contains_key(id)
    }

    /// Tells what the browser's cookie becomes when a request with this session, which came at `now`, was answered.
    pub(crate) fn kept(&self, loaded: &Loaded, now: Duration) -> Kept {
        self.judge(loaded, now).unwrap_or_else(|error| {
            // The browser keeps what it has; the state that this process remembers serves it meanwhile.
            tracing::error!(target: "kinde_login", code = error.code(), reason = %error.reason(), "cookie not written");
            Kept::AsItIs
        })
    }

    fn judge(&self, loaded: &Loaded, now: Duration) -> Result<Kept, LoginError> {
        if matches!(self.place, Place::Store(_)) {
            return Ok(Kept::AsItIs);
        }
        if loaded.current_at != self.changes.load(Ordering::SeqCst) {
            // Somebody signed out while this request was answered: the answer must not bring the cookie back.
            if self.has_ended(&loaded.session.id) {
                return Ok(Kept::AsItIs);
            }
            // Refreshed by another request since this one came: an older state would undo that.
            if let Some(newer) = self.newer(&loaded.session) {
                return self.write_cookie(&newer.session);
            }
        }
        if loaded.is_stale {
            return self.write_cookie(&loaded.session);
        }
        let idle_for = now.as_secs().saturating_sub(loaded.session.facts.seen_at);
        if idle_for < self.lifetimes.idle.as_secs() / TOUCHES {
            return Ok(Kept::AsItIs);
        }
        let mut touched = (*loaded.session).clone();
        touched.facts.seen_at = now.as_secs();
        self.write_cookie(&touched)
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.wall()
    }

    pub(super) fn is_over(&self, session: &Session, now: Duration) -> bool {
        session.is_over(now, self.lifetimes.idle, self.lifetimes.absolute)
    }

    /// Tells whether a session has room where it is kept.
    pub(super) fn check_size(&self, session: &Session) -> Result<(), LoginError> {
        self.write_cookie(session).map(drop)
    }

    fn write_cookie(&self, session: &Session) -> Result<Kept, LoginError> {
        let Place::Cookie { budget_bytes } = self.place else { return Ok(Kept::AsItIs) };
        let sealed = self.seal(Purpose::SessionCookie, b"", session)?;
        if sealed.len() > budget_bytes {
            let (bytes, budget) = (sealed.len(), budget_bytes);
            return Err(LoginReason::SessionTooLarge { bytes, budget, parts: session.sizes() }.into());
        }
        Ok(Kept::Write(sealed.into(), self.max_age(session)))
    }

    fn seal_record(&self, session: &Session) -> Result<String, LoginError> {
        self.seal(Purpose::SessionRecord, session.id.as_bytes(), session)
    }

    fn seal(&self, purpose: Purpose, context: &[u8], session: &Session) -> Result<String, LoginError> {
        let plain = zeroize::Zeroizing::new(session.write());
        let sealed = self.sealer.seal(purpose, context, &plain, self.randomness.as_ref());
        sealed.ok_or_else(|| {
            LoginReason::StoreUnavailable { problem: "the session could not be sealed".to_owned() }.into()
        })
    }

    /// A cookie for as long as the browser runs, where the token says so; otherwise until the session's end.
    fn max_age(&self, session: &Session) -> Option<Duration> {
        let ends_at = session.ends_at(self.lifetimes.absolute);
        session.facts.is_persistent.then(|| Duration::from_secs(ends_at.saturating_sub(self.now().as_secs())))
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Keeper")
            .field("place", &self.place)
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}

pub(super) fn unavailable(error: StoreError) -> LoginError {
    LoginReason::StoreUnavailable { problem: error.to_string() }.into()
}

/// A memory of the latest sessions. When it is full the oldest goes: moka's usual policy would rather turn a new entry
/// away that was never asked for, and a sign-out is such an entry.
pub(super) fn latest<K, V>(lives_for: Duration) -> Cache<K, V>
where
    K: Eq + std::hash::Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    // moka refuses more than a thousand years.
    let lives_for = lives_for.min(LONGEST_MEMORY);
    Cache::builder()
        .max_capacity(REMEMBERED)
        .eviction_policy(EvictionPolicy::lru())
        .time_to_live(lives_for)
        .build()
}

const LONGEST_MEMORY: Duration = Duration::from_secs(400 * 86_400);
/// How many sessions a process remembers, of each kind; about 4 KB each.
const REMEMBERED: u64 = 10_000;
/// Longer than any answer takes that may still bring the new cookie; Kinde does not say how long its overlap is.
const NEWEST_FOR: Duration = Duration::from_secs(900);
/// A cookie is written again when this part of its idle time has gone by.
const TOUCHES: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: G7
    #[test]
    fn full_memory_of_sign_outs_forgets_the_oldest_and_never_the_newest() {
        let ended: Cache<u64, ()> = latest(Duration::from_secs(60));
        for session in 0..REMEMBERED * 2 {
            ended.insert(session, ());
        }
        ended.run_pending_tasks();
        let newest = REMEMBERED * 2 - REMEMBERED / 2..REMEMBERED * 2;
        assert!(newest.clone().all(|session| ended.contains_key(&session)));
        assert!(!ended.contains_key(&0));
        drop(latest::<u64, ()>(Duration::MAX));
    }
}
