//! Randomness as an argument: the spread of refreshes, and nothing secret.

use std::fmt;

/// Gives a number that spreads key-set refreshes of a fleet; it is not used for secrets.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Gives a number in `0.0..1.0`.
    fn unit(&self) -> f64;
}

/// Draws from the operating system's generator. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn unit(&self) -> f64 {
        let mut bytes = [0_u8; 4];
        // Without randomness every node refreshes at the same moment: a burst, not a hole.
        if aws_lc_rs::rand::fill(&mut bytes).is_err() {
            return 0.0;
        }
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_inside_the_unit_interval_and_differ() {
        let draws: Vec<f64> = (0..64).map(|_| SystemRandom.unit()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!(draws.iter().any(|draw| (draw - draws[0]).abs() > f64::EPSILON));
    }
}
