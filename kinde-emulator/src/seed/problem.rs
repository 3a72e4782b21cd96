//! One thing that is wrong with a seed.

use std::fmt;

/// One thing that is wrong with a seed: where, what, and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeedProblem {
    /// The line, counted from one.
    pub line: usize,
    /// The place, such as `people[0].memberships[1].org`; empty for the seed as a whole.
    pub path: String,
    /// What is wrong, with the suggestion if there is one.
    pub reason: String,
}

impl fmt::Display for SeedProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, " (at {})", self.path) }
    }
}
