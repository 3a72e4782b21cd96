//! Stops a browser that is sent to sign in over and over, and says why.
//!
//! The count is in a cookie of its own that lasts a minute. It protects nobody but the browser itself, so that it is not
//! sealed. A browser follows about 20 redirects (Safari 16), and a round of gate, login, Kinde and callback has four.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::SET_COOKIE};

use super::Question;
use crate::{
    authorize::Intent,
    cookies,
    error::{LoginError, LoginReason},
    flow::Flow,
};

/// What a browser did since the first start of the last minute, as `STARTS.FIRST.ROUNDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    starts: u32,
    /// When the first start was.
    first: u64,
    /// Sign-ins that finished, each begun after the one before it had. Tabs that wait side by side are one round.
    rounds: u32,
}

impl Count {
    /// Reads what the browser sent; what is old or none of ours begins anew.
    fn read(text: Option<&str>, now: u64) -> Self {
        Self::recent(text, now).unwrap_or(Self { starts: 0, first: now, rounds: 0 })
    }

    fn recent(text: Option<&str>, now: u64) -> Option<Self> {
        let mut parts = text?.split('.');
        let starts = parts.next()?.parse().ok()?;
        let first: u64 = parts.next()?.parse().ok()?;
        let rounds = parts.next().unwrap_or("0").parse().ok()?;
        let is_recent = first <= now && now.saturating_sub(first) < WITHIN.as_secs();
        is_recent.then_some(Self { starts, first, rounds })
    }

    /// Counts a start. `judges_rounds` is false for what somebody chooses to do several times: switch the organization.
    fn start(mut self, judges_rounds: bool) -> Result<Self, LoginError> {
        self.starts = self.starts.saturating_add(1);
        if self.starts > MOST_STARTS || (judges_rounds && self.rounds >= MOST_ROUNDS) {
            return Err(LoginReason::TooManyStarts { starts: self.starts, finished: self.rounds }.into());
        }
        Ok(self)
    }

    /// Counts the end of a sign-in that began in a round; `None` when it was begun before another one had finished.
    fn finish(mut self, began_in: Option<u32>) -> Option<Self> {
        (began_in == Some(self.rounds)).then(|| {
            self.rounds = self.rounds.saturating_add(1);
            self
        })
    }

    fn write(self) -> String {
        format!("{}.{}.{}", self.starts, self.first, self.rounds)
    }
}

impl Question<'_> {
    /// Counts a start, and tells the round it belongs to.
    pub(super) fn count_start(
        &self,
        intent: Intent,
        cookies: &mut HeaderMap,
    ) -> Result<Option<u32>, LoginError> {
        let judges_rounds = matches!(intent, Intent::SignIn | Intent::Register);
        let count = self.count().start(judges_rounds)?;
        cookies.append(SET_COOKIE, self.counted(count));
        Ok(judges_rounds.then_some(count.rounds))
    }

    /// Counts a sign-in that began a session. Only signing out forgets it: a session that is refused at once is what
    /// makes a browser come back.
    pub(super) fn count_finish(&self, flow: &Flow, cookies: &mut HeaderMap) {
        if let Some(count) = self.count().finish(flow.round) {
            cookies.append(SET_COOKIE, self.counted(count));
        }
    }

    fn count(&self) -> Count {
        let keeper = &self.login.sessions.keeper;
        let known = cookies::value(self.request.headers(), keeper.cookies.breaker());
        Count::read(known, keeper.now().as_secs())
    }

    fn counted(&self, count: Count) -> HeaderValue {
        let cookies = &self.login.sessions.keeper.cookies;
        cookies.set(cookies.breaker(), &count.write(), Some(WITHIN))
    }
}

/// Somebody who opens many tabs stays below.
const MOST_STARTS: u32 = 20;
/// The fourth round is not begun: its start is the 14th redirect of a loop, which every browser still follows.
const MOST_ROUNDS: u32 = 3;
const WITHIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000;

    #[test]
    fn fourth_round_is_not_begun() {
        let mut count = Count::read(None, NOW);
        for round in 0..3 {
            count = count.start(true).unwrap().finish(Some(round)).unwrap();
        }
        let error = count.start(true).unwrap_err();
        assert_eq!(error.code(), "too_many_starts");
        assert!(error.to_string().contains("4 times within a minute, and finished 3 times"), "{error}");
        assert!(count.start(false).is_ok(), "who switches the organization chooses it each time");
    }

    #[test]
    fn tabs_side_by_side_are_one_round_whatever_their_order() {
        let mut count = Count::read(None, NOW);
        for _ in 0..6 {
            count = count.start(true).unwrap();
        }
        count = count.finish(Some(0)).unwrap();
        for _ in 1..6 {
            assert_eq!(count.finish(Some(0)), None);
        }
        assert!(count.start(true).is_ok());
        assert_eq!(count.finish(None), None, "an earlier version began it, or it switched the organization");
    }

    /// Two tabs that loop and always overtake each other still come to an end.
    #[test]
    fn loops_that_alternate_are_counted() {
        let mut count = Count::read(None, NOW);
        let mut tabs = [0, 0];
        let ended = (0..20).position(|turn| {
            count = count.finish(Some(tabs[turn % 2])).unwrap_or(count);
            match count.start(true) {
                Ok(next) => {
                    count = next;
                    tabs[turn % 2] = next.rounds;
                    false
                }
                Err(_) => true,
            }
        });
        assert!(ended.is_some_and(|turns| turns < 8), "{ended:?}");
    }

    #[test]
    fn count_is_of_one_minute_and_of_any_version() {
        let count = Count { starts: 20, first: NOW, rounds: 3 };
        assert_eq!(Count::read(Some(&count.write()), NOW + 59), count);
        let anew = |now| Count { starts: 0, first: now, rounds: 0 };
        assert_eq!(Count::read(Some(&count.write()), NOW + 60), anew(NOW + 60));
        assert_eq!(Count::read(Some("20.1790000000"), NOW), Count { rounds: 0, ..count });
        for odd in ["", "-1.1", "1.99999999999999999999", "a.b.c", "1", "1.1790000001.0", "1.1790000000.x"] {
            assert_eq!(Count::read(Some(odd), NOW), anew(NOW), "{odd}");
        }
        let anew = anew(NOW);
        assert!((0..20).try_fold(anew, |count, _| count.start(true)).is_ok());
        assert!((0..21).try_fold(anew, |count, _| count.start(false)).is_err());
    }
}
