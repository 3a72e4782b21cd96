//! Replaces a session's tokens: one refresh at a time, and never one that brings an ended session back.

use std::{sync::Arc, time::Duration};

use kinde_core::{AuthError, AuthErrorKind, AuthReason, ExpectedIdToken, Identity, Secret};
use moka::sync::Cache;

use super::{
    find::Missing,
    keeper::{Keeper, Loaded, Place, latest},
    record::{Facts, Session, SessionId},
    rivals::Rivals,
    user::SessionUser,
};
use crate::{
    authorize,
    client::{TokenAnswer, ends_session},
    error::{LoginError, LoginErrorKind, LoginReason},
    single_flight::SingleFlight,
};

/// What became of a session that was due.
#[derive(Clone, Debug)]
pub(crate) enum Refreshed {
    /// It has new tokens.
    Anew(Loaded),
    /// It is as it was, and its access token is still good.
    Still(Loaded),
    /// A later version keeps it now, in a format that this one cannot read: it is nobody here, and stays.
    Later,
    /// It is over: signed out elsewhere, revoked, expired.
    Ended,
    /// Kinde or the store cannot be reached, or Kinde refuses this application, and the access token is over: the session
    /// waits.
    Unavailable(LoginError),
}

/// The refreshes under way, and those that failed a moment ago.
#[derive(Debug)]
pub(crate) struct Refreshes {
    flights: SingleFlight<SessionId, Refreshed>,
    /// Sessions that are not tried again for a while, by id and generation, and what the last try came to; nothing where
    /// it brought an access token that lasts no longer than the one before.
    resting: Cache<(SessionId, u64), Option<LoginError>>,
    /// What Kinde gave for a refresh token that is used up, while the store could not take it.
    unkept: Cache<SessionId, Arc<Session>>,
    pub(super) rivals: Rivals,
}

impl Default for Refreshes {
    fn default() -> Self {
        let resting = latest(REST);
        let unkept = latest(UNKEPT_FOR);
        Self { flights: SingleFlight::default(), resting, unkept, rivals: Rivals::default() }
    }
}

impl Keeper {
    /// Tells whether a session's access token has to be replaced before it is used.
    pub(crate) fn is_due(&self, session: &Session, now: Duration) -> bool {
        session.is_expired(now.saturating_add(self.lifetimes.refresh_ahead))
            && (session.is_expired(now) || !self.refreshes.resting.contains_key(&attempt(session)))
    }

    pub(super) fn is_expired(&self, session: &Session) -> bool {
        session.is_expired(self.now())
    }

    /// Replaces the tokens of a session that is due. However many ask at once, Kinde is asked once; it goes on when all
    /// of them hang up, because the old refresh token may be used up already.
    pub(crate) async fn refresh(self: &Arc<Self>, due: Loaded) -> Refreshed {
        let (keeper, session) = (Arc::clone(self), due.clone());
        let refreshed = self
            .refreshes
            .flights
            .run(due.session.id, || async move { keeper.refresh_now(session).await })
            .await;
        match refreshed {
            // A newer session may hold no more than a newer refresh token: its access token is the old one.
            Some(Refreshed::Anew(newer)) if self.is_expired(&newer.session) => {
                let cause = "the keys to judge the new tokens by are away";
                Refreshed::Unavailable(LoginReason::RefreshPutOff { cause }.into())
            }
            Some(refreshed) => refreshed,
            None => self.later(due, LoginReason::RefreshPutOff { cause: "it was abandoned" }.into()),
        }
    }

