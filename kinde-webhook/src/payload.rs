//! What events say: a type for each of the 27 that Kinde documents, raw JSON for what nobody documents.
//!
//! ```
//! use kinde_webhook::{Event, MalformedPayload, Payload};
//!
//! fn line(event: &Event) -> Result<String, MalformedPayload> {
//!     Ok(match event.payload()? {
//!         Payload::UserCreated(created) => {
//!             format!("new: {} {}", created.user.id(), created.user.email().unwrap_or("without e-mail"))
//!         }
//!         Payload::UserDeleted(deleted) => format!("gone: {}", deleted.user.id()),
//!         Payload::Unknown { kind, .. } => format!("of a later Kinde: {kind}"),
//!         other => format!("not ours: {}", other.event_type()),
//!     })
//! }
//! # let data = serde_json::json!({"user": {"id": "kp_1", "email": "", "phone": "+32470000000", "locale": "nl"}});
//! # let data = data.as_object().unwrap();
//! #
//! # use kinde_webhook::payload::{EventPayload, UserCreated};
//! # let created = UserCreated::read(data).unwrap();
//! # assert_eq!((created.user.email(), created.user.phone()), (None, Some("+32470000000")));
//! # assert_eq!(created.user.others()["locale"], "nl");
//! # assert_eq!(serde_json::to_value(&created).unwrap(), serde_json::Value::Object(data.clone()));
//! ```
//!
//! An event without a type here is [`Payload::Unknown`], or a type of your own:
//!
//! ```
//! use kinde_webhook::EventPayload;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct InvitationSent { email: String }
//!
//! impl EventPayload for InvitationSent {
//!     const TYPE: &'static str = "invitation.sent";
//! }
//! ```
//!
//! # How a payload is read
//!
//! - Ids are required, and are non-empty strings. Everything else may be absent or `null`.
//! - A text of another type counts as absent. A flag, a list or an id of another type makes the payload malformed:
//!   no value is safe to assume, such as "not suspended", or "in no organization".
//! - An accessor of a text gives `None` for an empty one, which is how Kinde writes an address or a name that is
//!   not set.
//! - Nothing is lost. What has no accessor is in `others()`, and serialising a payload gives the `data` that it was
//!   read from: absent members stay absent, `null` stays `null`.
//! - `Debug` shows ids, not what the event says about a person.
//!
//! `docs/webhook-events.md` in the repository lists each field and how well it is known.

mod access_request;
mod customer;
mod object;
mod organization;
mod passkey;
mod permission;
mod role;
mod subscriber;
#[cfg(test)]
mod tests;
mod user;

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub use access_request::{AccessRequest, AccessRequestCreated};
pub use customer::{
    CustomerAgreementCancelled, CustomerAgreementCreated, CustomerData, CustomerInvoiceOverdue,
    CustomerMeterUsageUpdated, CustomerPaymentFailed, CustomerPaymentSucceeded, CustomerPlan,
    CustomerPlanAssigned, CustomerPlanChanged, CustomerPlanCreated,
};
use object::{BadMember, Object};
pub use organization::{
    Organization, OrganizationCreated, OrganizationDeleted, OrganizationReference, OrganizationUpdated,
};
pub use passkey::{PasskeyAdded, PasskeyData, PasskeyRemoved};
pub use permission::{
    Permission, PermissionCreated, PermissionDeleted, PermissionReference, PermissionUpdated,
};
pub use role::{Role, RoleCreated, RoleDeleted, RoleReference, RoleUpdated};
pub use subscriber::{Subscriber, SubscriberCreated};
pub use user::{
    AttemptedUser, Grant, User, UserAuthenticated, UserAuthenticationFailed, UserCreated, UserDeleted,
    UserOrganization, UserReference, UserUpdated,
};

/// The payload of one event type. Implement it for a type of your own to read an event that this crate does not
/// know, or to read one differently.
pub trait EventPayload: DeserializeOwned + Send + 'static {
    /// The `type` of the envelope.
    const TYPE: &'static str;

    /// Reads `data`.
    ///
    /// # Errors
    ///
    /// [`MalformedPayload`] when it has another shape.
    fn read(data: &Map<String, Value>) -> Result<Self, MalformedPayload> {
        Self::deserialize(data).map_err(|_| MalformedPayload::of_another_shape(Self::TYPE))
    }
}

