//! One sign-in under way: what the browser keeps, sealed, between the start and Kinde's answer.

use std::{fmt, time::Duration};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header::SET_COOKIE};
use kinde_core::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    client,
    cookies::{self, Cookies},
    random::{self, Randomness},
    seal::{Purpose, Sealer},
};

/// What has to be known when Kinde answers. Each flow has a cookie of its own, so that tabs do not disturb each other.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Flow {
    #[serde(rename = "s", with = "wiped")]
    pub(crate) state: Zeroizing<String>,
    #[serde(rename = "n", with = "wiped")]
    pub(crate) nonce: Zeroizing<String>,
    #[serde(rename = "v", with = "wiped")]
    verifier: Zeroizing<String>,
    /// A target that was judged when it was asked for.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) return_to: Option<String>,
    /// The organization that was asked for.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) org_code: Option<String>,
    /// Whether Kinde was asked not to show a page (`prompt=none`).
    #[serde(rename = "q", default, skip_serializing_if = "is_false")]
    pub(crate) is_silent: bool,
    /// What a link asked for beside that, for the second try of a silent flow.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) wishes: Vec<(String, String)>,
    /// Whether this flow is itself a second try.
    #[serde(rename = "a", default, skip_serializing_if = "is_false")]
    pub(crate) is_retry: bool,
    /// Which round of signing in this is, for browsers that are sent to sign in over and over.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) round: Option<u32>,
    #[serde(rename = "t")]
    started_at: u64,
}

impl Flow {
    pub(crate) fn start(randomness: &dyn Randomness, now: Duration) -> Self {
        // RFC 9700 §4.7 and RFC 7636 §4.1: each is 256 random bits, and none is derived from another.
        let [state, nonce, verifier] = [(); 3].map(|()| random::token(randomness, 32));
        Self {
            state,
            nonce,
            verifier,
            return_to: None,
            org_code: None,
            is_silent: false,
            wishes: Vec::new(),
            is_retry: false,
            round: None,
            started_at: now.as_secs(),
        }
    }

    /// Gives the code verifier, for the token endpoint alone.
    pub(crate) fn code_verifier(&self) -> Secret {
        Secret::new(self.verifier.as_str())
    }

    /// Gives the code challenge that the authorization request holds.
    pub(crate) fn code_challenge(&self) -> String {
        client::code_challenge(&self.verifier)
    }

    /// Gives what a second try asks for, the organization among it.
    pub(crate) fn wishes(&self) -> impl Iterator<Item = (&str, &str)> {
        let org_code = self.org_code.as_deref().map(|code| ("org_code", code));
        org_code.into_iter().chain(self.wishes.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    fn is_over(&self, now: Duration) -> bool {
        now.as_secs() >= self.started_at.saturating_add(LIFETIME.as_secs())
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Flow").field("return_to", &self.return_to).finish_non_exhaustive()
    }
}

/// The flows that a browser has under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flows<'a> {
    pub(crate) cookies: &'a Cookies,
    pub(crate) sealer: &'a Sealer,
    pub(crate) now: Duration,
}

impl Flows<'_> {
    /// Sets the cookie of a new flow, and removes the oldest when the browser has many, or some with long ways back.
    ///
    /// `None` when it cannot be sealed, which does not happen with keys that were accepted.
    pub(crate) fn keep(
        &self,
        flow: &Flow,
        request: &HeaderMap,
        response: &mut HeaderMap,
        randomness: &dyn Randomness,
    ) -> Option<()> {
        let id = id_of(&flow.state);
        let plain = Zeroizing::new(serde_json::to_vec(flow).ok()?);
        let sealed = self.sealer.seal(Purpose::Flow, id.as_bytes(), &plain, randomness)?;
        let others = self.cookies.flows(request, MOST_READ);
        for oldest in self.too_many(others, MOST_KEPT - 1, self.sent_bytes(&id, &sealed)) {
            response.append(SET_COOKIE, self.cookies.remove(&self.cookies.flow(oldest)));
        }
        response.append(SET_COOKIE, self.cookies.set(&self.cookies.flow(&id), &sealed, Some(LIFETIME)));
        Some(())
    }

