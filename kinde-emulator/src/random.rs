//! Where codes, tokens' ids and events' ids come from: the system, or a seed for tests that want the same ones again.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::{digest, rand};

/// A source of random bytes.
#[derive(Clone, Debug, Default)]
pub(crate) enum Random {
    /// The system's: nobody can guess them.
    #[default]
    System,
    /// A counter under a seed: whoever knows the seed knows every code.
    Seeded { seed: u64, counter: Arc<AtomicU64> },
}

tokio::task_local! {
    /// The source of the environment that this task works for.
    static SOURCE: Random;
}

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self::Seeded { seed, counter: Arc::default() }
    }

    /// Does something with this source: every random value inside is its.
    pub(crate) fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        SOURCE.sync_scope(self.clone(), work)
    }

    /// As [`during`](Self::during), for what waits.
    pub(crate) async fn during_all_of<R>(&self, work: impl Future<Output = R>) -> R {
        SOURCE.scope(self.clone(), work).await
    }

    /// Returns how far the counter is; zero for the system's.
    pub(crate) fn position(&self) -> u64 {
        match self {
            Self::System => 0,
            Self::Seeded { counter, .. } => counter.load(Ordering::Relaxed),
        }
    }

    /// Goes back to where the counter was.
    pub(crate) fn restore(&self, position: u64) {
        if let Self::Seeded { counter, .. } = self {
            counter.store(position, Ordering::Relaxed);
        }
    }

    fn fill(&self, bytes: &mut [u8]) {
        match self {
            Self::System => {
                if rand::fill(bytes).is_err() {
                    // AWS-LC aborts the process rather than report a failing random source; zeros are never reached.
                    bytes.fill(0);
                }
            }
            Self::Seeded { seed, counter } => {
                for chunk in bytes.chunks_mut(digest::SHA256_OUTPUT_LEN) {
                    let place = counter.fetch_add(1, Ordering::Relaxed);
                    let text = format!("kinde-emulator random {seed} {place}");
                    let block = digest::digest(&digest::SHA256, text.as_bytes());
                    chunk.iter_mut().zip(block.as_ref()).for_each(|(byte, random)| *byte = *random);
                }
            }
        }
    }
}

/// Returns random bytes from the source of the environment that is at work, or else from the system.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    if SOURCE.try_with(|source| source.fill(&mut bytes)).is_err() {
        Random::System.fill(&mut bytes);
    }
    bytes
}

/// SplitMix64: enough to shuffle and to choose, and the same on every machine.
pub(crate) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_bytes_and_another_seed_others() {
        let (first, second, other) = (Random::seeded(1), Random::seeded(1), Random::seeded(2));
        let take = |random: &Random| random.during(|| (bytes(16), bytes(40)));
        let taken = take(&first);
        assert_eq!(taken, take(&second));
        assert_ne!(taken, take(&other));
        assert_ne!(taken, take(&first), "the counter goes on");
        first.restore(0);
        assert_eq!(taken, take(&first));
        assert_ne!(taken.1[..16], taken.1[16..32]);
    }

    #[test]
    fn bytes_outside_of_an_environment_are_the_systems() {
        assert_ne!(bytes(16), bytes(16));
        assert_ne!(Random::System.during(|| bytes(16)), Random::System.during(|| bytes(16)));
    }
}
