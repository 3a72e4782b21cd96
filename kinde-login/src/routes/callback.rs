//! Kinde's answer: takes the flow once, exchanges the code once, begins the session.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, header::SET_COOKIE};
use kinde_core::{
    AccessToken, ExpectedIdToken, FetchError, FetchErrorKind, IdToken, Identity, Secret, UntrustedText,
};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::Question;
use crate::{
    authorize::{self, Intent, Wishes},
    callback::{AuthorizationResponse, Says},
    cookies,
    error::{LoginError, LoginReason},
    flow::Flow,
    navigation::{self, Manner},
    opened_at,
    response::{self, Verdict},
    return_to::ReturnTo,
    session::{Facts, Missing, Place, Session, SessionId, SessionUser},
};

impl Question<'_> {
    pub(super) async fn callback(&self) -> Result<Response<Bytes>, LoginError> {
        if self.request.method() == Method::POST {
            return Err(LoginReason::ResponsePosted.into());
        }
        let query = self.request.uri().query().unwrap_or_default();
        let read =
            AuthorizationResponse::read(query, self.login.sessions.keeper.client.endpoints().issuer())?;
        // From here on the browser is told to forget the flow, whatever comes of it.
        let mut cookies = HeaderMap::new();
        let headers = self.request.headers();
        let flow =
            read.untrusted_state.as_deref().and_then(|state| self.flows().take(state, headers, &mut cookies));
        let finished = match read.says {
            Says::Code(code) => match &flow {
                Some(flow) => self.finish(flow, &code, &mut cookies).await,
                None => {
                    let state = read.untrusted_state.as_deref();
                    self.stale(opened_at::explain(state, self.request, &self.login.site)).await
                }
            },
            Says::Error { error, description, reauth_state } => {
                if let Some(retried) = self.retry(&error, reauth_state.as_deref(), flow.as_ref(), &cookies) {
                    return retried;
                }
                // Without a flow anybody can have written the link: their words are not shown as Kinde's.
                let description = description.as_deref().filter(|_| flow.is_some()).map(UntrustedText::new);
                let told = LoginReason::Provider { error: UntrustedText::new(&error), description }.into();
                match &flow {
                    Some(_) => Err(told),
                    None => self.stale(told).await,
                }
            }
        };
        match finished {
            Ok(mut response) => {
                response.headers_mut().extend(cookies);
                Ok(response)
            }
            Err(error) => Ok(match &flow {
                Some(flow) => {
                    let verdict = Verdict::of_callback(&error);
                    self.failure_of(&error, verdict, self.way_back(flow).as_ref(), cookies)
                }
                None => self.failure(&error, cookies),
            }),
        }
    }

    /// Where the flow leads. It was judged when the flow began, and sealed since.
    fn way_back(&self, flow: &Flow) -> Option<ReturnTo> {
        flow.return_to.as_deref().and_then(|target| self.login.targets.parse(target))
    }

    /// Exchanges the code and begins the session.
    async fn finish(
        &self,
        flow: &Flow,
        code: &Secret,
        cookies: &mut HeaderMap,
    ) -> Result<Response<Bytes>, LoginError> {
        let keeper = &self.login.sessions.keeper;
        let redirect_uri = &self.login.application.redirect_uri;
        let deadline = Instant::now() + ANSWERED_WITHIN;
        let code_verifier = flow.code_verifier();
        let unreachable = || LoginReason::Unreachable(FetchError::new(FetchErrorKind::Deadline));
        let exchange = keeper.client.exchange_code(code, redirect_uri, &code_verifier);
        let answer = within(deadline, exchange, unreachable).await?;
        let refresh_token = answer.refresh_token.clone();
        let begun = async {
            let proven = self.session_of(flow, answer);
            let session = within(deadline, proven, unreachable).await?;
            let id = session.id;
            let late = || LoginReason::StoreUnavailable { problem: "no answer in time".to_owned() };
            Ok((within(deadline, keeper.begin(session), late).await?, id))
        };
        match begun.await {
            Ok((kept, id)) => {
                if timeout_at(deadline, self.replace_session(&id)).await.is_err() {
                    tracing::warn!(target: "kinde_login", "an earlier session could not be deleted in time");
                }
                kept.tell(keeper, self.request.headers(), cookies);
                self.count_finish(flow, cookies);
                let target = self.way_back(flow).filter(|target| self.fits(target.as_str(), cookies));
                let target = target.unwrap_or_else(|| self.login.post_login.clone());
                let room = room_bytes(&keeper.place).saturating_sub(head_bytes(target.as_str(), cookies));
                self.flows().make_room(flow, self.request.headers(), cookies, room);
                Ok(response::return_to(&target))
            }
            Err(error) => {
                // Nobody will use it: no session was begun. And nobody waits for that.
                let keeper = Arc::clone(keeper);
                tokio::spawn(async move { keeper.revoke(refresh_token).await });
                Err(error)
            }
        }
    }

    /// Verifies what the code brought: the session that begins with it.
    async fn session_of(
        &self,
        flow: &Flow,
        answer: crate::client::TokenAnswer,
    ) -> Result<Session, LoginError> {
        let keeper = &self.login.sessions.keeper;
        let access_token = answer.untrusted_access_token;
        let proven = keeper
            .access_tokens
            .verify(access_token.expose())
            .await
            .map_err(crate::session::refused_token)?;
        let Identity::User(access) = proven else {
            return Err(LoginReason::SubjectMismatch { what: "token request" }.into());
        };
        let Some(id_token) = answer.untrusted_id_token else {
            return Err(LoginReason::AnswerMalformed {
                what: "token request",
                problem: "it has no ID token",
            }
            .into());
        };
        let expected = ExpectedIdToken::of_sign_in(&flow.nonce).with_access_token(access_token.expose());
        let id_token = keeper
            .id_tokens
            .verify(id_token.expose(), expected)
            .await
            .map_err(crate::session::refused_token)?;
        if id_token.id() != access.id() {
            return Err(LoginReason::SubjectMismatch { what: "token request" }.into());
        }
        let org_code = access.org_code().ok().flatten();
        authorize::check_org(flow.org_code.as_deref(), org_code)?;
        Ok(Session {
            id: SessionId::new(keeper.randomness.as_ref()),
            user: SessionUser::of(&id_token),
            facts: self.facts(flow, &access, &id_token),
            access_token,
            refresh_token: answer.refresh_token,
        })
    }

    fn facts(&self, flow: &Flow, access: &AccessToken, id_token: &IdToken) -> Facts {
        #[derive(Deserialize)]
        struct SessionPolicy {
            persistent: bool,
        }
        let now = self.login.sessions.keeper.now().as_secs();
        let policy = access.claim::<SessionPolicy>("ksp").ok().flatten();
        Facts {
            created_at: now,
            seen_at: now,
            access_expires_at: access.expires_at().as_secs(),
            generation: 0,
            is_persistent: policy.is_none_or(|policy| policy.persistent),
            nonce: Some(flow.nonce.to_string()),
            auth_time: id_token.claim::<u64>("auth_time").ok().flatten(),
            org_code: access.org_code().ok().flatten().map(str::to_owned),
            claim: None,
        }
    }

    /// Tells whether an answer with these cookies has room for a long way back: in 4 KiB, or in what a raised budget
    /// shows that the proxy was given. Without room the browser lands at the start page: better there than at a page of
    /// the proxy's that says 502.
    fn fits(&self, target: &str, cookies: &HeaderMap) -> bool {
        let bytes = head_bytes(target, cookies);
        let room = room_bytes(&self.login.sessions.keeper.place);
        let fits = target.len() <= SHORT_TARGET || bytes <= room;
        if !fits {
            tracing::debug!(target: "kinde_login", bytes, room, "the way back is left out: the answer's head would be too large");
        }
        fits
    }

    /// Ends the session that this browser had before: signing in never keeps an id (requirement G2).
    async fn replace_session(&self, new: &SessionId) {
        let keeper = &self.login.sessions.keeper;
        let before = match keeper.find(self.request.headers()).await {
            Ok(Ok(before)) if before.session.id != *new => before.session,
            // A later version's: the browser has the new one from now on, and nobody the id of this.
            Ok(Err(Missing::Later)) => {
                if let Err(error) = keeper.end_unread(self.request.headers()).await {
                    tracing::warn!(target: "kinde_login", code = error.code(), "an earlier session could not be deleted");
                }
                return;
            }
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(target: "kinde_login", code = error.code(), "an earlier session could not be looked for");
                return;
            }
        };
        if let Err(error) = keeper.end(&before).await {
            tracing::warn!(target: "kinde_login", code = error.code(), "an earlier session could not be deleted");
        }
        // Nobody waits for it: signing in makes no more round trips than it has to.
        let keeper = Arc::clone(keeper);
        tokio::spawn(async move { keeper.revoke(keeper.take_newest_refresh_token(&before)).await });
    }

    /// Starts again, once, where that is the answer: Kinde wants to show a page after all, or a link was too old.
    fn retry(
        &self,
        error: &str,
        reauth_state: Option<&str>,
        flow: Option<&Flow>,
        cookies: &HeaderMap,
    ) -> Option<Result<Response<Bytes>, LoginError>> {
        // Kinde leaves the state out of some errors: then a second try that this browser has under way says enough.
        let is_second = match flow {
            Some(flow) => flow.is_retry,
            // And whoever does not look at the page has no link: an image in one starts nothing.
            None => {
                let headers = self.request.headers();
                navigation::manner(headers) != Manner::Navigation || self.flows().has_retry(headers)
            }
        };
        if is_second {
            return None;
        }
        let return_to = flow.and_then(|flow| self.way_back(flow));
        let wishes = match error {
            "login_required" if flow.is_some_and(|flow| flow.is_silent) => {
                let kept = || flow.into_iter().flat_map(Flow::wishes);
                Wishes::read(kept()).and_then(|mut wishes| {
                    wishes.ask_for_audiences(kept(), &self.login.application.audiences)?;
                    Ok(wishes)
                })
            }
            "login_link_expired" => {
                let mut wishes = reauth_state.map(Wishes::of_reauth_state).unwrap_or_default();
                // Without a flow anybody can have written it.
                if flow.is_none() {
                    self.keep_seen(&mut wishes);
                }
                Ok(wishes)
            }
            _ => return None,
        };
        let begun = wishes.and_then(|wishes| {
            self.begin(Intent::SignIn, &wishes, return_to.as_ref(), true, cookies.clone())
        });
        Some(Ok(begun.unwrap_or_else(|error| self.failure(&error, cookies.clone()))))
    }

    /// A second visit to an old address: somebody who is signed in goes home, everybody else is told.
    async fn stale(&self, error: LoginError) -> Result<Response<Bytes>, LoginError> {
        match self.login.sessions.keeper.find(self.request.headers()).await? {
            Ok(_) => Ok(response::return_to(&self.login.post_login)),
            Err(_) => Err(error),
        }
    }
}