    /// Gives the oldest of a browser's flows, without which at most `most` are left, and no more bytes than there is
    /// room for beside `taken` ones.
    fn too_many<'f>(
        &self,
        flows: impl Iterator<Item = (&'f str, &'f str)>,
        most: usize,
        taken: usize,
    ) -> impl Iterator<Item = &'f str> {
        let mut known: Vec<_> = flows
            .map(|(id, sealed)| (self.started_at(id, sealed), id, self.sent_bytes(id, sealed)))
            .collect();
        // Those that cannot be opened count as the oldest.
        known.sort_unstable();
        let mut count = known.len();
        let mut bytes = known.iter().fold(taken, |sum, (_, _, bytes)| sum.saturating_add(*bytes));
        known.into_iter().map_while(move |(_, oldest, freed)| {
            let is_too_much = count > most || bytes > MOST_BYTES;
            count = count.saturating_sub(1);
            bytes = bytes.saturating_sub(freed);
            is_too_much.then_some(oldest)
        })
    }

    /// What a flow adds to each request of the browser: `NAME=VALUE; `.
    fn sent_bytes(&self, id: &str, sealed: &str) -> usize {
        self.cookies.flow(id).len().saturating_add(sealed.len()).saturating_add("=; ".len())
    }

    /// Takes the flow that a response's state belongs to, and removes its cookie: a state works once in a browser.
    pub(crate) fn take(
        &self,
        untrusted_state: &str,
        request: &HeaderMap,
        response: &mut HeaderMap,
    ) -> Option<Flow> {
        let id = id_of(untrusted_state);
        let name = self.cookies.flow(&id);
        let sealed = cookies::value(request, &name)?;
        response.append(SET_COOKIE, self.cookies.remove(&name));
        let flow = self.open(&id, sealed)?;
        let is_ours = Secret::new(flow.state.as_str()) == Secret::new(untrusted_state);
        (is_ours && !flow.is_over(self.now)).then_some(flow)
    }

    /// Removes the oldest of the other flows that leave no room for a session in the browser's requests, as far as the
    /// answer has room for that: `room` bytes.
    ///
    /// Tabs that a browser restores at once know nothing of each other when they start; when the first of them is
    /// finished, all their flows are seen for the first time.
    pub(crate) fn make_room(
        &self,
        finished: &Flow,
        request: &HeaderMap,
        response: &mut HeaderMap,
        room: usize,
    ) {
        let id = id_of(&finished.state);
        let others = self.cookies.flows(request, MOST_READ).filter(|(other, _)| *other != id);
        let mut room = room;
        for oldest in self.too_many(others, MOST_READ, 0) {
            let removal = self.cookies.remove(&self.cookies.flow(oldest));
            let Some(left) = room.checked_sub(removal.len() + "set-cookie: \r\n".len()) else { return };
            room = left;
            response.append(SET_COOKIE, removal);
        }
    }

    /// Tells whether one of the browser's flows is a second try.
    pub(crate) fn has_retry(&self, request: &HeaderMap) -> bool {
        let mut flows = self.cookies.flows(request, MOST_READ);
        flows.any(|(id, sealed)| {
            self.open(id, sealed).is_some_and(|flow| flow.is_retry && !flow.is_over(self.now))
        })
    }

    fn started_at(&self, id: &str, sealed: &str) -> Option<u64> {
        self.open(id, sealed).filter(|flow| !flow.is_over(self.now)).map(|flow| flow.started_at)
    }

    fn open(&self, id: &str, sealed: &str) -> Option<Flow> {
        let plain = self.sealer.open(Purpose::Flow, id.as_bytes(), sealed)?;
        serde_json::from_slice(&plain).ok()
    }
}

