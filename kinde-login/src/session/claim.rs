//! The right to refresh a session that is in a store: one process has it at a time.

use std::{sync::Arc, time::Duration};

use super::{
    find::Missing,
    keeper::{Keeper, Loaded, Place},
    refresh::{Refreshed, WAITS, is_newer},
};
use crate::error::{LoginError, LoginReason};

impl Keeper {
    /// Takes the right to refresh a session that is in a store: among all processes one sends its refresh token, because
    /// Kinde may take a second use of it for theft and end the session. The others wait for what comes of it.
    pub(super) async fn claim(&self, due: Loaded) -> Result<Loaded, Refreshed> {
        let Place::Store(_) = &self.place else { return Ok(due) };
        if !self.is_claimed(&due) {
            let mut claimed = (*due.session).clone();
            claimed.facts.claim = Some(self.refreshes.rivals.claim(self.now()));
            match self.replace(&due, Arc::new(claimed)).await {
                Ok(Some(ours)) => return Ok(ours),
                Ok(None) => {}
                Err(error) => return Err(self.later(due, error)),
            }
        }
        for wait in WAITS.into_iter().chain([Duration::from_secs(1); 4]) {
            if !self.is_expired(&due.session) {
                return Err(Refreshed::Still(due));
            }
            tokio::time::sleep(wait).await;
            match self.reread(&due).await {
                Ok(Ok(newer)) if is_newer(&newer, &due) => return Err(Refreshed::Anew(newer)),
                Ok(Ok(same)) if self.is_claimed(&same) => {}
                // It ran out: the process that took it ended in the middle.
                Ok(Ok(same)) if same.session.facts.claim.is_some() => {
                    return Box::pin(self.claim(same)).await;
                }
                // Given back: the other process came to nothing.
                Ok(Ok(_)) => break,
                Ok(Err(Missing::Later)) => return Err(Refreshed::Later),
                Ok(Err(_)) => return Err(Refreshed::Ended),
                Err(error) => return Err(self.later(due, error)),
            }
        }
        Err(self.later(due, LoginReason::RefreshPutOff { cause: "another process asks for them" }.into()))
    }

    /// Tells whether another process is asking Kinde for new tokens now. A claim of our own was left behind.
    fn is_claimed(&self, loaded: &Loaded) -> bool {
        self.refreshes.rivals.hold(loaded, self.now(), self.clock.monotonic())
    }

    /// Gives the right to refresh back, so that another process need not wait until it runs out.
    pub(super) async fn release(&self, due: Loaded, error: LoginError) -> Refreshed {
        if matches!(self.place, Place::Store(_)) {
            let mut released = (*due.session).clone();
            released.facts.claim = None;
            match self.replace(&due, Arc::new(released)).await {
                Ok(Some(released)) => return self.later(released, error),
                Ok(None) => match self.reread(&due).await {
                    Ok(Err(Missing::Later)) => return Refreshed::Later,
                    Ok(Err(_)) => return Refreshed::Ended,
                    // It runs out by itself.
                    Ok(Ok(_)) | Err(_) => {}
                },
                Err(_) => {}
            }
        }
        self.later(due, error)
    }
}