    async fn refresh_now(&self, mut due: Loaded) -> Refreshed {
        // It may have been refreshed between the look and now, here or by another process.
        match self.reread(&due).await {
            Ok(Ok(newer)) if is_newer(&newer, &due) => return Refreshed::Anew(newer),
            Ok(Err(Missing::Later)) => return Refreshed::Later,
            Ok(Err(_)) if matches!(self.place, Place::Store(_)) => return Refreshed::Ended,
            // Its version may have changed without new tokens.
            Ok(Ok(same)) => due = same,
            Ok(Err(_)) => {}
            Err(error) => return self.later(due, error),
        }
        if let Some(unkept) = self.refreshes.unkept.remove(&due.session.id)
            && unkept.facts.generation > due.session.facts.generation
        {
            return self.keep(due, unkept).await;
        }
        let Some(refresh_token) = due.session.refresh_token.clone() else {
            return if self.is_expired(&due.session) {
                self.ended(&due).await
            } else {
                Refreshed::Still(due)
            };
        };
        if self.is_expired(&due.session)
            && let Some(Some(last)) = self.refreshes.resting.get(&attempt(&due.session))
        {
            let cause = "it came to nothing a moment ago";
            return Refreshed::Unavailable(match last.kind() {
                LoginErrorKind::Misconfigured => last,
                _ => LoginReason::RefreshPutOff { cause }.into(),
            });
        }
        let due = match self.claim(due).await {
            Ok(claimed) => claimed,
            Err(outcome) => return outcome,
        };
        let answer = match self.client.refresh(&refresh_token).await {
            Ok(answer) => answer,
            Err(error) if ends_session(&error) => return self.refused(due, &error).await,
            Err(error) => return self.release(due, error).await,
        };
        let newest_refresh_token = answer.refresh_token.clone();
        let after = match self.successor(&due.session, answer).await {
            Ok(after) => after,
            Err(error) if is_final(&error) => {
                tracing::warn!(target: "kinde_login", code = error.code(), reason = %error.reason(), "what a refresh brought is refused");
                self.revoke(newest_refresh_token).await;
                return self.ended(&due).await;
            }
            Err(error) => return self.keep_refresh_token(due, newest_refresh_token, error).await,
        };
        if after.is_expired(self.now().saturating_add(self.lifetimes.refresh_ahead)) {
            // Kinde may answer the same access token again while it lasts: asking at once brings nothing. When that one
            // is over, asking brings another.
            let cause = "the new access token was over when it came";
            let is_over = self.is_expired(&after).then(|| LoginReason::RefreshPutOff { cause }.into());
            self.refreshes.resting.insert(attempt(&after), is_over);
        }
        // Kept in this process alone it would be lost minutes later, with a refresh token that is used up: better to end
        // it now, and let the next sign-in say what is too large.
        if let Err(error) = self.check_size(&after) {
            tracing::error!(target: "kinde_login", code = error.code(), reason = %error.reason(), fix = error.fix(), "session outgrew its cookie");
            self.revoke(after.refresh_token).await;
            return self.ended(&due).await;
        }
        self.keep(due, Arc::new(after)).await
    }

    /// Keeps what a refresh brought.
    async fn keep(&self, due: Loaded, after: Arc<Session>) -> Refreshed {
        let mut before = due;
        // Once more when only a claim came in between: what Kinde gave belongs to the session all the same.
        for _ in 0..2 {
            match self.replace(&before, Arc::clone(&after)).await {
                Ok(Some(loaded)) => return Refreshed::Anew(loaded),
                Ok(None) => {}
                Err(error) => return self.put_by(before, after, error).await,
            }
            // Signed out, or refreshed by another process, meanwhile.
            match self.reread(&before).await {
                Ok(Ok(newer)) if is_newer(&newer, &before) => return Refreshed::Anew(newer),
                Ok(Ok(same)) => before = same,
                // Revoking would end what the later version keeps.
                Ok(Err(Missing::Later)) => return Refreshed::Later,
                Ok(Err(_)) => {
                    self.revoke(after.refresh_token.clone()).await;
                    return Refreshed::Ended;
                }
                Err(error) => return self.put_by(before, after, error).await,
            }
        }
        let cause = "other processes changed it meanwhile";
        self.put_by(before, after, LoginReason::RefreshPutOff { cause }.into()).await
    }

    /// The old refresh token is used up: a later request tries again to write what came for it.
    async fn put_by(&self, before: Loaded, after: Arc<Session>, error: LoginError) -> Refreshed {
        self.refreshes.unkept.insert(after.id, Arc::clone(&after));
        // In this order, so that a sign-out meanwhile takes the refresh token, or is seen here.
        if self.has_ended(&after.id) {
            self.revoke(self.take_newest_refresh_token(&after)).await;
        }
        self.later(before, error)
    }

