//! A secret that is not printed.

use std::fmt;

use serde::Deserialize;

/// A text of a seed that never reaches a log.
#[derive(Clone, Deserialize)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
