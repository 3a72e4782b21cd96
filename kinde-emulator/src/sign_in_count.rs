//! How often a person signed in or could not.

use crate::directory::Directory;

/// What the Management API tells about a person's sign-ins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignInCount {
    pub(crate) total: u64,
    pub(crate) failed: u64,
    /// In Unix seconds.
    pub(crate) last: Option<u64>,
}

impl Directory {
    pub(crate) fn sign_in_count(&self, person_id: &str) -> SignInCount {
        self.sign_in_counts.get(person_id).copied().unwrap_or_default()
    }

    /// Counts a person's success.
    pub(crate) fn count_sign_in(&mut self, person_id: &str, now: u64) {
        let count = self.sign_in_counts.entry(person_id.to_owned()).or_default();
        count.total = count.total.saturating_add(1);
        count.last = Some(now);
    }

    /// Counts a person's failure.
    pub(crate) fn count_failed_sign_in(&mut self, person_id: &str) {
        let count = self.sign_in_counts.entry(person_id.to_owned()).or_default();
        count.failed = count.failed.saturating_add(1);
    }
}
