//! Events about billing: raw, because Kinde publishes no schema of them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::object::{BadMember, Object, filled};

/// The data of a billing event: what came, and accessors for what Kinde's own packages read from it.
///
/// No schema is published, and two of Kinde's packages look for the customer's id in different places. So an accessor
/// gives `None` both for what is absent and for what it does not understand; the whole is in
/// [`members`](CustomerData::members).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerData {
    members: Map<String, Value>,
}

impl CustomerData {
    /// Gives `data` as it came.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Gives the customer's id, such as `customer_0192…`: `customer_id`, or else `customer.id`.
    pub fn customer_id(&self) -> Option<&str> {
        let customer = || text(self.members.get("customer")?.as_object()?, "id");
        text(&self.members, "customer_id").or_else(customer)
    }

    /// Gives the org code, when the customer is an organization.
    pub fn org_code(&self) -> Option<&str> {
        text(&self.members, "org_code")
    }

    /// Gives Kinde's id of the person, when the customer is one.
    pub fn user_id(&self) -> Option<&str> {
        text(&self.members, "user_id")
    }

    /// Gives the id of the plan.
    pub fn plan_id(&self) -> Option<&str> {
        text(&self.members, "plan_id")
    }

    /// Gives what names the plan.
    pub fn plan(&self) -> Option<CustomerPlan<'_>> {
        let plan = self.members.get("plan")?.as_object()?;
        Some(CustomerPlan { code: text(plan, "code"), key: text(plan, "key"), name: text(plan, "name") })
    }

    /// Gives the id of the agreement.
    pub fn agreement_id(&self) -> Option<&str> {
        text(&self.members, "agreement_id")
    }

    /// Gives when the next bill is made, since 1970.
    pub fn next_billing_date(&self) -> Option<Duration> {
        self.time("next_billing_date")
    }

    /// Gives when the invoice is due, since 1970.
    pub fn invoice_due_on(&self) -> Option<Duration> {
        self.time("invoice_due_on")
    }

    /// Gives the id of the meter.
    pub fn meter_id(&self) -> Option<&str> {
        text(&self.members, "meter_id")
    }

    /// Gives what the meter shows. Zero is a reading like any other.
    pub fn quantity(&self) -> Option<f64> {
        self.members.get("quantity")?.as_f64()
    }

    /// Reads a time with its offset, which Kinde also writes with two digits (`2024-11-18T13:32:03+11`) in spite of
    /// RFC 3339 §5.6.
    fn time(&self, name: &str) -> Option<Duration> {
        let time: jiff::Timestamp = text(&self.members, name)?.parse().ok()?;
        Duration::try_from(time.as_duration()).ok()
    }
}

/// Shows who the customer is.
impl fmt::Debug for CustomerData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CustomerData")
            .field("customer_id", &self.customer_id())
            .finish_non_exhaustive()
    }
}

/// What a billing event calls a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerPlan<'a> {
    code: Option<&'a str>,
    key: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> CustomerPlan<'a> {
    /// Gives the code.
    pub fn code(&self) -> Option<&'a str> {
        self.code
    }

    /// Gives the key.
    pub fn key(&self) -> Option<&'a str> {
        self.key
    }

    /// Gives the display name.
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }
}

/// Defines the payloads, which differ in their names only.
macro_rules! customer_events {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        #[non_exhaustive]
        pub struct $name {
            /// What the event says.
            pub data: CustomerData,
        }

        impl Object for $name {
            fn take(members: Map<String, Value>) -> Result<Self, BadMember> {
                Ok(Self { data: CustomerData { members } })
            }
        }
    )+};
}

customer_events! {
    /// A customer agreed to a plan.
    CustomerAgreementCreated,
    /// An agreement of a customer ended.
    CustomerAgreementCancelled,
    /// A customer was given a plan.
    CustomerPlanAssigned,
    /// A customer changed to another plan.
    CustomerPlanChanged,
    /// A plan was created.
    CustomerPlanCreated,
    /// A customer paid.
    CustomerPaymentSucceeded,
    /// A payment of a customer failed.
    CustomerPaymentFailed,
    /// An invoice was not paid in time.
    CustomerInvoiceOverdue,
    /// The usage that a meter counts changed.
    CustomerMeterUsageUpdated,
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    filled(members.get(name)?.as_str())
}
