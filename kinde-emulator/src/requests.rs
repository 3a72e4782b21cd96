//! The requests that arrived: how many for each path, and the last ones one by one.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::{environment::Environment, guarded::Guarded};

/// A request that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status of the answer; none while there is no answer, and for one that a fault cut off.
    pub status: Option<u16>,
}

/// What arrived.
impl Environment {
    /// Returns how many requests arrived for a path since the start or the last reset, whatever their answer.
    #[must_use]
    pub fn requests(&self, path: &str) -> usize {
        self.provider.requests.count(path)
    }

    /// Returns how many requests arrived for the key set under either of its paths.
    #[must_use]
    pub fn jwks_fetches(&self) -> usize {
        self.requests("/.well-known/jwks").saturating_add(self.requests("/.well-known/jwks.json"))
    }

    /// Returns the last requests, at most a thousand, in the order they arrived.
    #[must_use]
    pub fn recent_requests(&self) -> Vec<ReceivedRequest> {
        self.provider.requests.recent()
    }

    /// Fails the test unless exactly so many requests arrived for a path, and says what arrived instead.
    ///
    /// # Panics
    ///
    /// When it is another number.
    #[track_caller]
    #[expect(clippy::panic, reason = "an assertion of a test")]
    pub fn expect_requests(&self, path: &str, count: usize) {
        if let Err(surprise) = self.provider.requests.expect(path, count) {
            panic!("{surprise}");
        }
    }

    /// Counts from zero again.
    pub fn reset_requests(&self) {
        self.provider.requests.reset();
    }
}

/// Every request that arrived.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(Guarded<Requests>);

/// What the log knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    counts: BTreeMap<String, usize>,
    recent: VecDeque<ReceivedRequest>,
    /// How many requests came before the oldest recent one.
    forgotten: usize,
    /// How often the log was emptied or put back; an answer from before then belongs to no request here.
    life: usize,
}

/// A request in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    number: usize,
    life: usize,
}

impl RequestLog {
    /// Writes down a request that arrives.
    pub(crate) fn record(&self, method: &str, path: &str) -> Arrival {
        let mut log = self.0.lock();
        // A path that no route could have is not worth keeping whole.
        let path = path.get(..LONGEST_PATH).unwrap_or(path);
        // Anybody may ask for any path; so many are no test's.
        if log.counts.len() < PATH_LIMIT || log.counts.contains_key(path) {
            let count = log.counts.entry(path.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
        if log.recent.len() == RECENT_LIMIT {
            log.recent.pop_front();
            log.forgotten = log.forgotten.saturating_add(1);
        }
        let arrival = Arrival { number: log.forgotten.saturating_add(log.recent.len()), life: log.life };
        log.recent.push_back(ReceivedRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            status: None,
        });
        arrival
    }

    /// Writes down how a request was answered.
    pub(crate) fn answered(&self, arrival: Arrival, status: u16) {
        let mut log = self.0.lock();
        let place = arrival.number.checked_sub(log.forgotten).filter(|_| log.life == arrival.life);
        if let Some(request) = place.and_then(|place| log.recent.get_mut(place)) {
            request.status = Some(status);
        }
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.0.lock().counts.get(path).copied().unwrap_or_default()
    }

    pub(crate) fn recent(&self) -> Vec<ReceivedRequest> {
        self.0.lock().recent.iter().cloned().collect()
    }

    /// Says what arrived when it is not what was expected.
    pub(crate) fn expect(&self, path: &str, count: usize) -> Result<(), String> {
        let found = self.count(path);
        if found == count {
            return Ok(());
        }
        let listed: Vec<_> = self.recent().iter().map(described).collect();
        let listed = if listed.is_empty() { "nothing at all".to_owned() } else { listed.join(", ") };
        Err(format!("{count} requests for {path} were expected and {found} arrived; of late: {listed}"))
    }

    pub(crate) fn reset(&self) {
        self.restore(&Requests::default());
    }

    pub(crate) fn state(&self) -> Requests {
        self.0.lock().clone()
    }

    pub(crate) fn restore(&self, earlier: &Requests) {
        let mut log = self.0.lock();
        let life = log.life.saturating_add(1);
        *log = Requests { life, ..earlier.clone() };
    }
}

fn described(request: &ReceivedRequest) -> String {
    let status = request.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    format!("{} {} ({status})", request.method, request.path)
}

/// How many requests are kept one by one.
const RECENT_LIMIT: usize = 1_000;

const LONGEST_PATH: usize = 1_024;
/// How many paths are counted.
const PATH_LIMIT: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_counted_by_itself_until_reset() {
        let log = RequestLog::default();
        for path in ["/a", "/a", "/b"] {
            log.record("GET", path);
        }
        assert_eq!((log.count("/a"), log.count("/b"), log.count("/c")), (2, 1, 0));
        log.reset();
        assert_eq!(log.count("/a"), 0);
        assert!(log.recent().is_empty());
    }

    #[test]
    fn answer_is_written_to_its_own_request_and_to_none_after_a_reset() {
        let log = RequestLog::default();
        let first = log.record("GET", "/a");
        let second = log.record("POST", "/b");
        log.answered(second, 200);
        let statuses =
            |log: &RequestLog| log.recent().iter().map(|request| request.status).collect::<Vec<_>>();
        assert_eq!(statuses(&log), [None, Some(200)]);
        log.reset();
        log.record("GET", "/c");
        log.answered(first, 500);
        assert_eq!(statuses(&log), [None]);
    }

    #[test]
    fn log_keeps_the_last_thousand_requests_and_counts_on() {
        let log = RequestLog::default();
        let arrivals: Vec<_> = (0..=RECENT_LIMIT).map(|_| log.record("GET", "/a")).collect();
        assert_eq!((log.recent().len(), log.count("/a")), (RECENT_LIMIT, RECENT_LIMIT + 1));
        log.answered(arrivals[0], 500);
        log.answered(arrivals[RECENT_LIMIT], 200);
        assert_eq!(log.recent().iter().filter_map(|request| request.status).collect::<Vec<_>>(), [200]);
        assert_eq!(log.recent().last().unwrap().status, Some(200));
    }

    #[test]
    fn surprise_names_what_was_expected_and_what_arrived() {
        let log = RequestLog::default();
        assert!(log.expect("/a", 0).is_ok());
        assert!(log.expect("/a", 1).unwrap_err().ends_with("nothing at all"));
        let arrival = log.record("GET", "/b");
        log.answered(arrival, 404);
        let expected = "1 requests for /a were expected and 0 arrived; of late: GET /b (404)";
        assert_eq!(log.expect("/a", 1).unwrap_err(), expected);
    }
}
