//! May this identity do this? The only place that decides it.

use std::{borrow::Cow, fmt, mem::discriminant, sync::Arc};

use crate::{AuthError, AuthReason, FlagValue, Identity, UntrustedText};

/// What an identity must have to go on: a tree of conditions, never empty.
///
/// Every condition is granted, denied or unknown; a malformed claim makes it unknown. Unknown denies, also
/// when it is negated, so that a broken claim never opens a door.
///
/// ```
/// use kinde_core::Requirement;
///
/// let export = Requirement::permission("read:reports")
///     .and(Requirement::permission("export:reports"))
///     .or(Requirement::role("admin"));
/// assert_eq!(
///     export.to_string(),
///     r#"((permission "read:reports" and permission "export:reports") or role "admin")"#
/// );
/// ```
#[derive(Clone)]
pub struct Requirement {
    node: Node,
}

impl Requirement {
    /// Demands a permission, by its key.
    pub fn permission(key: impl Into<Cow<'static, str>>) -> Self {
        Node::Permission(key.into()).into()
    }

    /// Demands a role, by its key; roles are in the token only if its customization adds them.
    pub fn role(key: impl Into<Cow<'static, str>>) -> Self {
        Node::Role(key.into()).into()
    }

    /// Demands a scope, in `scp` or `scope`.
    pub fn scope(scope: impl Into<Cow<'static, str>>) -> Self {
        Node::Scope(scope.into()).into()
    }

    /// Demands that the token belongs to this organization, by its code.
    pub fn organization(org_code: impl Into<Cow<'static, str>>) -> Self {
        Node::Organization(org_code.into()).into()
    }

    /// Demands that the token belongs to some organization.
    pub fn any_organization() -> Self {
        Node::AnyOrganization.into()
    }

    /// Demands that a feature flag has this value. A flag that is absent has no value: denied.
    pub fn flag(key: impl Into<Cow<'static, str>>, value: FlagValue) -> Self {
        Node::Flag(key.into(), value).into()
    }

    /// Demands that a boolean feature flag is on.
    pub fn flag_is_on(key: impl Into<Cow<'static, str>>) -> Self {
        Self::flag(key, FlagValue::Boolean(true))
    }

    /// Demands what a function of your own says; `name` stands for it in the denial.
    pub fn predicate(
        name: impl Into<Cow<'static, str>>,
        decide: impl Fn(&Identity) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        Node::Predicate(name.into(), Arc::new(decide)).into()
    }

    /// Demands this and `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self.node {
            Node::All(mut all) => {
                all.push(other);
                Node::All(all).into()
            }
            node => Node::All(vec![node.into(), other]).into(),
        }
    }

    /// Demands this or `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self.node {
            Node::Any(mut any) => {
                any.push(other);
                Node::Any(any).into()
            }
            node => Node::Any(vec![node.into(), other]).into(),
        }
    }

    /// Demands that this is denied; what is unknown stays unknown, and so denies.
    #[must_use]
    pub fn negated(self) -> Self {
        Node::Not(Box::new(self)).into()
    }

    /// Demands all of a list from configuration; `None` for an empty list, which would grant everything.
    pub fn all_of(requirements: impl IntoIterator<Item = Self>) -> Option<Self> {
        requirements.into_iter().reduce(Self::and)
    }

    /// Demands one of a list from configuration; `None` for an empty list.
    pub fn any_of(requirements: impl IntoIterator<Item = Self>) -> Option<Self> {
        requirements.into_iter().reduce(Self::or)
    }

    /// Decides.
    ///
    /// # Errors
    ///
    /// [`AuthReason::Denied`] with the whole tree and each condition's verdict, for logs and tests.
    pub fn check(&self, identity: &Identity) -> Result<(), AuthError> {
        match self.verdict(identity) {
            Verdict::Granted => Ok(()),
            Verdict::Denied | Verdict::Unknown => {
                Err(AuthReason::Denied(Box::new(self.explain(identity))).into())
            }
        }
    }

    /// Gives the verdict without the explanation.
    pub fn verdict(&self, identity: &Identity) -> Verdict {
        let claims = identity.claims();
        match &self.node {
            Node::Permission(key) => claims.permissions().map(|keys| keys.contains(key)).into(),
            Node::Role(key) => claims.roles().map(|roles| roles.iter().any(|role| role.key() == key)).into(),
            Node::Scope(scope) => claims.has_scope(scope).into(),
            Node::Organization(code) => claims.org_code().map(|held| held == Some(code.as_ref())).into(),
            Node::AnyOrganization => claims.org_code().map(|held| held.is_some()).into(),
            // A flag of another kind than was asked for tells neither yes nor no.
            Node::Flag(key, wanted) => match claims.flag_value(key) {
                Ok(None) => Verdict::Denied,
                Ok(Some(held)) if discriminant(held) == discriminant(wanted) => (held == wanted).into(),
                Ok(Some(_)) | Err(_) => Verdict::Unknown,
            },
            Node::Predicate(_, decide) => decide(identity),
            Node::Not(inner) => match inner.verdict(identity) {
                Verdict::Granted => Verdict::Denied,
                Verdict::Denied => Verdict::Granted,
                Verdict::Unknown => Verdict::Unknown,
            },
            // Kleene's three-valued logic: unknown decides only where nothing else does.
            Node::All(all) => {
                all.iter().map(|one| one.verdict(identity)).fold(Verdict::Granted, Verdict::and)
            }
            Node::Any(any) => any.iter().map(|one| one.verdict(identity)).fold(Verdict::Denied, Verdict::or),
        }
    }

    fn explain(&self, identity: &Identity) -> Denial {
        let parts = match &self.node {
            Node::All(parts) | Node::Any(parts) => parts.as_slice(),
            Node::Not(inner) => std::slice::from_ref(inner.as_ref()),
            Node::Permission(_)
            | Node::Role(_)
            | Node::Scope(_)
            | Node::Organization(_)
            | Node::AnyOrganization
            | Node::Flag(..)
            | Node::Predicate(..) => &[],
        };
        Denial {
            requirement: self.label(),
            verdict: self.verdict(identity),
            parts: parts.iter().map(|part| part.explain(identity)).collect(),
        }
    }

    /// Names the condition itself, without its parts.
    fn label(&self) -> String {
        let keyed = |kind: &str, key: &str| format!("{kind} \"{}\"", UntrustedText::new(key));
        match &self.node {
            Node::Permission(key) => keyed("permission", key),
            Node::Role(key) => keyed("role", key),
            Node::Scope(scope) => keyed("scope", scope),
            Node::Organization(code) => keyed("organization", code),
            Node::AnyOrganization => "any organization".to_owned(),
            Node::Flag(key, value) => format!("{} is {value:?}", keyed("flag", key)),
            Node::Predicate(name, _) => keyed("predicate", name),
            Node::Not(_) => "not".to_owned(),
            Node::All(_) => "all of".to_owned(),
            Node::Any(_) => "any of".to_owned(),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut joined = |parts: &[Requirement], word: &str| {
            for (index, part) in parts.iter().enumerate() {
                write!(formatter, "{}{part}", if index == 0 { "(" } else { word })?;
            }
            formatter.write_str(")")
        };
        match &self.node {
            Node::All(parts) => joined(parts, " and "),
            Node::Any(parts) => joined(parts, " or "),
            Node::Not(inner) => write!(formatter, "not {inner}"),
            _ => formatter.write_str(&self.label()),
        }
    }
}

