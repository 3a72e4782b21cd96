//! What can be made to go wrong with an endpoint.

use std::{collections::BTreeMap, time::Duration};

use crate::guarded::Guarded;

/// Something that goes wrong when an endpoint is asked.
///
/// Set with [`Environment::fault`](crate::Environment::fault). A fault stays until
/// [`clear_faults`](crate::Environment::clear_faults), unless [`times`](Fault::times) limits it.
///
/// ```
/// use kinde_emulator::Fault;
///
/// let twice_unavailable = Fault::Status(503).times(2);
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
    /// The inner fault, this many times; made by [`times`](Fault::times).
    Times(Box<Fault>, usize),
}

impl Fault {
    /// Limits a fault to the next `count` requests; with zero it never happens.
    #[must_use]
    pub fn times(self, count: usize) -> Self {
        Self::Times(Box::new(self), count)
    }

    /// Answers with `status` and this JSON text.
    #[must_use]
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Body { status, content_type: "application/json".to_owned(), bytes: body.into().into_bytes() }
    }
}

/// The faults in force, by path.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    by_path: Guarded<BTreeMap<String, Vec<Fault>>>,
}

impl Faults {
    pub(crate) fn add(&self, path: &str, fault: Fault) {
        self.by_path.lock().entry(path.to_owned()).or_default().push(fault);
    }

    pub(crate) fn clear(&self) {
        self.by_path.lock().clear();
    }

    /// Takes the fault that the next request to `path` meets: the newest one that has not run out.
    pub(crate) fn take(&self, path: &str) -> Option<Fault> {
        let mut by_path = self.by_path.lock();
        let faults = by_path.get_mut(path)?;
        while let Some(newest) = faults.last_mut() {
            match newest {
                Fault::Times(_, 0) => drop(faults.pop()),
                Fault::Times(fault, left) => {
                    *left = left.saturating_sub(1);
                    return Some(innermost(fault).clone());
                }
                fault => return Some(fault.clone()),
            }
        }
        None
    }
}

/// A limit inside a limit has no meaning of its own; the outer one counts.
fn innermost(fault: &Fault) -> &Fault {
    match fault {
        Fault::Times(inner, _) => innermost(inner),
        fault => fault,
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
}
