//! Named policies: requirements that are types, so that a route's signature says what it demands.

use std::marker::PhantomData;

use crate::{FromFlag, Requirement};

/// A requirement with a name: a marker type that a route or a layer demands.
///
/// [`permissions!`](crate::permissions), [`roles!`](crate::roles) and [`flags!`](crate::flags) declare the
/// leaves; [`All`], [`Any`] and [`Not`] combine them; a type alias names the whole.
///
/// ```
/// use kinde_core::{All, Any, Policy, permissions, roles};
///
/// permissions! {
///     /// May read reports.
///     pub ReadReports = "read:reports";
///     /// May export reports.
///     pub ExportReports = "export:reports";
/// }
/// roles! { /// Runs the organization.
///          pub Admin = "admin"; }
///
/// type CanExport = Any<(All<(ReadReports, ExportReports)>, Admin)>;
/// assert!(CanExport::requirement().to_string().contains("export:reports"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    label = "not declared by `permissions!`, `roles!` or `flags!`, and no `All<(..)>`, `Any<(..)>` or `Not<..>` of such",
    note = "declare a permission with `permissions! {{ pub CreateTodos = \"create:todos\"; }}`",
    note = "`All` and `Any` take a tuple of two to eight policies: `All<(ReadReports, ExportReports)>`"
)]
pub trait Policy: 'static {
    /// Builds the requirement.
    fn requirement() -> Requirement;
}

/// A feature flag with a name, a type and a default; declared by [`flags!`](crate::flags).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a feature flag",
    note = "declare one with `flags! {{ pub NewEditor: bool = \"new_editor\" or false; }}`"
)]
pub trait Flag: 'static {
    /// The type of the flag's value.
    type Value: FromFlag;

    /// The flag's key in Kinde.
    const KEY: &'static str;

    /// Gives the value where the token does not hold the flag.
    fn default_value() -> Self::Value;
}

/// Demands all policies of a tuple of two to eight.
#[derive(Debug)]
pub struct All<T>(PhantomData<fn() -> T>);

/// Demands one policy of a tuple of two to eight.
#[derive(Debug)]
pub struct Any<T>(PhantomData<fn() -> T>);

/// Demands that a policy is denied. What a malformed claim leaves unknown stays denied.
#[derive(Debug)]
pub struct Not<T>(PhantomData<fn() -> T>);

impl<P: Policy> Policy for Not<P> {
    fn requirement() -> Requirement {
        P::requirement().negated()
    }
}

macro_rules! policies_of_tuples {
    ($($first:ident $($rest:ident)+;)*) => {$(
        impl<$first: Policy, $($rest: Policy),+> Policy for All<($first, $($rest),+)> {
            fn requirement() -> Requirement {
                $first::requirement()$(.and($rest::requirement()))+
            }
        }

        impl<$first: Policy, $($rest: Policy),+> Policy for Any<($first, $($rest),+)> {
            fn requirement() -> Requirement {
                $first::requirement()$(.or($rest::requirement()))+
            }
        }
    )*};
}

policies_of_tuples! {
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}

/// Declares marker types for permissions, by their keys in Kinde.
///
/// ```
/// kinde_core::permissions! {
///     /// May create to-do items.
///     pub CreateTodos = "create:todos";
///     pub(crate) ReadTodos = "read:todos";
/// }
/// ```
#[macro_export]
macro_rules! permissions {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident = $key:literal;)*) => {$(
        $crate::policy_marker!($(#[$attribute])* $visibility $name, $crate::Requirement::permission($key));
    )*};
}

/// Declares marker types for roles, by their keys in Kinde.
///
/// ```
/// kinde_core::roles! { /// Runs the organization.
///                      pub Admin = "admin"; }
/// ```
#[macro_export]
macro_rules! roles {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident = $key:literal;)*) => {$(
        $crate::policy_marker!($(#[$attribute])* $visibility $name, $crate::Requirement::role($key));
    )*};
}

/// Declares marker types for scopes, which machines have instead of permissions.
///
/// ```
/// kinde_core::scopes! { pub ReadInvoices = "read:invoices"; }
/// ```
#[macro_export]
macro_rules! scopes {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident = $key:literal;)*) => {$(
        $crate::policy_marker!($(#[$attribute])* $visibility $name, $crate::Requirement::scope($key));
    )*};
}

/// Declares marker types for feature flags: type, key, and the value where the token does not hold the flag.
///
/// A flag is a value for handlers (`FeatureFlag<NewEditor>`); [`FlagIsOn`](crate::FlagIsOn) makes a boolean one a policy as well.
///
/// ```
/// kinde_core::flags! {
///     /// Shows the new editor.
///     pub NewEditor: bool = "new_editor" or false;
///     /// How many seats the plan has.
///     pub Seats: i64 = "seat_cap" or 1;
/// }
/// ```
#[macro_export]
macro_rules! flags {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident: $type:ty = $key:literal or $default:expr;)*) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        $visibility enum $name {}

        impl $crate::Flag for $name {
            type Value = $type;

            const KEY: &'static str = $key;

            fn default_value() -> $type {
                $default.into()
            }
        }
    )*};
}

/// Declares one marker type with its requirement; the other macros call it.
#[doc(hidden)]
#[macro_export]
macro_rules! policy_marker {
    ($(#[$attribute:meta])* $visibility:vis $name:ident, $requirement:expr) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        $visibility enum $name {}

        impl $crate::Policy for $name {
            fn requirement() -> $crate::Requirement {
                $requirement
            }
        }
    };
}

/// Demands that a boolean feature flag is on; where the token does not hold it, its default decides nothing:
/// denied.
#[derive(Debug)]
pub struct FlagIsOn<F>(PhantomData<fn() -> F>);

impl<F: Flag<Value = bool>> Policy for FlagIsOn<F> {
    fn requirement() -> Requirement {
        Requirement::flag_is_on(F::KEY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::permissions! { First = "p:first"; Second = "p:second"; }
    crate::roles! { Admin = "admin"; }
    crate::flags! { Beta: bool = "beta" or false; Title: String = "title" or "none"; }

    #[test]
    fn nested_policy_builds_the_nested_requirement() {
        type Policy1 = Any<(All<(First, Second)>, Not<Admin>, FlagIsOn<Beta>)>;
        assert_eq!(
            Policy1::requirement().to_string(),
            r#"((permission "p:first" and permission "p:second") or not role "admin" or flag "beta" is Boolean(true))"#
        );
    }

    #[test]
    fn declared_flag_knows_its_key_and_default() {
        assert_eq!((Beta::KEY, Beta::default_value()), ("beta", false));
        assert_eq!(Title::default_value(), "none");
    }
}