/// Names a flow's cookie. A digest, because the cookie's name is not sealed.
fn id_of(state: &str) -> String {
    let digest = digest::digest(&digest::SHA256, state.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..9).unwrap_or_default())
}

/// Writes and reads text that is wiped when it is dropped. What is written is sealed at once.
mod wiped {
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(
        text: &Zeroizing<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(deserializer).map(Zeroizing::new)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// As long as Kinde's codes may live.
const LIFETIME: Duration = Duration::from_secs(600);
/// Sign-ins that may be under way at once; each cookie has about 400 bytes and the page to come back to.
const MOST_KEPT: usize = 6;
/// A browser sends all cookies in one line, and nginx takes 8,192 bytes of one by default. This leaves 3,540 to a session
/// of the default budget, and 1,000 to what else the site keeps. There is room for six flows with ways back of 200
/// bytes, three of 600, or two of the longest.
const MOST_BYTES: usize = 3_600;
/// More cookies than these of one request are not even opened.
const MOST_READ: usize = 32;

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::COOKIE};

    use super::*;
    use crate::random::SystemRandomness;

    const NOW: Duration = Duration::from_secs(1_790_000_000);

    struct Browser {
        cookies: Cookies,
        sealer: Sealer,
        jar: Vec<(String, String)>,
    }

    impl Browser {
        fn new() -> Self {
            let sealer = Sealer::new(&[Secret::new("0123456789abcdef0123456789abcdef")]).unwrap();
            Self { cookies: Cookies::of_site("https://app.example.com"), sealer, jar: Vec::new() }
        }

