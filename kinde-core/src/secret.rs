//! Text that is never shown: tokens, client secrets.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

/// Secret text: `Debug` prints `[redacted]`, there is no `Display`, and dropping the last clone wipes our copy.
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
}
