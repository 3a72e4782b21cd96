//! The one place where secrets are compared.

use subtle::ConstantTimeEq;

/// Compares without telling by its duration where the difference is. Lengths are not secret.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: I3
    #[test]
    fn only_identical_bytes_are_equal() {
        assert!(equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd"));
        assert!(!equal(b"abc", b"ab"));
    }
}
