//! Ends a session: here, and at Kinde.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header::SET_COOKIE};
use serde_json::json;

use super::Question;
use crate::{error::LoginError, response, session::Missing};

impl Question<'_> {
    /// Ends the session and sends the browser to Kinde, where the single sign-on session ends.
    pub(super) async fn logout(&self) -> Result<Response<Bytes>, LoginError> {
        self.is_asked_here()?;
        let target = match self.parameter(&["post_logout_redirect_url"]) {
            Some(untrusted_target) => {
                let target = self.target("post_logout_redirect_url", &untrusted_target)?;
                self.login.absolute(&target)
            }
            None => self.login.post_logout.clone(),
        };
        let cookies = self.sign_off().await?;
        let mut response = response::see_other(&self.login.sessions.keeper.client.logout_url(&target));
        response.headers_mut().extend(cookies);
        Ok(response)
    }

    /// Ends the session here and its tokens at Kinde, without leaving the page.
    pub(super) async fn end_session(&self) -> Result<Response<Bytes>, LoginError> {
        self.is_asked_here()?;
        let cookies = self.sign_off().await?;
        let mut response = response::json(StatusCode::OK, &json!({ "success": true }));
        response.headers_mut().extend(cookies);
        Ok(response)
    }

    /// Ends the session, revokes its refresh token, and removes every cookie that sign-in set in this browser.
    async fn sign_off(&self) -> Result<HeaderMap, LoginError> {
        let keeper = &self.login.sessions.keeper;
        let request = self.request.headers();
        let mut cookies = HeaderMap::new();
        match keeper.find(request).await? {
            Ok(loaded) => {
                let ended = keeper.end(&loaded.session).await;
                // Also when the store could not be told: then nothing more can be had for it at least.
                keeper.revoke_soon(keeper.take_newest_refresh_token(&loaded.session)).await;
                ended?;
            }
            // A later version's among them: who signs out means it, whoever can read the session.
            Err(Missing::Later | Missing::Unusable) => keeper.end_unread(request).await?,
            Err(Missing::NoCookie) => {}
        }
        keeper.cookies.remove_session(request, &mut cookies);
        for (id, _) in keeper.cookies.flows(request, usize::MAX) {
            cookies.append(SET_COOKIE, keeper.cookies.remove(&keeper.cookies.flow(id)));
        }
        if crate::cookies::value(request, keeper.cookies.breaker()).is_some() {
            cookies.append(SET_COOKIE, keeper.cookies.remove(keeper.cookies.breaker()));
        }
        Ok(cookies)
    }
}
