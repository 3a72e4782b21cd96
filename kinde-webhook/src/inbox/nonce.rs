//! What distinguishes reservations across processes.

use std::sync::atomic::{AtomicU32, Ordering};

use kinde_core::Random;

/// Draws a nonce: 96 random bits against other processes, and a count against this one's own.
///
/// It is no secret. Were two equal for one event, a worker that is late could confirm for another; the count keeps
/// that from happening even where the operating system gives no randomness.
pub(super) fn draw(random: &dyn Random) -> u128 {
    let count = u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
    (0..3).fold(count, |nonce, _| (nonce << 32) | u128::from(word(random)))
}

fn word(random: &dyn Random) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the unit interval times 2^32 is a word"
    )]
    let word = (random.unit() * (f64::from(u32::MAX) + 1.0)) as u32;
    word
}

static COUNT: AtomicU32 = AtomicU32::new(0);

#[cfg(test)]
mod tests {
    use kinde_core::SystemRandom;

    use super::*;

    #[derive(Debug)]
    struct Constant(f64);

    impl Random for Constant {
        fn unit(&self) -> f64 {
            self.0
        }
    }

    #[test]
    fn nonces_differ_even_without_randomness() {
        assert_ne!(draw(&Constant(0.0)), draw(&Constant(0.0)));
    }

    #[test]
    fn nonce_holds_a_count_and_three_random_words() {
        assert_eq!(draw(&Constant(0.5)) << 32 >> 32, 0x8000_0000_8000_0000_8000_0000);
        assert_eq!(draw(&Constant(1.0 - f64::EPSILON)) << 32 >> 32, u128::MAX >> 32);
        assert_ne!(draw(&SystemRandom) << 32, draw(&SystemRandom) << 32);
    }
}
