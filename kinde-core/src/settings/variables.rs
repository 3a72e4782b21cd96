//! Which variables are set, under which spelling, and which of them cannot be taken.

use std::{borrow::Cow, collections::BTreeMap};

use zeroize::Zeroizing;

use super::{
    spelling,
    table::{Role, Shape, TABLE, Variable, find},
};
use crate::{
    ConfigProblem, UntrustedText,
    config_error::{Problems, may_be_shown},
};

/// The settings that are set, by their first name, and the names that mean nothing here.
pub(super) struct Variables {
    prefix: String,
    values: BTreeMap<&'static str, Option<Value>>,
    pub(super) unrecognised: Vec<String>,
}

impl Variables {
    /// Sorts the variables of one environment. A value that is not UTF-8 is `None`.
    pub(super) fn read(
        prefix: &str,
        variables: impl IntoIterator<Item = (String, Option<String>)>,
        problems: &mut Problems,
    ) -> Self {
        let set: Vec<Seen> =
            variables.into_iter().filter_map(|(name, text)| Seen::new(prefix, &name, text)).collect();
        let mut sorted =
            Self { prefix: prefix.to_owned(), values: BTreeMap::new(), unrecognised: Vec::new() };
        for variable in TABLE {
            for seen in set.iter().filter(|seen| seen.name == variable.name) {
                sorted.take(variable, seen, problems);
            }
        }
        let mut unknown: Vec<&str> =
            set.iter().map(|seen| seen.name.as_str()).filter(|name| find(name).is_none()).collect();
        unknown.sort_unstable();
        for name in unknown {
            sorted.note_unknown(name, problems);
        }
        sorted
    }

    /// Gives the value of a setting, whatever its spelling; `None` if unset or unreadable.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)?.as_ref()
    }

    /// Tells whether no spelling of a setting is set; an unreadable value counts as set.
    pub(super) fn is_unset(&self, name: &str) -> bool {
        !self.values.contains_key(name)
    }

    /// Gives the name as it stands in the environment.
    pub(super) fn prefixed(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn take(&mut self, variable: &Variable, seen: &Seen, problems: &mut Problems) {
        let name = self.prefixed(variable.name);
        match variable.role {
            Role::Honoured { shape, .. } => {
                self.take_setting(variable.name, shape, seen.text(name, shape), problems)
            }
            Role::AliasOf(setting) => {
                let shape = shape_of(setting);
                self.take_setting(setting, shape, seen.text(name, shape), problems);
            }
            Role::HostAliasOf(setting) => {
                let shape = shape_of(setting);
                let value = seen.text(name, shape).map(Value::with_scheme);
                self.take_setting(setting, shape, value, problems);
            }
            Role::Refused { harmless, is_secret, fix } => {
                let is_harmless = |text: &str| harmless.iter().any(|value| value.eq_ignore_ascii_case(text));
                match seen.text.as_deref() {
                    Some(text) if is_harmless(text) => {}
                    Some(text) if !is_secret && may_be_shown(text) => {
                        problems.add(ConfigProblem::new("env_refused", name, fix).with_found(text));
                    }
                    _ => problems.add(ConfigProblem::new("env_refused", name, fix)),
                }
            }
            Role::NotRead => self.note_unrecognised(name),
        }
    }

    fn take_setting(
        &mut self,
        setting: &'static str,
        shape: Shape,
        value: Result<Value, ConfigProblem>,
        problems: &mut Problems,
    ) {
        let value = match value {
            Ok(value) => value,
            Err(problem) => {
                problems.add(problem);
                self.values.entry(setting).or_default();
                return;
            }
        };
        match self.values.get(setting) {
            Some(Some(first)) if !is_same(shape, first.text(), value.text()) => {
                let fix = if first.name == value.name {
                    "is set twice, to different values: keep one".to_owned()
                } else {
                    format!("differs from {}, which is the same setting: keep one of them", first.name)
                };
                problems.add(value.conflict(fix));
            }
            Some(Some(_)) => {}
            Some(None) | None => {
                self.values.insert(setting, Some(value));
            }
        }
    }

    /// A name one slip away from a known one is a setting that would be lost; any other may be the application's.
    fn note_unknown(&mut self, name: &str, problems: &mut Problems) {
        let prefixed = self.prefixed(UntrustedText::new(name).as_str());
        match spelling::nearest(name) {
            Some(known) => {
                let fix = format!(
                    "is not a known name: did you mean {} ({})? a variable of your own needs a name less like it",
                    self.prefixed(known.name),
                    known.meaning()
                );
                problems.add(ConfigProblem::new("env_unknown", prefixed, fix));
            }
            None => self.note_unrecognised(prefixed),
        }
    }

    fn note_unrecognised(&mut self, name: String) {
        if !self.unrecognised.contains(&name) {
            self.unrecognised.push(name);
        }
    }
}