/// Waits until the deadline, and then says what did not come.
async fn within<T>(
    deadline: Instant,
    future: impl Future<Output = Result<T, LoginError>>,
    late: impl FnOnce() -> LoginReason,
) -> Result<T, LoginError> {
    timeout_at(deadline, future).await.unwrap_or_else(|_| Err(late().into()))
}

fn head_bytes(target: &str, cookies: &HeaderMap) -> usize {
    cookies.get_all(SET_COOKIE).iter().map(http::HeaderValue::len).fold(target.len(), usize::saturating_add)
}

fn room_bytes(place: &Place) -> usize {
    match place {
        Place::Cookie { budget_bytes } => {
            let parts = budget_bytes.div_ceil(cookies::PART_BYTES);
            budget_bytes.saturating_add(parts.saturating_mul(ATTRIBUTES_BYTES)).max(ROOM_BYTES)
        }
        Place::Store(_) => ROOM_BYTES,
    }
}

/// For token endpoint, keys and store together: a browser is answered within ten seconds (requirement F11).
const ANSWERED_WITHIN: Duration = Duration::from_secs(9);
/// Leaves 300 bytes of the 4 KiB that nginx keeps for a head by default to all the other headers.
const ROOM_BYTES: usize = 3_750;
/// What a cookie has beside its value, and the other cookies of the answer.
const ATTRIBUTES_BYTES: usize = 250;
/// A session of the default budget has room for a way back of this length.
const SHORT_TARGET: usize = 64;
