//! Starts a flow: sign in, register, create an organization, switch to another one.

use bytes::Bytes;
use http::{HeaderMap, Response};

use super::Question;
use crate::{
    authorize::{Intent, Wishes},
    cookies,
    error::{LoginError, LoginReason},
    flow::{Flow, Flows},
    navigation, opened_at, response,
    return_to::ReturnTo,
};

impl Question<'_> {
    /// Sends the browser to Kinde, with a flow of its own.
    pub(super) fn start(&self, intent: Intent) -> Result<Response<Bytes>, LoginError> {
        let pairs: Vec<_> = self.parameters().collect();
        let pairs = || pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let mut wishes = Wishes::read(pairs())?;
        wishes.ask_for_audiences(pairs(), &self.login.application.audiences)?;
        if intent == Intent::SignIn {
            self.keep_seen(&mut wishes);
        }
        if intent == Intent::SwitchOrg && wishes.get("org_code").is_none() {
            return Err(LoginReason::ParameterInvalid {
                name: "org_code",
                expected: "the organization to switch to",
            }
            .into());
        }
        let return_to = match self.parameter(&["post_login_redirect_url"]) {
            Some(untrusted_target) => Some(self.target("post_login_redirect_url", &untrusted_target)?),
            None => None,
        };
        self.begin(intent, &wishes, return_to.as_ref(), false, HeaderMap::new())
    }

    /// Has Kinde show a page where a link of another origin would replace the session unseen.
    pub(super) fn keep_seen(&self, wishes: &mut Wishes) {
        if wishes.act_unseen() && self.comes_from_elsewhere() {
            wishes.ask_for_a_page();
        }
    }

    /// Tells whether another origin sent a browser here that has a session. Kinde may know it, too, and would answer at
    /// once: whatever the link asks for would replace the session unseen.
    pub(super) fn comes_from_elsewhere(&self) -> bool {
        let headers = self.request.headers();
        let cookies = &self.login.sessions.keeper.cookies;
        navigation::is_from_elsewhere(headers) && cookies::value(headers, cookies.session()).is_some()
    }

    /// Begins a flow. `cookies` are those that this answer sets already.
    pub(super) fn begin(
        &self,
        intent: Intent,
        wishes: &Wishes,
        return_to: Option<&ReturnTo>,
        is_retry: bool,
        mut cookies: HeaderMap,
    ) -> Result<Response<Bytes>, LoginError> {
        let keeper = &self.login.sessions.keeper;
        let round = self.count_start(intent, &mut cookies)?;
        let mut flow = Flow::start(keeper.randomness.as_ref(), keeper.now());
        opened_at::note(&mut flow.state, self.request, &self.login.site);
        flow.return_to = return_to.map(ReturnTo::to_string);
        flow.is_retry = is_retry;
        flow.round = round;
        let location = self.login.application.authorize(&keeper.client, intent, wishes, &mut flow);
        let flows = self.flows();
        flows.keep(&flow, self.request.headers(), &mut cookies, keeper.randomness.as_ref()).ok_or_else(
            || LoginReason::StoreUnavailable { problem: "the flow could not be sealed".to_owned() },
        )?;
        let mut response = response::see_other(&location);
        response.headers_mut().extend(cookies);
        Ok(response)
    }

    pub(super) fn flows(&self) -> Flows<'_> {
        let keeper = &self.login.sessions.keeper;
        Flows { cookies: &keeper.cookies, sealer: &keeper.sealer, now: keeper.now() }
    }

    /// Judges where the browser goes afterwards.
    pub(super) fn target(&self, name: &'static str, untrusted_target: &str) -> Result<ReturnTo, LoginError> {
        let expected = "a path of this site, or a URL of an origin that was allowed";
        let target = self.login.targets.parse(untrusted_target);
        target.ok_or_else(|| LoginReason::ParameterInvalid { name, expected }.into())
    }
}
