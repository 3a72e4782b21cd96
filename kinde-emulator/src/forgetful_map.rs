//! A map that forgets its oldest entries: whatever a long run piles up, memory stays flat.

use std::collections::{BTreeMap, VecDeque};

/// At most [`MOST_ENTRIES`] entries; one more, and the one that was put in first goes.
#[derive(Clone, Debug)]
pub(crate) struct ForgetfulMap<V> {
    entries: BTreeMap<String, V>,
    /// Keys as they came; some of them may be gone by now.
    order: VecDeque<String>,
}

impl<V> Default for ForgetfulMap<V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<V> ForgetfulMap<V> {
    /// Puts an entry in, and returns the one that had to go for it.
    pub(crate) fn insert(&mut self, key: String, value: V) -> Option<V> {
        if self.entries.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MOST_ENTRIES.saturating_mul(2) {
            self.order.retain(|key| self.entries.contains_key(key));
        }
        while self.entries.len() > MOST_ENTRIES {
            let forgotten = self.order.pop_front().and_then(|oldest| self.entries.remove(&oldest));
            if forgotten.is_some() {
                return forgotten;
            }
        }
        None
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        self.entries.remove(key)
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&String, &mut V) -> bool) {
        self.entries.retain(keep);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &V)> {
        self.entries.iter()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut()
    }
}

/// More people than a test signs in at once; a few megabytes at most.
pub(crate) const MOST_ENTRIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_entry_is_forgotten_and_one_that_was_removed_makes_room() {
        let mut map = ForgetfulMap::default();
        for number in 0..MOST_ENTRIES {
            assert_eq!(map.insert(number.to_string(), number), None);
        }
        map.remove("0");
        assert_eq!(map.insert("a".to_owned(), 1), None);
        assert_eq!(map.insert("b".to_owned(), 2), Some(1), "0 is gone already, so 1 goes");
        assert!(map.contains("2") && map.contains("a") && !map.contains("1"));
    }

    #[test]
    fn keys_of_entries_that_were_removed_do_not_pile_up() {
        let mut map = ForgetfulMap::default();
        for number in 0..MOST_ENTRIES * 5 {
            map.insert(number.to_string(), ());
            map.remove(&number.to_string());
        }
        assert!(map.order.len() <= MOST_ENTRIES * 2 + 1, "{}", map.order.len());
    }
}