        fn request(&self) -> HeaderMap {
            let pairs: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(pairs.join("; ")).unwrap())])
        }

        fn answer(&mut self, response: &HeaderMap) {
            for cookie in response.get_all(SET_COOKIE) {
                let cookie = cookie.to_str().unwrap();
                let (name, rest) = cookie.split_once('=').unwrap();
                self.jar.retain(|(known, _)| known != name);
                if !cookie.contains("Max-Age=0") {
                    self.jar.push((name.to_owned(), rest.split(';').next().unwrap().to_owned()));
                }
            }
        }

        fn start(&mut self, now: Duration) -> Flow {
            self.start_from(None, now)
        }

        fn start_from(&mut self, return_to: Option<&str>, now: Duration) -> Flow {
            let mut flow = Flow::start(&SystemRandomness, now);
            flow.return_to = return_to.map(str::to_owned);
            let mut response = HeaderMap::new();
            let flows = Flows { cookies: &self.cookies, sealer: &self.sealer, now };
            flows.keep(&flow, &self.request(), &mut response, &SystemRandomness).unwrap();
            self.answer(&response);
            flow
        }

        fn take(&mut self, state: &str, now: Duration) -> Option<Flow> {
            let mut response = HeaderMap::new();
            let flows = Flows { cookies: &self.cookies, sealer: &self.sealer, now };
            let flow = flows.take(state, &self.request(), &mut response);
            self.answer(&response);
            flow
        }
    }

    /// covers: F2 F3 F5
    #[test]
    fn tabs_finish_in_any_order_and_each_state_works_once() {
        let mut browser = Browser::new();
        let flows: Vec<_> = (0..6).map(|second| browser.start(NOW + Duration::from_secs(second))).collect();
        for flow in flows.iter().rev() {
            assert_eq!(browser.take(&flow.state, NOW).unwrap().nonce, flow.nonce);
            assert!(browser.take(&flow.state, NOW).is_none(), "a second time");
        }
        assert!(Browser::new().take(&flows[0].state, NOW).is_none(), "another browser");
        assert!(browser.jar.is_empty());
    }

    /// covers: F3
    #[test]
    fn sealed_flow_is_none_under_another_name_and_none_with_another_state() {
        let mut browser = Browser::new();
        let [first, second] = [(); 2].map(|()| browser.start(NOW));
        let flows = Flows { cookies: &browser.cookies, sealer: &browser.sealer, now: NOW };
        let (first_id, second_id) = (id_of(&first.state), id_of(&second.state));
        let sealed = &browser.jar[0].1;
        assert!(flows.open(&first_id, sealed).is_some());
        assert!(flows.open(&second_id, sealed).is_none(), "it is bound to its name");
        // As if two states had one name.
        let plain = serde_json::to_vec(&first).unwrap();
        let sealer = &browser.sealer;
        let forged = sealer.seal(Purpose::Flow, second_id.as_bytes(), &plain, &SystemRandomness).unwrap();
        browser.jar[1].1 = forged;
        assert!(browser.take(&second.state, NOW).is_none(), "it is compared with its state");
    }

    /// covers: F5
    #[test]
    fn seventh_sign_in_under_way_removes_the_oldest() {
        let mut browser = Browser::new();
        let flows: Vec<_> = (0..7).map(|second| browser.start(NOW + Duration::from_secs(second))).collect();
        assert_eq!(browser.jar.len(), 6);
        assert!(browser.jar.iter().all(|(name, value)| name.len() + value.len() < 600));
        assert!(browser.take(&flows[0].state, NOW).is_none());
        assert!(browser.take(&flows[1].state, NOW).is_some());
    }

    /// covers: F5
    #[test]
    fn long_ways_back_leave_room_for_a_session_and_the_newest_is_always_kept() {
        // A quote is written as two letters in JSON, so that this is the longest that can be asked for.
        let longest = format!("/{}", "\"".repeat(1_023));
        for (name, return_to, kept) in [
            ("none", None, 6),
            ("200 bytes", Some("/a".repeat(100)), 6),
            ("600 bytes", Some("/a".repeat(300)), 3),
            ("1,024 bytes", Some("/a".repeat(512)), 2),
            ("1,024 quotes", Some(longest), 1),
        ] {
            let mut browser = Browser::new();
            let started: Vec<_> = (0..8)
                .map(|second| browser.start_from(return_to.as_deref(), NOW + Duration::from_secs(second)))
                .collect();
            let line = browser.request()[COOKIE].len();
            let session = "__Host-kinde_session_0a1b2c=; ".len() + 3_500;
            let others = "__Host-kinde_starts_0a1b2c=20.1790000000.3; ".len() + 900;
            assert!("cookie: \r\n".len() + line + session + others <= 8_192, "{name}: {line}");
            assert_eq!(browser.jar.len(), kept, "{name}: {line}");
            for (place, flow) in started.iter().enumerate().rev() {
                assert_eq!(browser.take(&flow.state, NOW).is_some(), place >= 8 - kept, "{name}: {place}");
            }
        }
    }

    /// covers: F5
    #[test]
    fn tabs_that_start_at_once_leave_room_for_a_session_as_they_finish() {
        // How many tabs, the session that the first to finish begins, and the room beside it in each answer.
        for (tabs, session, room) in [(20, 2_000, 1_500), (12, 3_500, 0)] {
            let mut browser = Browser::new();
            let started: Vec<_> = (0..tabs)
                .map(|_| {
                    let mut tab = Browser::new();
                    let flow = tab.start_from(Some("/projects/42"), NOW);
                    browser.jar.append(&mut tab.jar);
                    flow
                })
                .collect();
            assert!(browser.request()[COOKIE].len() + 900 <= 8_192, "nobody is signed in yet");
            let mut finished = 0;
            for flow in &started {
                let request = browser.request();
                let Some(taken) = browser.take(&flow.state, NOW) else { continue };
                finished += 1;
                let mut response = HeaderMap::new();
                let flows = Flows { cookies: &browser.cookies, sealer: &browser.sealer, now: NOW };
                flows.make_room(&taken, &request, &mut response, room);
                let written: usize =
                    response.get_all(SET_COOKIE).iter().map(|cookie| cookie.len() + 14).sum();
                assert!(written <= room, "{written}");
                browser.answer(&response);
                let line = browser.request().get(COOKIE).map_or(0, HeaderValue::len);
                assert!(line + session <= 8_192, "{tabs} tabs, {finished}: {line}");
            }
            assert!(finished >= 8, "{tabs} tabs: {finished}");
        }
    }

    /// covers: F5
    #[test]
    fn cookie_of_a_silent_flow_stays_below_what_browsers_keep() {
        let browser = Browser::new();
        let mut flow = Flow::start(&SystemRandomness, NOW);
        flow.return_to = Some(format!("/{}", "\"".repeat(1_023)));
        flow.org_code = Some("o".repeat(128));
        flow.wishes = vec![("login_hint".to_owned(), "\"".repeat(183))];
        (flow.is_silent, flow.is_retry, flow.round) = (true, true, Some(3));
        assert_eq!(
            serde_json::to_string(&flow.wishes).unwrap().len(),
            385,
            "as much as is kept, and its brackets"
        );
        let mut response = HeaderMap::new();
        let flows = Flows { cookies: &browser.cookies, sealer: &browser.sealer, now: NOW };
        flows.keep(&flow, &HeaderMap::new(), &mut response, &SystemRandomness).unwrap();
        assert!(response[SET_COOKIE].len() < 4_096, "{}", response[SET_COOKIE].len());
    }

    /// covers: F2
    #[test]
    fn flow_ends_after_ten_minutes() {
        let mut browser = Browser::new();
        let [first, second] = [(); 2].map(|()| browser.start(NOW));
        assert!(browser.take(&first.state, NOW + Duration::from_secs(599)).is_some());
        assert!(browser.take(&second.state, NOW + Duration::from_secs(600)).is_none());
    }

    #[test]
    fn second_try_is_seen_while_its_flow_lasts() {
        let mut browser = Browser::new();
        browser.start(NOW);
        let has_retry = |browser: &Browser, seconds| {
            let now = NOW + Duration::from_secs(seconds);
            Flows { cookies: &browser.cookies, sealer: &browser.sealer, now }.has_retry(&browser.request())
        };
        assert!(!has_retry(&browser, 0), "a first try alone");
        let mut flow = Flow::start(&SystemRandomness, NOW);
        flow.is_retry = true;
        let mut response = HeaderMap::new();
        let flows = Flows { cookies: &browser.cookies, sealer: &browser.sealer, now: NOW };
        flows.keep(&flow, &browser.request(), &mut response, &SystemRandomness).unwrap();
        browser.answer(&response);
        assert!(has_retry(&browser, 599) && !has_retry(&browser, 600));
        browser.take(&flow.state, NOW);
        assert!(!has_retry(&browser, 0), "finished");
    }

    /// covers: F2
    #[test]
    fn state_nonce_and_verifier_are_different_and_long() {
        let flow = Flow::start(&SystemRandomness, NOW);
        assert!(flow.state != flow.nonce && flow.nonce != flow.verifier && flow.state.len() == 43);
        assert_ne!(flow.code_challenge(), *flow.verifier);
    }

    /// covers: I1
    #[test]
    fn state_nonce_and_verifier_are_wiped_and_not_shown() {
        fn wiped(_: &impl zeroize::ZeroizeOnDrop) {}
        let flow = Flow::start(&SystemRandomness, NOW);
        let read: Flow = serde_json::from_slice(&serde_json::to_vec(&flow).unwrap()).unwrap();
        for flow in [&flow, &read] {
            let all = [&flow.state, &flow.nonce, &flow.verifier];
            all.into_iter().for_each(wiped);
            let shown = format!("{flow:?}");
            assert!(all.into_iter().all(|text| !shown.contains(text.as_str())), "{shown}");
        }
        assert_eq!((read.state, read.nonce, read.verifier), (flow.state, flow.nonce, flow.verifier));
    }
}
