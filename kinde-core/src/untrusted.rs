//! Text that an attacker may have written, made safe to log.

use std::fmt;

/// Attacker-controlled text, escaped and cut to 128 bytes for logs and errors.
///
/// Control characters, quotes and everything outside printable ASCII are escaped, so that a key ID or an
/// issuer can neither forge a log line nor fill a disk.
#[derive(Clone, PartialEq, Eq)]
pub struct UntrustedText(Box<str>);

impl UntrustedText {
    /// Escapes and cuts `text`.
    pub fn new(text: &str) -> Self {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if text.len() <= LIMIT_BYTES && text.bytes().all(is_plain) {
            return Self(text.into());
        }
        let mut escaped = String::new();
        for character in text.chars() {
            let printable = matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
            let width = if printable { 1 } else { character.escape_default().len() };
            if escaped.len().saturating_add(width) > LIMIT_BYTES {
                return Self(format!("{escaped}...").into());
            }
            if printable {
                escaped.push(character);
            } else {
                escaped.extend(character.escape_default());
            }
        }
        Self(escaped.into())
    }

    /// Gives the escaped text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UntrustedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for UntrustedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.0)
    }
}

const LIMIT_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: I5
    #[test]
    fn line_breaks_and_quotes_are_escaped() {
        assert_eq!(UntrustedText::new("a\"\n\u{1b}é").as_str(), r#"a\"\n\u{1b}\u{e9}"#);
    }

    /// covers: I5
    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(UntrustedText::new(&"k".repeat(128)).as_str().len(), 128);
        let cut = UntrustedText::new(&"k".repeat(129));
        assert_eq!(cut.as_str().len(), 131);
        assert!(cut.as_str().ends_with("..."));
        assert!(UntrustedText::new(&"\n".repeat(10_000)).as_str().len() <= 131);
    }
}