impl fmt::Debug for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Requirement({self})")
    }
}

impl From<Node> for Requirement {
    fn from(node: Node) -> Self {
        Self { node }
    }
}

/// What became of a condition. Complete by nature: three-valued logic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The condition holds.
    Granted,
    /// The condition does not hold.
    Denied,
    /// The token does not tell, because a claim is malformed. It denies, also negated.
    Unknown,
}

impl Verdict {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Denied, _) | (_, Self::Denied) => Self::Denied,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Granted, Self::Granted) => Self::Granted,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Granted, _) | (_, Self::Granted) => Self::Granted,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Denied, Self::Denied) => Self::Denied,
        }
    }
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        if holds { Self::Granted } else { Self::Denied }
    }
}

impl<E> From<Result<bool, E>> for Verdict {
    fn from(known: Result<bool, E>) -> Self {
        known.map_or(Self::Unknown, Self::from)
    }
}

/// Why a requirement was not met: its tree, with the verdict of each condition.
///
/// It is for logs and tests. The caller is told nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    requirement: String,
    verdict: Verdict,
    parts: Vec<Denial>,
}

impl Denial {
    /// Names the condition, for example `permission "create:todos"` or `all of`.
    pub fn requirement(&self) -> &str {
        &self.requirement
    }

    /// Gives the condition's verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Gives the conditions that it consists of; none for a single condition.
    pub fn parts(&self) -> &[Denial] {
        &self.parts
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Granted => "granted",
            Verdict::Denied => "denied",
            Verdict::Unknown => "unknown",
        };
        write!(formatter, "{} {verdict}", self.requirement)?;
        for (index, part) in self.parts.iter().enumerate() {
            write!(formatter, "{}{part}", if index == 0 { " (" } else { ", " })?;
        }
        if self.parts.is_empty() { Ok(()) } else { formatter.write_str(")") }
    }
}

#[derive(Clone)]
enum Node {
    Permission(Cow<'static, str>),
    Role(Cow<'static, str>),
    Scope(Cow<'static, str>),
    Organization(Cow<'static, str>),
    AnyOrganization,
    Flag(Cow<'static, str>, FlagValue),
    Predicate(Cow<'static, str>, Arc<dyn Fn(&Identity) -> Verdict + Send + Sync>),
    Not(Box<Requirement>),
    // At least two each: only `and` and `or` build them.
    All(Vec<Requirement>),
    Any(Vec<Requirement>),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: C7
    #[test]
    fn unknown_denies_in_every_combination_that_does_not_decide_without_it() {
        use Verdict::{Denied, Granted, Unknown};
        for (left, right, and, or) in [
            (Granted, Granted, Granted, Granted),
            (Granted, Denied, Denied, Granted),
            (Granted, Unknown, Unknown, Granted),
            (Denied, Denied, Denied, Denied),
            (Denied, Unknown, Denied, Unknown),
            (Unknown, Unknown, Unknown, Unknown),
        ] {
            assert_eq!((left.and(right), left.or(right)), (and, or), "{left:?} {right:?}");
            assert_eq!((right.and(left), right.or(left)), (and, or), "{right:?} {left:?}");
        }
    }

    #[test]
    fn empty_list_makes_no_requirement() {
        assert!(Requirement::all_of([]).is_none());
        assert!(Requirement::any_of([]).is_none());
    }

    #[test]
    fn requirement_reads_as_it_is_nested() {
        let nested = Requirement::permission("a")
            .and(Requirement::role("b").or(Requirement::scope("c")))
            .and(Requirement::flag_is_on("d").negated());
        assert_eq!(
            nested.to_string(),
            r#"(permission "a" and (role "b" or scope "c") and not flag "d" is Boolean(true))"#
        );
    }
}
