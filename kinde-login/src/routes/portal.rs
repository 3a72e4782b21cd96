//! The way to Kinde's self-serve portal.

use bytes::Bytes;
use http::Response;
use kinde_core::AuthRoute;

use super::{Question, me::Current};
use crate::{
    authorize::{Intent, Wishes},
    client::PortalPage,
    error::{LoginError, LoginErrorKind, LoginReason},
    links::Link,
    response,
    return_to::ReturnTo,
};

impl Question<'_> {
    /// Asks Kinde for a link, which works once, and follows it.
    pub(super) async fn portal(&self) -> Result<Response<Bytes>, LoginError> {
        let expected = "the name of a page: lower-case letters and underscores";
        let page = match self.parameter(&["sub_nav", "subnav", "subNav"]) {
            Some(name) => Some(
                PortalPage::named(&name)
                    .ok_or(LoginReason::ParameterInvalid { name: "sub_nav", expected })?,
            ),
            None => None,
        };
        let return_to = match self.parameter(&["return_url", "returnUrl"]) {
            Some(untrusted_target) => self.target("return_url", &untrusted_target)?,
            None => ReturnTo::home(),
        };
        let current = match self.current().await {
            Ok(current) => current,
            Err(absent) if absent.error.kind() == LoginErrorKind::SignedOut => {
                let mut link = Link::to_portal(self.login.path(AuthRoute::Portal)).to(return_to.as_str());
                if let Some(page) = &page {
                    link = link.with("sub_nav", page.name());
                }
                let back = self.login.targets.parse(&link.to_string());
                return self.begin(
                    Intent::SignIn,
                    &Wishes::default(),
                    back.as_ref(),
                    false,
                    http::HeaderMap::new(),
                );
            }
            Err(absent) => return Err(absent.error),
        };
        let link = match self.portal_link(&current, page.as_ref(), &return_to).await {
            Ok(link) => link,
            Err(error) => return Ok(self.failed(&current, &error)),
        };
        let mut answer = response::see_other(&link);
        self.tell(&current, answer.headers_mut());
        Ok(answer)
    }

    async fn portal_link(
        &self,
        current: &Current,
        page: Option<&PortalPage>,
        return_to: &ReturnTo,
    ) -> Result<String, LoginError> {
        let access_token = current.handle.access_token().await?;
        let return_url = self.login.absolute(return_to);
        self.login.sessions.keeper.client.portal_link(&access_token, page, &return_url).await
    }
}
