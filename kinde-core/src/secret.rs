//! Text that is never shown: tokens, client secrets.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::constant_time;

/// Secret text: `Debug` prints `[redacted]`, there is no `Display`, and dropping the last clone wipes our copy. Comparing two
/// takes the same time wherever they differ; their lengths are not secret.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Box<str>>>);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// Gives the text to the one who must send or compare it. Named so that a search finds every use.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        constant_time::equal(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: I1
    #[test]
    fn debug_of_a_secret_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[redacted]");
    }

    /// covers: I3
    #[test]
    fn secrets_are_equal_by_their_text() {
        assert_eq!(Secret::new("hunter2"), Secret::new("hunter2"));
        for other in ["hunter3", "hunter", "hunter22", ""] {
            assert_ne!(Secret::new("hunter2"), Secret::new(other));
        }
    }
}