/// The value of one setting and the name under which it was set. Wiped when dropped: it may be a secret.
pub(super) struct Value {
    name: String,
    text: Zeroizing<String>,
    is_secret: bool,
}

impl Value {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Describes a value of the wrong shape.
    pub(super) fn invalid(&self, fix: impl Into<Cow<'static, str>>) -> ConfigProblem {
        self.problem("env_invalid", fix)
    }

    /// Describes a value that contradicts another.
    pub(super) fn conflict(&self, fix: impl Into<Cow<'static, str>>) -> ConfigProblem {
        self.problem("env_conflict", fix)
    }

    /// Describes a variable that cannot be honoured.
    pub(super) fn refused(&self, fix: impl Into<Cow<'static, str>>) -> ConfigProblem {
        self.problem("env_refused", fix)
    }

    fn problem(&self, code: &'static str, fix: impl Into<Cow<'static, str>>) -> ConfigProblem {
        let problem = ConfigProblem::new(code, self.name.clone(), fix);
        if self.is_secret { problem } else { problem.with_found(&self.text) }
    }

    /// A bare host can mean `https` only: plain http needs a loopback host, which stays as written and is refused.
    fn with_scheme(mut self) -> Self {
        let is_loopback = ["localhost", "127.", "["].iter().any(|start| self.text.starts_with(start));
        if !self.text.contains("://") && !is_loopback {
            self.text.insert_str(0, "https://");
        }
        self
    }
}

/// A variable as it was set, its name without the prefix.
struct Seen {
    name: String,
    text: Option<Zeroizing<String>>,
}

impl Seen {
    /// Gives `None` for a variable of another environment or program, and for an empty value, which is unset.
    fn new(prefix: &str, name: &str, text: Option<String>) -> Option<Self> {
        let name = name.strip_prefix(prefix)?;
        let is_ours =
            find(name).is_some() || NAMESPACES.iter().any(|start| starts_with_ignoring_case(name, start));
        if !is_ours {
            return None;
        }
        let text = text.map(Zeroizing::new);
        let is_empty = text.as_ref().is_some_and(|text| text.is_empty());
        (!is_empty).then(|| Self { name: name.to_owned(), text })
    }

    fn text(&self, name: String, shape: Shape) -> Result<Value, ConfigProblem> {
        let Some(text) = self.text.clone() else {
            return Err(ConfigProblem::new("env_invalid", name, "is not UTF-8: set it again as plain text"));
        };
        let value = Value { name, text, is_secret: shape == Shape::Secret };
        if ['"', '\''].iter().any(|quote| value.text.starts_with(*quote) || value.text.ends_with(*quote)) {
            return Err(value.invalid("holds the quotes of an env file: write the value without them"));
        }
        Ok(value)
    }
}

fn shape_of(setting: &str) -> Shape {
    match find(setting).map(|variable| &variable.role) {
        Some(Role::Honoured { shape, .. }) => *shape,
        // An alias of an alias does not exist (checked by a test); to hide too much is the safe answer.
        _ => Shape::Secret,
    }
}

fn is_same(shape: Shape, first: &str, second: &str) -> bool {
    match shape {
        Shape::Base => first.strip_suffix('/').unwrap_or(first) == second.strip_suffix('/').unwrap_or(second),
        Shape::List => items(first).eq(items(second)),
        Shape::Text | Shape::Secret => first == second,
    }
}

/// Splits a list at white space and commas: the Next.js SDK writes the first, the Java SDK the second.
pub(super) fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(|character: char| character.is_whitespace() || character == ',')
        .filter(|item| !item.is_empty())
}

fn starts_with_ignoring_case(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
}

const NAMESPACES: [&str; 3] = ["KINDE_", "NEXT_PUBLIC_KINDE_", "VITE_KINDE_"];
