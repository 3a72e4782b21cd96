//! A count of the requests that arrived, by path.

use std::collections::BTreeMap;

use crate::guarded::Guarded;

/// How often each path was asked for, whatever the answer was.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    counts: Guarded<BTreeMap<String, usize>>,
}

impl RequestLog {
    pub(crate) fn record(&self, path: &str) {
        let mut counts = self.counts.lock();
        let count = counts.entry(path.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.counts.lock().get(path).copied().unwrap_or_default()
    }

    pub(crate) fn reset(&self) {
        self.counts.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_counted_by_itself_until_reset() {
        let log = RequestLog::default();
        log.record("/a");
        log.record("/a");
        log.record("/b");
        assert_eq!((log.count("/a"), log.count("/b"), log.count("/c")), (2, 1, 0));
        log.reset();
        assert_eq!(log.count("/a"), 0);
    }
}
