//! The data of each event type, as samples and as the environment's own people and organizations.

use serde_json::{Value, json};

/// Every event type Kinde documents.
///
/// A tenant may know others: the list is open, and so is [`Environment::event`](crate::Environment::event).
pub const EVENT_TYPES: &[&str] = &[
    "user.created",
    "user.updated",
    "user.deleted",
    "user.authenticated",
    "user.authentication_failed",
    "organization.created",
    "organization.updated",
    "organization.deleted",
    "role.created",
    "role.updated",
    "role.deleted",
    "permission.created",
    "permission.updated",
    "permission.deleted",
    "subscriber.created",
    "access_request.created",
    "passkey.added",
    "passkey.removed",
    "customer.agreement_created",
    "customer.agreement_cancelled",
    "customer.plan_assigned",
    "customer.plan_changed",
    "customer.plan_created",
    "customer.payment_succeeded",
    "customer.payment_failed",
    "customer.invoice_overdue",
    "customer.meter_usage_updated",
];

/// What an event of a type says unless told otherwise.
pub(crate) struct Sample {
    pub(crate) source: &'static str,
    pub(crate) data: Value,
    pub(crate) ip_address: Option<&'static str>,
}

/// Returns data such as Kinde sends for an event type; `{}` for a type nobody knows.
pub(crate) fn sample(event_type: &str) -> Sample {
    let (source, data) = match event_type.split_once('.') {
        Some(("user", happened)) => user(happened),
        Some(("organization", happened)) => organization(happened),
        Some(("role", happened)) => role(happened),
        Some(("permission", happened)) => permission(happened),
        Some(("subscriber", "created")) => ("user", subscriber()),
        Some(("access_request", "created")) => ("user", access_request()),
        // A guess: what Kinde sends for these is not documented.
        Some(("passkey", "added" | "removed")) => ("user", json!({ "user": { "id": USER } })),
        Some(("customer", happened)) => customer(happened),
        _ => ("user", json!({})),
    };
    let has_address = matches!(event_type, "user.authenticated" | "user.authentication_failed");
    Sample { source, data, ip_address: has_address.then_some("203.0.113.24") }
}

fn user(happened: &str) -> (&'static str, Value) {
    let organization = json!({ "code": ORGANIZATION, "permissions": null, "roles": null });
    let mut user = json!({
        "email": "mira.voss@larkspur.example",
        "first_name": "Mira",
        "id": USER,
        "is_password_reset_requested": false,
        "is_suspended": false,
        "last_name": "Voss",
        "organizations": [organization],
        "phone": null,
        "username": null,
    });
    match happened {
        "created" => ("user", json!({ "user": user })),
        "updated" => {
            if let Some(fields) = user.as_object_mut() {
                fields.insert("username".to_owned(), json!("mvoss"));
                fields.insert(
                    "organizations".to_owned(),
                    json!([
                        {
                            "code": ORGANIZATION,
                            "permissions": [{ "id": PERMISSION, "key": "read:tickets" }],
                            "roles": [{ "id": ROLE, "key": "dispatcher" }],
                        },
                        { "code": "org_31f0a8d57e2", "permissions": null, "roles": null },
                    ]),
                );
            }
            ("admin", json!({ "user": user }))
        }
        "deleted" => ("admin", json!({ "user": { "id": USER } })),
        "authenticated" | "authentication_failed" => ("user", json!({ "user": { "id": USER } })),
        _ => ("user", json!({})),
    }
}

fn organization(happened: &str) -> (&'static str, Value) {
    let organization = match happened {
        "created" => json!({
            "code": ORGANIZATION, "external_id": null, "handle": "voss-freight", "name": "Voss Freight",
        }),
        "updated" => json!({
            "code": ORGANIZATION,
            "external_id": "acct-2291",
            "handle": "voss-freight",
            "is_allow_registrations": false,
            "name": "Voss Freight NV",
        }),
        "deleted" => json!({ "code": ORGANIZATION }),
        _ => return ("user", json!({})),
    };
    (if happened == "updated" { "api" } else { "admin" }, json!({ "organization": organization }))
}