    /// Keeps what cannot be had again when the rest of an answer is no good: the old refresh token is used up.
    async fn keep_refresh_token(&self, due: Loaded, newest: Option<Secret>, error: LoginError) -> Refreshed {
        let Some(newest) = newest else { return self.later(due, error) };
        let mut after = (*due.session).clone();
        after.refresh_token = Some(newest.clone());
        after.facts.generation = after.facts.generation.saturating_add(1);
        after.facts.claim = None;
        let generation = after.facts.generation;
        match self.keep(due, Arc::new(after)).await {
            // The new refresh token with the old access token; or what another process had meanwhile.
            Refreshed::Anew(kept) if is_ours(&kept, generation, &newest) => self.later(kept, error),
            outcome => outcome,
        }
    }

    /// Believes that a refresh token is no longer good, unless another process used it a moment ago.
    async fn refused(&self, due: Loaded, error: &LoginError) -> Refreshed {
        tracing::debug!(target: "kinde_login", code = error.code(), "refresh refused");
        for wait in WAITS {
            match self.reread(&due).await {
                Ok(Ok(newer)) if is_newer(&newer, &due) => return Refreshed::Anew(newer),
                Ok(Ok(_)) if matches!(self.place, Place::Store(_)) => tokio::time::sleep(wait).await,
                // It may be what used the refresh token before us.
                Ok(Err(Missing::Later)) => return Refreshed::Later,
                Ok(_) => break,
                Err(error) => return self.later(due, error),
            }
        }
        self.ended(&due).await
    }

    async fn ended(&self, due: &Loaded) -> Refreshed {
        match self.end(&due.session).await {
            Ok(()) => {
                tracing::info!(target: "kinde_login", "session ended: it cannot be refreshed");
                Refreshed::Ended
            }
            Err(error) => Refreshed::Unavailable(error),
        }
    }

    /// Keeps the session as it is, and lets it rest before the next try.
    pub(super) fn later(&self, due: Loaded, error: LoginError) -> Refreshed {
        tracing::warn!(target: "kinde_login", code = error.code(), reason = %error.reason(), "refresh put off");
        self.refreshes.resting.insert(attempt(&due.session), Some(error.clone()));
        if self.has_ended(&due.session.id) {
            Refreshed::Ended
        } else if self.is_expired(&due.session) {
            // Whatever Kinde answered: the browser shall come again (requirement F16). What a setting is the cause of is
            // told as that each time, since it does not pass.
            Refreshed::Unavailable(match error.kind() {
                LoginErrorKind::Unavailable | LoginErrorKind::Misconfigured => error,
                _ => LoginReason::RefreshPutOff { cause: error.code() }.into(),
            })
        } else {
            Refreshed::Still(due)
        }
    }

    /// Looks what is known of a session now, here or in the store.
    pub(super) async fn reread(&self, due: &Loaded) -> Result<Result<Loaded, Missing>, LoginError> {
        match &self.place {
            Place::Cookie { .. } => Ok(self.newer(&due.session).ok_or(Missing::NoCookie)),
            Place::Store(store) => self.load(store.as_ref(), due.session.id).await,
        }
    }

    /// Takes the refresh token to revoke when a session ends: a newer one may be waiting for the store.
    pub(crate) fn take_newest_refresh_token(&self, session: &Session) -> Option<Secret> {
        match self.refreshes.unkept.remove(&session.id) {
            Some(unkept) if unkept.facts.generation > session.facts.generation => {
                unkept.refresh_token.clone()
            }
            _ => session.refresh_token.clone(),
        }
    }

    /// Revokes a refresh token while somebody waits, for a moment; it goes on when nobody does any more.
    pub(crate) async fn revoke_soon(self: &Arc<Self>, refresh_token: Option<Secret>) {
        let keeper = Arc::clone(self);
        let revoking = tokio::spawn(async move { keeper.revoke(refresh_token).await });
        if tokio::time::timeout(REVOKED_WITHIN, revoking).await.is_err() {
            tracing::debug!(target: "kinde_login", "a refresh token is revoked in the background");
        }
    }

    /// Revokes a refresh token that nobody may use; what cannot be revoked runs out by itself.
    pub(crate) async fn revoke(&self, refresh_token: Option<Secret>) {
        let Some(refresh_token) = refresh_token else { return };
        if let Err(error) = self.client.revoke(&refresh_token).await {
            tracing::warn!(target: "kinde_login", code = error.code(), "a refresh token could not be revoked");
        }
    }

