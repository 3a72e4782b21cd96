//! What can be made to go wrong with an endpoint.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use crate::{environment::Environment, guarded::Guarded, random::split_mix};

/// Something that goes wrong when an endpoint is asked.
///
/// Set with [`Environment::fault`](crate::Environment::fault). A fault stays until
/// [`clear_faults`](crate::Environment::clear_faults), unless [`times`](Fault::times) limits it.
///
/// ```
/// use kinde_emulator::Fault;
///
/// let twice_unavailable = Fault::Status(503).times(2);
/// let now_and_then = Fault::Reset.with_probability(10, 7);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Answers with this status and a short HTML body, as a gateway does.
    Status(u16),
    /// Answers as usual, this much later.
    Delay(Duration),
    /// Reads the request and never answers; the connection stays open.
    Hang,
    /// Answers with this status, media type and body.
    Body {
        /// The status code.
        status: u16,
        /// The `Content-Type`.
        content_type: String,
        /// The body, sent with its true length.
        bytes: Vec<u8>,
    },
    /// Answers 200 with a JSON body that never ends.
    EndlessBody,
    /// Announces a longer body than it sends, then closes the connection.
    TruncatedBody,
    /// Closes the connection with a TCP reset before any byte of an answer.
    Reset,
    /// Answers 302 to this URL.
    Redirect(String),
    /// Answers as usual with these headers added or replaced, as `(name, value)`.
    Headers(Vec<(String, String)>),
    /// Answers 429 with this `RateLimit-Reset`, in seconds, as Kinde's APIs do when asked too often.
    RateLimit(u64),
    /// The inner fault, this many times; made by [`times`](Fault::times).
    Times(Box<Fault>, usize),
    /// The inner fault, so many times of a hundred; made by [`with_probability`](Fault::with_probability).
    Sometimes {
        /// What happens.
        fault: Box<Fault>,
        /// How often, of a hundred times.
        percent: u8,
        /// Decides which times.
        seed: u64,
    },
}

impl Fault {
    /// Limits a fault to the next `count` requests that it happens to; with zero it never happens.
    #[must_use]
    pub fn times(self, count: usize) -> Self {
        Self::Times(Box::new(self), count)
    }

    /// Lets a fault happen `percent` times of a hundred, the same ones for the same seed.
    ///
    /// With zero it never happens, with 100 or more always.
    #[must_use]
    pub fn with_probability(self, percent: u8, seed: u64) -> Self {
        Self::Sometimes { fault: Box::new(self), percent, seed }
    }

    /// Answers with `status` and this JSON text.
    #[must_use]
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Body { status, content_type: "application/json".to_owned(), bytes: body.into().into_bytes() }
    }

    /// Decides what happens to one request.
    fn strike(&mut self) -> Strike {
        match self {
            Self::Times(_, 0) => Strike::RunOut,
            Self::Times(fault, left) => {
                let strike = fault.strike();
                if let Strike::Hit(_) = strike {
                    *left = left.saturating_sub(1);
                }
                strike
            }
            Self::Sometimes { fault, percent, seed } => {
                if split_mix(seed) % 100 < u64::from(*percent) {
                    fault.strike()
                } else {
                    Strike::Missed
                }
            }
            fault => Strike::Hit(fault.clone()),
        }
    }
}

/// What a fault does to one request.
enum Strike {
    Hit(Fault),
    Missed,
    RunOut,
}

/// What goes wrong.
impl Environment {
    /// Makes something go wrong with a path until [`clear_faults`](Self::clear_faults).
    ///
    /// Of several faults for a path the newest that has not run out happens.
    pub fn fault(&self, path: &str, fault: Fault) {
        self.provider.faults.add(path, fault);
    }

    /// Ends every fault.
    pub fn clear_faults(&self) {
        self.provider.faults.clear();
    }
}

/// The faults in force, by path.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    by_path: Guarded<FaultsInForce>,
}

/// What a snapshot keeps.
pub(crate) type FaultsInForce = BTreeMap<String, Vec<Fault>>;

impl Faults {
    pub(crate) fn add(&self, path: &str, fault: Fault) {
        self.by_path.lock().entry(path.to_owned()).or_default().push(fault);
    }

    pub(crate) fn clear(&self) {
        self.by_path.lock().clear();
    }

    pub(crate) fn state(&self) -> FaultsInForce {
        self.by_path.lock().clone()
    }

    pub(crate) fn restore(&self, earlier: &FaultsInForce) {
        self.by_path.lock().clone_from(earlier);
    }

    /// Takes the fault that the next request to `path` meets: the newest one that has not run out and does not miss.
    pub(crate) fn take(&self, path: &str) -> Option<Fault> {
        let mut by_path = self.by_path.lock();
        let faults = by_path.get_mut(path)?;
        let mut place = faults.len();
        while let Some(newest) = place.checked_sub(1).and_then(|newest| faults.get_mut(newest)) {
            place = place.saturating_sub(1);
            match newest.strike() {
                Strike::RunOut => drop(faults.remove(place)),
                Strike::Missed => {}
                Strike::Hit(fault) => return Some(fault),
            }
        }
        None
    }
}

