//! The bounded memory of key IDs that a fetch did not find.

use std::{collections::HashSet, time::Duration};

/// Key IDs that the provider was asked for and does not list.
///
/// One of them is refused at once: it neither waits for a fetch in flight nor starts one. All of them are
/// forgotten together when the budget for unknown key IDs is refilled, so that a new key is accepted at
/// most one cooldown after it appears. When the memory is full the budget alone holds.
#[derive(Debug, Default)]
pub(super) struct MissingKids {
    kids: HashSet<Box<str>, foldhash::quality::RandomState>,
    until: Duration,
}

impl MissingKids {
    /// Forgets everything; what is added from now on holds `until` then.
    pub(super) fn restart(&mut self, until: Duration) {
        self.kids.clear();
        self.until = until;
    }

    pub(super) fn add(&mut self, kid: &str, now: Duration) {
        if now < self.until && self.kids.len() < KIDS_MAX && kid.len() <= KID_BYTES_MAX {
            self.kids.insert(kid.into());
        }
    }

    pub(super) fn contains(&self, kid: &str, now: Duration) -> bool {
        now < self.until && self.kids.contains(kid)
    }
}

const KIDS_MAX: usize = 1024;
/// A Kinde `kid` has 47 bytes; a longer one is not worth the memory.
const KID_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: B12
    #[test]
    fn missing_kid_is_remembered_until_the_budget_is_refilled() {
        let mut missing = MissingKids::default();
        missing.restart(Duration::from_secs(30));
        missing.add("a\"b", Duration::from_secs(1));
        assert!(missing.contains("a\"b", Duration::from_secs(29)));
        assert!(!missing.contains("a\"b", Duration::from_secs(30)));
        assert!(!missing.contains("A\"b", Duration::from_secs(29)));
    }

    /// covers: B12 J3
    #[test]
    fn memory_of_missing_kids_is_bounded_in_count_and_length() {
        let mut missing = MissingKids::default();
        missing.restart(Duration::from_secs(30));
        missing.add(&"k".repeat(KID_BYTES_MAX), Duration::ZERO);
        missing.add(&"k".repeat(KID_BYTES_MAX.saturating_add(1)), Duration::ZERO);
        assert_eq!(missing.kids.len(), 1);
        (0..10_000).for_each(|number| missing.add(&number.to_string(), Duration::ZERO));
        assert_eq!(missing.kids.len(), KIDS_MAX);
    }
}