/// Makes of one table: [`Payload`], its reading and writing, [`EventPayload::TYPE`] and [`EVENT_TYPES`].
macro_rules! payloads {
    ($($kind:literal $name:ident,)+) => {
        /// A payload, by the event's type. It serialises as the `data` that it was read from.
        #[derive(Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Payload {
            $(
                #[doc = concat!("`", $kind, "`.")]
                $name($name),
            )+
            /// A type that this version does not know.
            Unknown {
                /// The type.
                #[serde(skip)]
                kind: Box<str>,
                /// `data` as it came.
                #[serde(flatten)]
                data: Map<String, Value>,
            },
        }

        impl Payload {
            /// Reads the `data` of an event of type `kind`; of a type that this version does not know it becomes
            /// [`Payload::Unknown`].
            ///
            /// # Errors
            ///
            /// [`MalformedPayload`] when the type is known and `data` has another shape.
            pub fn read(kind: &str, data: &Map<String, Value>) -> Result<Self, MalformedPayload> {
                match kind {
                    $($kind => $name::read(data).map(Self::$name),)+
                    _ => Ok(Self::Unknown { kind: kind.into(), data: data.clone() }),
                }
            }

            /// Gives the `type` of the event, such as `user.created`.
            pub fn event_type(&self) -> &str {
                match self {
                    $(Self::$name(_) => $kind,)+
                    Self::Unknown { kind, .. } => kind,
                }
            }
        }

        /// Shows ids, and of an unknown event its type only.
        impl fmt::Debug for Payload {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(payload) => payload.fmt(formatter),)+
                    Self::Unknown { kind, .. } => formatter
                        .debug_struct("Unknown")
                        .field("kind", &kinde_core::UntrustedText::new(kind))
                        .finish_non_exhaustive(),
                }
            }
        }

        $(
            impl EventPayload for $name {
                const TYPE: &'static str = $kind;

                fn read(data: &Map<String, Value>) -> Result<Self, MalformedPayload> {
                    Object::take(data.clone()).map_err(|bad| MalformedPayload::of_a_member(Self::TYPE, &bad))
                }
            }
        )+

        /// The event types that Kinde documents, each with a variant of [`Payload`].
        ///
        /// Those of an environment are at `GET /api/v1/event_types`; the set is open.
        pub const EVENT_TYPES: &[&str] = &[$($kind,)+];
    };
}

payloads! {
    "user.created" UserCreated,
    "user.updated" UserUpdated,
    "user.deleted" UserDeleted,
    "user.authenticated" UserAuthenticated,
    "user.authentication_failed" UserAuthenticationFailed,
    "organization.created" OrganizationCreated,
    "organization.updated" OrganizationUpdated,
    "organization.deleted" OrganizationDeleted,
    "role.created" RoleCreated,
    "role.updated" RoleUpdated,
    "role.deleted" RoleDeleted,
    "permission.created" PermissionCreated,
    "permission.updated" PermissionUpdated,
    "permission.deleted" PermissionDeleted,
    "subscriber.created" SubscriberCreated,
    "access_request.created" AccessRequestCreated,
    "passkey.added" PasskeyAdded,
    "passkey.removed" PasskeyRemoved,
    "customer.agreement_created" CustomerAgreementCreated,
    "customer.agreement_cancelled" CustomerAgreementCancelled,
    "customer.plan_assigned" CustomerPlanAssigned,
    "customer.plan_changed" CustomerPlanChanged,
    "customer.plan_created" CustomerPlanCreated,
    "customer.payment_succeeded" CustomerPaymentSucceeded,
    "customer.payment_failed" CustomerPaymentFailed,
    "customer.invoice_overdue" CustomerInvoiceOverdue,
    "customer.meter_usage_updated" CustomerMeterUsageUpdated,
}

/// A payload has not the shape, or the event not the type, that was asked for. It names the member, and tells nothing
/// of what stands there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload is not that of {expected}: {problem}")]
pub struct MalformedPayload {
    expected: &'static str,
    problem: Box<str>,
}

impl MalformedPayload {
    /// Says what is wrong with `data`, for an [`EventPayload::read`] of your own.
    pub fn new(expected: &'static str, problem: &'static str) -> Self {
        Self { expected, problem: problem.into() }
    }

    pub(crate) fn of_another_type(expected: &'static str, found: &str) -> Self {
        let problem = format!("the event is {:?}", kinde_core::UntrustedText::new(found));
        Self { expected, problem: problem.into() }
    }

    fn of_another_shape(expected: &'static str) -> Self {
        Self::new(expected, "data has another shape")
    }

    fn of_a_member(expected: &'static str, bad: &BadMember) -> Self {
        Self { expected, problem: format!("data.{bad}").into() }
    }
}