/// A fault as the control API and the header `X-Emulator-Fault` write it: a name, or a name and what belongs to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WrittenFault {
    Status(u16),
    DelayMilliseconds(u64),
    Hang,
    Body(WrittenBody),
    Json(WrittenJson),
    EndlessBody,
    TruncatedBody,
    Reset,
    Redirect(String),
    Headers(BTreeMap<String, String>),
    RateLimitSeconds(u64),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenBody {
    status: u16,
    content_type: String,
    text: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenJson {
    status: u16,
    value: Value,
}

impl WrittenFault {
    /// Reads a header: JSON, or a bare name such as `reset`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.trim().to_owned()));
        Self::deserialize(value).map_err(|error| error.to_string())
    }

    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::Status(status) => Fault::Status(status),
            Self::DelayMilliseconds(milliseconds) => Fault::Delay(Duration::from_millis(milliseconds)),
            Self::Hang => Fault::Hang,
            Self::Body(WrittenBody { status, content_type, text }) => {
                Fault::Body { status, content_type, bytes: text.into_bytes() }
            }
            Self::Json(WrittenJson { status, value }) => Fault::json(status, value.to_string()),
            Self::EndlessBody => Fault::EndlessBody,
            Self::TruncatedBody => Fault::TruncatedBody,
            Self::Reset => Fault::Reset,
            Self::Redirect(url) => Fault::Redirect(url),
            Self::Headers(headers) => Fault::Headers(headers.into_iter().collect()),
            Self::RateLimitSeconds(seconds) => Fault::RateLimit(seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limited_fault_runs_out_and_uncovers_the_lasting_one() {
        let faults = Faults::default();
        faults.add("/a", Fault::Hang);
        faults.add("/a", Fault::Status(500).times(2));
        assert_eq!(faults.take("/a"), Some(Fault::Status(500)));
        assert_eq!(faults.take("/a"), Some(Fault::Status(500)));
        assert_eq!(faults.take("/a"), Some(Fault::Hang));
        assert_eq!(faults.take("/a"), Some(Fault::Hang));
        assert_eq!(faults.take("/b"), None);
        faults.clear();
        assert_eq!(faults.take("/a"), None);
    }

    #[test]
    fn fault_limited_to_zero_never_happens() {
        let faults = Faults::default();
        faults.add("/a", Fault::Reset.times(0));
        assert_eq!(faults.take("/a"), None);
    }

    #[test]
    fn probable_fault_happens_as_often_as_said_and_at_the_same_times() {
        let times = |percent: u8, seed: u64| -> Vec<bool> {
            let faults = Faults::default();
            faults.add("/a", Fault::Reset.with_probability(percent, seed));
            (0..1_000).map(|_| faults.take("/a").is_some()).collect()
        };
        let count = |times: &[bool]| times.iter().filter(|hit| **hit).count();
        assert_eq!((count(&times(0, 1)), count(&times(100, 1))), (0, 1_000));
        assert!((250..350).contains(&count(&times(30, 1))), "{}", count(&times(30, 1)));
        assert_eq!(times(30, 1), times(30, 1));
        assert_ne!(times(30, 1), times(30, 2));
    }

    #[test]
    fn fault_that_misses_uncovers_the_older_one_and_does_not_use_up_its_times() {
        let faults = Faults::default();
        faults.add("/a", Fault::Hang);
        faults.add("/a", Fault::Reset.with_probability(50, 7).times(3));
        let taken: Vec<_> = (0..20).map(|_| faults.take("/a").unwrap()).collect();
        assert_eq!(taken.iter().filter(|fault| **fault == Fault::Reset).count(), 3);
        assert_eq!(taken.iter().filter(|fault| **fault == Fault::Hang).count(), 17);
    }

    #[test]
    fn fault_is_read_as_a_name_or_as_json() {
        for (text, expected) in [
            ("reset", Fault::Reset),
            (" hang ", Fault::Hang),
            ("\"truncated_body\"", Fault::TruncatedBody),
            ("{\"status\": 503}", Fault::Status(503)),
            ("{\"delay_milliseconds\": 20}", Fault::Delay(Duration::from_millis(20))),
            ("{\"rate_limit_seconds\": 30}", Fault::RateLimit(30)),
            ("{\"json\": {\"status\": 400, \"value\": {}}}", Fault::json(400, "{}")),
            ("{\"redirect\": \"http://x\"}", Fault::Redirect("http://x".to_owned())),
            ("{\"headers\": {\"a\": \"b\"}}", Fault::Headers(vec![("a".to_owned(), "b".to_owned())])),
        ] {
            assert_eq!(WrittenFault::read(text).unwrap().fault(), expected, "{text}");
        }
        for text in ["", "explode", "{\"status\": \"x\"}", "{\"status\": 1, \"hang\": 2}", "503"] {
            assert!(WrittenFault::read(text).is_err(), "{text}");
        }
    }
}
