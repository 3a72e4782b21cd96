//! Finds the session of a request: opens the browser's cookie, or loads the record that it names.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::HeaderMap;

use super::{
    keeper::{Keeper, Loaded, Place, unavailable},
    record::{Session, SessionId},
    store::SessionStore,
};
use crate::{
    error::LoginError,
    seal::{Purpose, Sealer},
};

impl Keeper {
    /// Finds the session of a request's cookie without waiting: `None` when a store has to be asked.
    pub(crate) fn at_hand(&self, headers: &HeaderMap, now: Duration) -> Option<Result<Loaded, Missing>> {
        let Some(cookie) = self.cookies.joined_session(headers) else { return Some(Err(self.none(headers))) };
        match &self.place {
            Place::Store(_) => None,
            Place::Cookie { .. } => Some(self.open(&cookie, now)),
        }
    }

    /// Finds the session of a request's cookie.
    pub(crate) async fn find(&self, headers: &HeaderMap) -> Result<Result<Loaded, Missing>, LoginError> {
        let Some(cookie) = self.cookies.joined_session(headers) else { return Ok(Err(self.none(headers))) };
        match &self.place {
            Place::Cookie { .. } => Ok(self.open(&cookie, self.now())),
            Place::Store(store) => {
                let Some(id) = SessionId::parse(&cookie) else { return Ok(Err(self.not_an_id(&cookie))) };
                self.load(store.as_ref(), id).await
            }
        }
    }

    /// Tells a browser without a session from one that lost a part of it.
    fn none(&self, headers: &HeaderMap) -> Missing {
        if self.cookies.has_part(headers) { Missing::Unusable } else { Missing::NoCookie }
    }

    /// Opens a sealed cookie, and prefers what is known to be newer.
    fn open(&self, cookie: &[u8], now: Duration) -> Result<Loaded, Missing> {
        let opened = self.opened.find_or(cookie, || match SessionId::parse(cookie) {
            // Of an instance that keeps sessions in a store.
            Some(_) => Err(Missing::Later),
            None => self.read(Purpose::SessionCookie, b"", cookie),
        })?;
        let sent = &opened.session;
        // Read before the looks: a change in between is then looked for again the next time.
        let changes = self.changes.load(Ordering::SeqCst);
        if !opened.is_current_at(changes) {
            if self.has_ended(&sent.id) {
                return Err(Missing::Unusable);
            }
            if let Some(newer) = self.newer(sent) {
                return if self.is_over(&newer.session, now) { Err(Missing::Unusable) } else { Ok(newer) };
            }
            opened.set_current_at(changes);
        }
        if self.is_over(sent, now) {
            return Err(Missing::Unusable);
        }
        Ok(Loaded::of_cookie(Arc::clone(sent), changes))
    }

    /// Judges a cookie that names no record of the store.
    fn not_an_id(&self, cookie: &[u8]) -> Missing {
        match self.read(Purpose::SessionCookie, b"", cookie) {
            // Of an instance that keeps sessions in the cookie.
            Ok(_) => Missing::Later,
            Err(missing) => missing,
        }
    }

    /// Opens and reads a sealed session. One that a later version wrote is nobody here, and stays where it is: while a
    /// deployment rolls, the next request may meet an instance that reads it.
    fn read(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Result<Session, Missing> {
        let sealed = std::str::from_utf8(sealed).map_err(|_| Missing::Unusable)?;
        let Some(plain) = self.sealer.open(purpose, context, sealed) else {
            // Sealed by a key that is gone, or not by us: no session.
            return Err(if Sealer::is_later(sealed) { Missing::Later } else { Missing::Unusable });
        };
        let missing = if Session::is_later(&plain) { Missing::Later } else { Missing::Unusable };
        Session::read(&plain).ok_or(missing)
    }

    /// Loads a session from the store.
    pub(super) async fn load(
        &self,
        store: &dyn SessionStore,
        id: SessionId,
    ) -> Result<Result<Loaded, Missing>, LoginError> {
        let stored = store.load(id.key(), self.lifetimes.idle).await.map_err(unavailable)?;
        // A store that lost its latest writes may hold again what was deleted.
        let stored = stored.filter(|_| !self.has_ended(&id));
        let Some(stored) = stored else { return Ok(Err(Missing::Unusable)) };
        let read = || self.read(Purpose::SessionRecord, id.as_bytes(), &stored.data);
        let session = match self.opened.find_or(&stored.data, read) {
            Ok(opened) if opened.session.id == id => Arc::clone(&opened.session),
            Ok(_) => return Ok(Err(Missing::Unusable)),
            Err(missing) => return Ok(Err(missing)),
        };
        // The store counts idle time; the absolute end is in the record, too.
        if self.now().as_secs() >= session.ends_at(self.lifetimes.absolute) {
            return Ok(Err(Missing::Unusable));
        }
        Ok(Ok(Loaded::of_record(session, stored.version)))
    }
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The browser sent none.
    NoCookie,
    /// The browser sent one that is over, ended, or none of ours: its cookie is removed.
    Unusable,
    /// The browser sent one that this instance does not read and another one does, while a deployment rolls: a later
    /// version wrote it, or it is kept in the other place. Its cookie stays.
    Later,
}