    /// Verifies what a refresh brought, and makes the session of it.
    async fn successor(&self, before: &Session, answer: TokenAnswer) -> Result<Session, LoginError> {
        let access_token = answer.untrusted_access_token;
        let proven = self.access_tokens.verify(access_token.expose()).await.map_err(refused_token)?;
        let Identity::User(proven) = proven else {
            return Err(LoginReason::SubjectMismatch { what: "refresh request" }.into());
        };
        // OpenID Connect Core §12.2: the same person.
        if proven.id() != before.user.id {
            return Err(LoginReason::SubjectMismatch { what: "refresh request" }.into());
        }
        // Who left the organization meanwhile gets a token without one; another one was never asked for.
        let org_code = proven.org_code().ok().flatten();
        if before.facts.org_code.is_some() && org_code.is_some() {
            authorize::check_org(before.facts.org_code.as_deref(), org_code)?;
        }
        let mut user = before.user.clone();
        if let Some(id_token) = &answer.untrusted_id_token {
            let expected = ExpectedIdToken::of_refresh(before.facts.nonce.as_deref())
                .with_access_token(access_token.expose());
            let id_token = self.id_tokens.verify(id_token.expose(), expected).await.map_err(refused_token)?;
            let auth_time = id_token.claim::<u64>("auth_time").ok().flatten();
            let is_same = auth_time.is_none()
                || before.facts.auth_time.is_none()
                || auth_time == before.facts.auth_time;
            if id_token.id() != before.user.id || !is_same {
                return Err(LoginReason::SubjectMismatch { what: "refresh request" }.into());
            }
            user = SessionUser::of(&id_token);
        }
        let facts = Facts {
            seen_at: self.now().as_secs(),
            access_expires_at: proven.expires_at().as_secs(),
            generation: before.facts.generation.saturating_add(1),
            claim: None,
            ..before.facts.clone()
        };
        let refresh_token = answer.refresh_token.or_else(|| before.refresh_token.clone());
        Ok(Session { id: before.id, user, access_token, refresh_token, facts })
    }
}

pub(super) fn is_newer(newer: &Loaded, due: &Loaded) -> bool {
    newer.session.facts.generation > due.session.facts.generation
}

fn is_ours(kept: &Loaded, generation: u64, refresh_token: &Secret) -> bool {
    kept.session.facts.generation == generation && kept.session.refresh_token.as_ref() == Some(refresh_token)
}

/// Tells whether what a refresh brought will be refused the next time, too: the settings changed, or it is somebody
/// else's. A session that waited for better would lock its person out.
fn is_final(error: &LoginError) -> bool {
    match error.reason() {
        LoginReason::TokenRefused(refused) => !passes_by_itself(refused),
        LoginReason::SubjectMismatch { .. } | LoginReason::OrgMismatch { .. } => true,
        _ => false,
    }
}

/// Tells whether a token that Kinde issued a moment ago is refused only for now: its key is fetched soon, or our clock is
/// behind. Another instance may accept it already, so that no session ends for it.
pub(crate) fn passes_by_itself(refused: &AuthError) -> bool {
    matches!(refused.reason(), AuthReason::KeyUnknown { .. } | AuthReason::NotYetValid { .. })
}

fn attempt(session: &Session) -> (SessionId, u64) {
    (session.id, session.facts.generation)
}

pub(crate) fn refused_token(error: AuthError) -> LoginError {
    match error.kind() {
        AuthErrorKind::KeysUnavailable => LoginReason::KeysUnavailable(error).into(),
        _ => LoginReason::TokenRefused(error).into(),
    }
}

/// Somebody who signs out waits no longer for Kinde: the cookie has to be removed before the page is closed.
const REVOKED_WITHIN: Duration = Duration::from_secs(2);
/// How long a session is not tried again after a refresh that failed, or that brought nothing.
const REST: Duration = Duration::from_secs(10);
/// Longer than any store is away without somebody looking after it.
const UNKEPT_FOR: Duration = Duration::from_secs(900);
/// How long a refused refresh waits for the process that may have used the token before it: Kinde has answered that one
/// already, so that only its own write to the store is still to come.
pub(super) const WAITS: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1_000),
];
