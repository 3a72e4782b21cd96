//! What is wrong with a configuration: every problem at once, each with its remedy.

use std::{borrow::Cow, fmt};

use crate::UntrustedText;

/// A configuration that cannot be used; reports all of its problems together.
///
/// `Display` is written for the person who deploys: one line for each problem, with the name of the setting,
/// what was seen (never a secret) and what to write instead.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<ConfigProblem>,
}

impl ConfigError {
    /// Gives every problem, in the order in which they were found; there is at least one.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }
}

impl From<ConfigProblem> for ConfigError {
    fn from(problem: ConfigProblem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// Adds problems that were found beside the first.
impl Extend<ConfigProblem> for ConfigError {
    fn extend<T: IntoIterator<Item = ConfigProblem>>(&mut self, problems: T) {
        self.problems.extend(problems);
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the Kinde configuration cannot be used:")?;
        for problem in &self.problems {
            write!(formatter, "\n- {problem}")?;
        }
        Ok(())
    }
}

/// Prints what `Display` prints: a `main` that returns the error shows it by `Debug`.
impl fmt::Debug for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for ConfigError {}

/// One problem of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    code: &'static str,
    setting: Cow<'static, str>,
    found: Option<UntrustedText>,
    fix: Cow<'static, str>,
}

impl ConfigProblem {
    /// Describes a problem: a stable code, the setting's name and what to write instead.
    pub fn new(
        code: &'static str,
        setting: impl Into<Cow<'static, str>>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, setting: setting.into(), found: None, fix: fix.into() }
    }

    /// Adds the value that was seen. Never call it for a secret; a URL that may hold a password is not shown.
    #[must_use]
    pub fn with_found(mut self, found: &str) -> Self {
        self.found = may_be_shown(found).then(|| UntrustedText::new(found));
        self
    }

    /// Gives the stable code; `docs/errors.md` has an anchor of this name.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Gives the name of the setting: an environment variable or a builder method.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// Gives the value that was seen, escaped and cut; `None` when absent or secret.
    pub fn found(&self) -> Option<&UntrustedText> {
        self.found.as_ref()
    }

    /// Gives one sentence on what to write instead.
    pub fn fix(&self) -> &str {
        &self.fix
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.setting)?;
        if let Some(found) = &self.found {
            write!(formatter, " is {found:?}")?;
        }
        write!(formatter, ": {} [{}]", self.fix, self.code)
    }
}

/// Tells whether a value of the configuration may be printed: user information may stand before an `@`.
pub(crate) fn may_be_shown(value: &str) -> bool {
    !value.contains('@')
}

/// Collects problems while a configuration is read to its end.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<ConfigProblem>);

impl Problems {
    pub(crate) fn add(&mut self, problem: ConfigProblem) {
        self.0.push(problem);
    }

    /// Gives `value` if nothing was wrong.
    pub(crate) fn into_result<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigError { problems: self.0 }),
        }
    }
}
