//! The link to Kinde's self-serve portal.

use std::borrow::Cow;

use bytes::Bytes;
use http::{Request, Response};
use kinde_core::Secret;
use serde::Deserialize;

use super::{OAuthClient, answer};
use crate::error::{LoginError, LoginReason};

/// A page of the self-serve portal. Kinde adds pages, so any name can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalPage(Cow<'static, str>);

impl PortalPage {
    /// The person's own profile.
    pub const PROFILE: Self = Self(Cow::Borrowed("profile"));
    /// The organization's name and details.
    pub const ORGANIZATION_DETAILS: Self = Self(Cow::Borrowed("organization_details"));
    /// The organization's members.
    pub const ORGANIZATION_MEMBERS: Self = Self(Cow::Borrowed("organization_members"));
    /// The plan that the person has.
    pub const PLAN_DETAILS: Self = Self(Cow::Borrowed("plan_details"));
    /// Payment details of the person.
    pub const PAYMENT_DETAILS: Self = Self(Cow::Borrowed("payment_details"));
    /// The plan that the organization has.
    pub const ORGANIZATION_PLAN_DETAILS: Self = Self(Cow::Borrowed("organization_plan_details"));

    /// Names any page: lower-case letters and underscores. `None` for anything else.
    pub fn named(name: &str) -> Option<Self> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let is_good = !name.is_empty() && name.len() <= 64 && name.bytes().all(is_name);
        is_good.then(|| Self(Cow::Owned(name.to_owned())))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl OAuthClient {
    /// Writes the request for a link to the portal; `return_url` is where its way back leads.
    pub fn portal_request(
        &self,
        access_token: &Secret,
        page: Option<&PortalPage>,
        return_url: &str,
    ) -> Request<Bytes> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(PortalPage(page)) = page {
            // The specification says `subnav`, the documentation `sub_nav`.
            query.append_pair("subnav", page).append_pair("sub_nav", page);
        }
        query.append_pair("return_url", return_url);
        let url = format!("{}/account_api/v1/portal_link?{}", self.endpoints().issuer(), query.finish());
        answer::with_bearer(&url, access_token)
    }

    /// Reads the link, which must lead to the issuer's own host: it is single use and goes into a redirect.
    ///
    /// # Errors
    ///
    /// [`Status`](LoginReason::Status) or [`AnswerMalformed`](LoginReason::AnswerMalformed).
    pub fn portal_answer(&self, answer: &Response<Bytes>) -> Result<String, LoginError> {
        let Link { url } = answer::json(WHAT, answer)?;
        let path = url.strip_prefix(self.endpoints().issuer().as_str());
        let is_ours = path.is_some_and(|path| path.starts_with('/'));
        if is_ours && url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            Ok(url)
        } else {
            Err(LoginReason::AnswerMalformed { what: WHAT, problem: "the link leads to another host" }.into())
        }
    }

    /// Asks for a link to the portal. It works once and not for long: redirect to it at once.
    ///
    /// # Errors
    ///
    /// As [`portal_answer`](Self::portal_answer), and [`Unreachable`](LoginReason::Unreachable).
    pub async fn portal_link(
        &self,
        access_token: &Secret,
        page: Option<&PortalPage>,
        return_url: &str,
    ) -> Result<String, LoginError> {
        self.portal_answer(&self.send(self.portal_request(access_token, page, return_url)).await?)
    }
}

#[derive(Deserialize)]
struct Link {
    url: String,
}

const WHAT: &str = "portal request";