fn role(happened: &str) -> (&'static str, Value) {
    let role = match happened {
        "created" | "updated" => json!({
            "description": "Plans routes",
            "id": ROLE,
            "is_default_role": false,
            "key": "dispatcher",
            "name": if happened == "created" { "Dispatcher" } else { "Lead dispatcher" },
        }),
        "deleted" => json!({ "id": ROLE }),
        _ => return ("user", json!({})),
    };
    ("admin", json!({ "role": role }))
}

fn permission(happened: &str) -> (&'static str, Value) {
    let permission = match happened {
        "created" | "updated" => json!({
            "description": if happened == "created" { "See tickets" } else { "" },
            "id": PERMISSION,
            "key": "read:tickets",
            "name": "Read tickets",
        }),
        "deleted" => json!({ "id": PERMISSION }),
        _ => return ("user", json!({})),
    };
    ("admin", json!({ "permission": permission }))
}

fn subscriber() -> Value {
    json!({ "subscriber": {
        "email": "lea@canal.example",
        "first_name": "Lea",
        "id": "subscriber_019240b2c1d07e4f9a3b6c5d8e7f1024",
        "last_name": "Maes",
        "user_id": "",
    } })
}

fn access_request() -> Value {
    json!({ "access_request": {
        "email": "lea@canal.example",
        "first_name": "Lea",
        "last_name": "Maes",
        "user_id": "kp_77aa01c3d5e24f10b9c8e6d4f2a03b51",
    } })
}

/// Guesses throughout: there is no official schema. The names are those that Kinde's own billing components read,
/// which differ between two of them (`customer_id`, `customer.id`).
fn customer(happened: &str) -> (&'static str, Value) {
    let agreement = json!({
        "agreement_id": "agreement_019240c07c3a7e1b9f2d4a6c8e0b5d77",
        "customer_id": CUSTOMER,
        "next_billing_date": "2026-10-21T00:00:00+10",
        "org_code": ORGANIZATION,
        "plan": { "code": "fleet", "key": "fleet", "name": "Fleet" },
        "plan_id": "plan_019240c0",
    });
    match happened {
        "agreement_created" | "agreement_cancelled" | "plan_assigned" => ("user", agreement),
        "plan_changed" => {
            ("user", json!({ "customer_id": CUSTOMER, "plan": { "code": "solo" }, "user_id": USER }))
        }
        "plan_created" => ("admin", json!({ "plan": { "code": "fleet", "key": "fleet", "name": "Fleet" } })),
        // Dates with a two-digit offset, which strict readers of RFC 3339 refuse, do occur in Kinde's billing data.
        "payment_succeeded" | "payment_failed" | "invoice_overdue" => {
            ("api", json!({ "customer": { "id": CUSTOMER }, "invoice_due_on": "2026-09-30T00:00:00+11" }))
        }
        "meter_usage_updated" => {
            ("api", json!({ "customer_id": CUSTOMER, "meter_id": "api_calls", "quantity": 0 }))
        }
        _ => ("user", json!({})),
    }
}

const USER: &str = "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846";
const ORGANIZATION: &str = "org_7d21c9e04b6";
const ROLE: &str = "019240aa-51c7-7d0e-8e33-0c2f7b9a1d64";
const PERMISSION: &str = "019240ab-0001-7aaa-8bbb-0123456789ab";
const CUSTOMER: &str = "customer_019240c07b1e7d2f8a4c5e6b9d0f3a12";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_type_has_data_of_its_own() {
        assert_eq!(EVENT_TYPES.len(), 27);
        for event_type in EVENT_TYPES {
            assert!(sample(event_type).data.as_object().is_some_and(|data| !data.is_empty()), "{event_type}");
        }
    }

    #[test]
    fn type_nobody_knows_has_no_data() {
        for event_type in ["galaxy.exploded", "user", "user.exploded", "customer.exploded", ""] {
            assert_eq!(sample(event_type).data, json!({}), "{event_type}");
        }
    }
}
