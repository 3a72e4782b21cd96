//! Events after Kinde's documentation and published code, with names and ids of nobody; `guess` marks what neither
//! shows.

/// Name, type and data of each.
pub(super) const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "access_request.created",
        "access_request.created",
        r#"{
          "access_request": {
            "email": "lea@canal.example",
            "first_name": "Lea",
            "last_name": "Maes",
            "user_id": "kp_77aa01c3d5e24f10b9c8e6d4f2a03b51"
          }
        }"#,
    ),
    (
        "customer.agreement_created.guess",
        "customer.agreement_created",
        r#"{
          "customer_id": "customer_019240c07b1e7d2f8a4c5e6b9d0f3a12",
          "org_code": "org_7d21c9e04b6",
          "agreement_id": "agreement_019240c07c3a7e1b9f2d4a6c8e0b5d77",
          "plan_id": "plan_019240c0",
          "plan": {
            "code": "fleet",
            "key": "fleet",
            "name": "Fleet"
          },
          "next_billing_date": "2026-10-21T00:00:00+10"
        }"#,
    ),
    (
        "customer.meter_usage_updated.guess",
        "customer.meter_usage_updated",
        r#"{
          "customer_id": "customer_019240c07b1e7d2f8a4c5e6b9d0f3a12",
          "meter_id": "api_calls",
          "quantity": 0
        }"#,
    ),
    (
        "customer.payment_failed.guess",
        "customer.payment_failed",
        r#"{
          "customer": {
            "id": "customer_019240c07b1e7d2f8a4c5e6b9d0f3a12"
          },
          "invoice_due_on": "2026-09-30T00:00:00+11"
        }"#,
    ),
    (
        "customer.plan_changed.guess",
        "customer.plan_changed",
        r#"{
          "customer_id": "customer_019240c07b1e7d2f8a4c5e6b9d0f3a12",
          "user_id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846",
          "plan": {
            "code": "solo"
          }
        }"#,
    ),
    (
        "organization.created",
        "organization.created",
        r#"{
          "organization": {
            "code": "org_7d21c9e04b6",
            "external_id": null,
            "handle": "voss-freight",
            "name": "Voss Freight"
          }
        }"#,
    ),
    ("organization.deleted", "organization.deleted", r#"{"organization": {"code": "org_7d21c9e04b6"}}"#),
    (
        "organization.updated",
        "organization.updated",
        r#"{
          "organization": {
            "code": "org_7d21c9e04b6",
            "external_id": "acct-2291",
            "handle": "voss-freight",
            "is_allow_registrations": false,
            "name": "Voss Freight NV"
          }
        }"#,
    ),
    ("passkey.added.guess", "passkey.added", r#"{"user": {"id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"}}"#),
    (
        "permission.created",
        "permission.created",
        r#"{
          "permission": {
            "description": "See tickets",
            "id": "019240ab-0001-7aaa-8bbb-0123456789ab",
            "key": "read:tickets",
            "name": "Read tickets"
          }
        }"#,
    ),
    (
        "permission.deleted",
        "permission.deleted",
        r#"{"permission": {"id": "019240ab-0001-7aaa-8bbb-0123456789ab"}}"#,
    ),
    (
        "permission.updated",
        "permission.updated",
        r#"{
          "permission": {
            "description": "",
            "id": "019240ab-0001-7aaa-8bbb-0123456789ab",
            "key": "read:tickets",
            "name": "Read tickets"
          }
        }"#,
    ),
    (
        "role.created",
        "role.created",
        r#"{
          "role": {
            "description": "Plans routes",
            "id": "019240aa-51c7-7d0e-8e33-0c2f7b9a1d64",
            "is_default_role": false,
            "key": "dispatcher",
            "name": "Dispatcher"
          }
        }"#,
    ),
    ("role.deleted", "role.deleted", r#"{"role": {"id": "019240aa-51c7-7d0e-8e33-0c2f7b9a1d64"}}"#),
    (
        "role.updated",
        "role.updated",
        r#"{
          "role": {
            "description": "Plans routes",
            "id": "019240aa-51c7-7d0e-8e33-0c2f7b9a1d64",
            "is_default_role": false,
            "key": "dispatcher",
            "name": "Lead dispatcher"
          }
        }"#,
    ),
    (
        "subscriber.created",
        "subscriber.created",
        r#"{
          "subscriber": {
            "email": "lea@canal.example",
            "first_name": "Lea",
            "id": "subscriber_019240b2c1d07e4f9a3b6c5d8e7f1024",
            "last_name": "Maes",
            "user_id": ""
          }
        }"#,
    ),
    ("unknown.type", "galaxy.exploded", r#"{"galaxy": {"id": "g_1"}}"#),
    (
        "user.authenticated",
        "user.authenticated",
        r#"{"user": {"id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"}}"#,
    ),
    (
        "user.authentication_failed",
        "user.authentication_failed",
        r#"{"user": {"id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"}}"#,
    ),
    (
        "user.created.2026",
        "user.created",
        r#"{
          "user": {
            "email": "",
            "first_name": "Mira",
            "id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846",
            "is_password_reset_requested": false,
            "is_suspended": false,
            "last_name": "Voss",
            "organizations": [
              {
                "code": "org_7d21c9e04b6",
                "permissions": null,
                "roles": null
              }
            ],
            "phone": null,
            "username": null
          }
        }"#,
    ),
    (
        "user.created",
        "user.created",
        r#"{
          "user": {
            "email": "mira.voss@larkspur.example",
            "first_name": "Mira",
            "id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846",
            "is_password_reset_requested": false,
            "is_suspended": false,
            "last_name": "Voss",
            "organizations": [
              {
                "code": "org_7d21c9e04b6",
                "permissions": null,
                "roles": null
              }
            ],
            "phone": null,
            "username": null
          }
        }"#,
    ),
    (
        "user.created.phone-only",
        "user.created",
        r#"{
          "user": {
            "email": null,
            "first_name": null,
            "id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846",
            "is_password_reset_requested": false,
            "is_suspended": false,
            "last_name": null,
            "organizations": [
              {
                "code": "org_7d21c9e04b6",
                "permissions": null,
                "roles": null
              }
            ],
            "phone": "+32470000000",
            "username": null
          }
        }"#,
    ),
    ("user.deleted", "user.deleted", r#"{"user": {"id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"}}"#),
    (
        "user.updated",
        "user.updated",
        r#"{
          "user": {
            "email": "mira.voss@larkspur.example",
            "first_name": "Mira",
            "id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846",
            "is_password_reset_requested": false,
            "is_suspended": false,
            "last_name": "Voss",
            "organizations": [
              {
                "code": "org_7d21c9e04b6",
                "permissions": [
                  {
                    "id": "019240ab-0001-7aaa-8bbb-0123456789ab",
                    "key": "read:tickets"
                  }
                ],
                "roles": [
                  {
                    "id": "019240aa-51c7-7d0e-8e33-0c2f7b9a1d64",
                    "key": "dispatcher"
                  }
                ]
              },
              {
                "code": "org_31f0a8d57e2",
                "permissions": null,
                "roles": null
              }
            ],
            "phone": null,
            "username": "mvoss"
          }
        }"#,
    ),
];
