//! A person's password: compared in constant time and never printed.

use std::fmt;

use aws_lc_rs::constant_time;

/// What a person enters at the sign-in form.
///
/// Kept as it was written: it comes from a seed, where it stands in clear.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(String);

impl Password {
    pub(crate) fn new(password: &str) -> Self {
        Self(password.to_owned())
    }

    /// Tells whether the presented text is this password.
    pub(crate) fn is(&self, presented: &str) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), presented.as_bytes()).is_ok()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_is_the_password() {
        let password = Password::new("correct horse");
        assert!(password.is("correct horse"));
        for other in ["", "correct", "Correct horse", "correct horse "] {
            assert!(!password.is(other), "{other}");
        }
        assert_eq!(format!("{password:?}"), "Password(..)");
    }
}
