//! Round trips of every sample, and what absent, `null`, wrong and hostile members do.

mod samples;

use std::{fmt::Debug, time::Duration};

use serde_json::json;

use super::*;
use samples::SAMPLES;

#[test]
fn samples_come_back_as_they_were() {
    for (name, kind, text) in SAMPLES {
        let data = object(serde_json::from_str(text).unwrap());
        let payload = Payload::read(kind, &data).unwrap();
        assert_eq!(payload.event_type(), *kind, "{name}");
        assert_eq!(serde_json::to_value(&payload).unwrap(), Value::Object(data), "{name}");
    }
}

/// Written down from Kinde's documentation of webhooks, apart from the table of the code.
const DOCUMENTED: [&str; 27] = [
    "access_request.created",
    "customer.agreement_cancelled",
    "customer.agreement_created",
    "customer.invoice_overdue",
    "customer.meter_usage_updated",
    "customer.payment_failed",
    "customer.payment_succeeded",
    "customer.plan_assigned",
    "customer.plan_changed",
    "customer.plan_created",
    "organization.created",
    "organization.deleted",
    "organization.updated",
    "passkey.added",
    "passkey.removed",
    "permission.created",
    "permission.deleted",
    "permission.updated",
    "role.created",
    "role.deleted",
    "role.updated",
    "subscriber.created",
    "user.authenticated",
    "user.authentication_failed",
    "user.created",
    "user.deleted",
    "user.updated",
];

#[test]
fn every_documented_type_has_a_variant() {
    let mut known = EVENT_TYPES.to_vec();
    known.sort_unstable();
    assert_eq!(known, DOCUMENTED);
    let data = object(json!({
        "user": {"id": "kp_1"}, "organization": {"code": "org_1"}, "role": {"id": "1"}, "permission": {"id": "2"},
        "subscriber": {"id": "3"}, "access_request": {},
    }));
    for kind in DOCUMENTED {
        let payload = Payload::read(kind, &data).unwrap();
        assert!(!matches!(payload, Payload::Unknown { .. }), "{kind}");
        assert_eq!(payload.event_type(), kind);
        assert_eq!(serde_json::to_value(&payload).unwrap(), Value::Object(data.clone()), "{kind}");
    }
}

#[test]
fn emulator_sends_no_type_without_a_variant() {
    let mut sent = kinde_emulator::EVENT_TYPES.to_vec();
    sent.sort_unstable();
    assert_eq!(sent, DOCUMENTED);
}

/// covers: H9
#[test]
fn unknown_type_is_handed_over_as_it_came() {
    for kind in ["galaxy.exploded", "user.Created", "user", "", "user.created ", "customer.unheard_of"] {
        let data = object(json!({"galaxy": {"id": "g_1"}, "kind": null, "data": {"data": []}}));
        let payload = Payload::read(kind, &data).unwrap();
        assert_eq!(payload, Payload::Unknown { kind: kind.into(), data: data.clone() });
        assert_eq!(payload.event_type(), kind);
        assert_eq!(serde_json::to_value(&payload).unwrap(), Value::Object(data));
    }
}

#[test]
fn person_known_by_phone_only_has_no_email_and_no_name() {
    let user = sample::<UserCreated>("user.created.phone-only").user;
    assert_eq!(user.id(), "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846");
    assert_eq!(user.phone(), Some("+32470000000"));
    assert_eq!(
        (user.email(), user.first_name(), user.last_name(), user.username()),
        (None, None, None, None)
    );
    assert_eq!(user.is_suspended(), Some(false));
}

#[test]
fn empty_email_counts_as_none_and_is_kept() {
    let created = sample::<UserCreated>("user.created.2026");
    assert_eq!((created.user.email(), created.user.first_name()), (None, Some("Mira")));
    assert_eq!(serde_json::to_value(&created).unwrap()["user"]["email"], "");
}

#[test]
fn updated_person_has_roles_and_permissions_by_organization() {
    let user = sample::<UserUpdated>("user.updated").user;
    let [first, second] = user.organizations().unwrap() else { panic!("two organizations") };
    assert_eq!((first.code(), second.code()), ("org_7d21c9e04b6", "org_31f0a8d57e2"));
    assert_eq!(first.roles()[0].id(), "019240aa-51c7-7d0e-8e33-0c2f7b9a1d64");
    assert_eq!(first.roles()[0].key(), Some("dispatcher"));
    assert_eq!(first.permissions()[0].key(), Some("read:tickets"));
    assert!(second.roles().is_empty() && second.permissions().is_empty());
}

#[test]
fn other_families_are_read() {
    let organization = sample::<OrganizationUpdated>("organization.updated").organization;
    assert_eq!((organization.name(), organization.handle()), (Some("Voss Freight NV"), Some("voss-freight")));
    assert_eq!(organization.external_id(), Some("acct-2291"));
    assert_eq!(organization.is_allow_registrations(), Some(false));
    let role = sample::<RoleUpdated>("role.updated").role;
    assert_eq!((role.key(), role.name()), (Some("dispatcher"), Some("Lead dispatcher")));
    assert_eq!((role.description(), role.is_default_role()), (Some("Plans routes"), Some(false)));
    let permission = sample::<PermissionUpdated>("permission.updated").permission;
    assert_eq!((permission.key(), permission.name()), (Some("read:tickets"), Some("Read tickets")));
    assert_eq!(permission.description(), None);
    let subscriber = sample::<SubscriberCreated>("subscriber.created").subscriber;
    assert_eq!((subscriber.email(), subscriber.user_id()), (Some("lea@canal.example"), None));
    let request = sample::<AccessRequestCreated>("access_request.created").access_request;
    assert_eq!((request.first_name(), request.last_name()), (Some("Lea"), Some("Maes")));
    assert_eq!(request.user_id(), Some("kp_77aa01c3d5e24f10b9c8e6d4f2a03b51"));
}

#[test]
fn absent_null_and_wrong_members_of_a_person() {
    let malformed =
        |problem: &str| Err(format!("the payload is not that of user.updated: data.user{problem}"));
    for (name, user, expected) in [
        ("only an id", json!({"id": "kp_1"}), Ok(())),
        ("id absent", json!({}), malformed(".id is not a non-empty string")),
        ("id null", json!({"id": null}), malformed(".id is not a non-empty string")),
        ("id empty", json!({"id": ""}), malformed(".id is not a non-empty string")),
        ("id number", json!({"id": 1}), malformed(".id is not a non-empty string")),
        ("id list", json!({"id": ["kp_1"]}), malformed(".id is not a non-empty string")),
        ("person null", json!(null), malformed(" is not an object")),
        ("person text", json!("kp_1"), malformed(" is not an object")),
        ("person list", json!([{"id": "kp_1"}]), malformed(" is not an object")),
        ("texts null", json!({"id": "kp_1", "email": null, "phone": null, "image_url": null}), Ok(())),
        ("texts wrong", json!({"id": "kp_1", "email": 7, "phone": ["1"], "username": {}}), Ok(())),
        ("flags null", json!({"id": "kp_1", "is_suspended": null}), Ok(())),
        (
            "flag text",
            json!({"id": "kp_1", "is_suspended": "no"}),
            malformed(".is_suspended is not a boolean"),
        ),
        (
            "flag number",
            json!({"id": "kp_1", "is_suspended": 0}),
            malformed(".is_suspended is not a boolean"),
        ),
        ("nowhere", json!({"id": "kp_1", "organizations": []}), Ok(())),
        ("organizations null", json!({"id": "kp_1", "organizations": null}), Ok(())),
        (
            "organizations object",
            json!({"id": "kp_1", "organizations": {}}),
            malformed(".organizations is not a list"),
        ),
        ("organization null", in_organization(json!(null)), malformed(".organizations[1] is not an object")),
        (
            "no code",
            in_organization(json!({})),
            malformed(".organizations[1].code is not a non-empty string"),
        ),
        ("no roles", in_organization(json!({"code": "org_1"})), Ok(())),
        ("roles empty", in_organization(json!({"code": "org_1", "roles": [], "permissions": null})), Ok(())),
        (
            "roles text",
            in_organization(json!({"code": "org_1", "roles": "admin"})),
            malformed(".organizations[1].roles is not a list"),
        ),
        (
            "role text",
            in_organization(json!({"code": "org_1", "roles": ["admin"]})),
            malformed(".organizations[1].roles[0] is not an object"),
        ),
        (
            "role without id",
            in_organization(json!({"code": "org_1", "permissions": [{"id": "1"}, {"key": "a"}]})),
            malformed(".organizations[1].permissions[1].id is not a non-empty string"),
        ),
        ("unknown", json!({"id": "kp_1", "others": {"id": 1}, "is_vip": true, "": [null]}), Ok(())),
    ] {
        let data = json!({"user": user, "reason": {"code": null}});
        let read = UserUpdated::read(&object(data.clone()));
        if let Ok(updated) = &read {
            assert_eq!(serde_json::to_value(updated).unwrap(), data, "{name}");
            assert_eq!(serde_json::from_value::<UserUpdated>(data).unwrap(), *updated, "{name}");
        }
        assert_eq!(read.map(drop).map_err(|error| error.to_string()), expected, "{name}");
    }
}

#[test]
fn text_of_another_type_counts_as_absent_and_is_kept() {
    let data = json!({"user": {"id": "kp_1", "email": 7, "username": null, "locale": "nl"}});
    let user = UserCreated::read(&object(data)).unwrap().user;
    assert_eq!((user.email(), user.username(), user.organizations()), (None, None, None));
    assert_eq!(Value::Object(user.others().clone()), json!({"email": 7, "username": null, "locale": "nl"}));
}

#[test]
fn absent_and_empty_organizations_differ() {
    let read = |data| UserUpdated::read(&object(data)).unwrap().user;
    assert_eq!(read(json!({"user": {"id": "kp_1"}})).organizations(), None);
    assert_eq!(read(json!({"user": {"id": "kp_1", "organizations": []}})).organizations(), Some(&[][..]));
}

#[test]
fn failed_sign_in_may_name_nobody() {
    for (name, data, expected) in [
        ("nothing", json!({}), Ok(None)),
        ("null", json!({"user": null}), Ok(None)),
        ("no id", json!({"user": {}}), Ok(None)),
        ("id null", json!({"user": {"id": null}}), Ok(None)),
        ("id empty", json!({"user": {"id": ""}}), Ok(None)),
        ("id", json!({"user": {"id": "kp_1"}}), Ok(Some("kp_1".to_owned()))),
        ("id wrong", json!({"user": {"id": 7}}), Err("data.user.id is not a string")),
        ("user wrong", json!({"user": "kp_1"}), Err("data.user is not an object")),
    ] {
        let read = UserAuthenticationFailed::read(&object(data.clone()));
        if let Ok(failed) = &read {
            assert_eq!(serde_json::to_value(failed).unwrap(), data, "{name}");
        }
        let id = read.map(|failed| failed.user_id().map(str::to_owned));
        let expected = expected
            .map_err(|problem| format!("the payload is not that of user.authentication_failed: {problem}"));
        assert_eq!(id.map_err(|error| error.to_string()), expected, "{name}");
    }
}

#[test]
fn malformed_id_is_an_error_in_every_family_that_has_one() {
    let families = [
        ("user", "id", &["created", "updated", "deleted", "authenticated"][..]),
        ("organization", "code", &["created", "updated", "deleted"]),
        ("role", "id", &["created", "updated", "deleted"]),
        ("permission", "id", &["created", "updated", "deleted"]),
        ("subscriber", "id", &["created"]),
    ];
    for (family, id, happened) in families {
        for happened in happened {
            let kind = format!("{family}.{happened}");
            for wrong in [json!(null), json!(""), json!(0), json!(true), json!([]), json!({})] {
                let data = object(json!({family: {id: wrong}}));
                let error = Payload::read(&kind, &data).unwrap_err().to_string();
                let problem = format!("data.{family}.{id} is not a non-empty string");
                assert_eq!(error, format!("the payload is not that of {kind}: {problem}"));
            }
            assert!(Payload::read(&kind, &Map::new()).is_err(), "{kind}");
        }
    }
    assert!(
        Payload::read("access_request.created", &object(json!({"access_request": {"user_id": 1}}))).is_err()
    );
    assert!(Payload::read("access_request.created", &Map::new()).is_err());
}

#[test]
fn billing_events_are_read_by_best_effort() {
    let created = sample::<CustomerAgreementCreated>("customer.agreement_created.guess").data;
    assert_eq!(created.customer_id(), Some("customer_019240c07b1e7d2f8a4c5e6b9d0f3a12"));
    assert_eq!((created.org_code(), created.user_id()), (Some("org_7d21c9e04b6"), None));
    assert_eq!(created.agreement_id(), Some("agreement_019240c07c3a7e1b9f2d4a6c8e0b5d77"));
    let plan = created.plan().unwrap();
    assert_eq!((plan.code(), plan.key(), plan.name()), (Some("fleet"), Some("fleet"), Some("Fleet")));
    assert_eq!(created.plan_id(), Some("plan_019240c0"));
    // 2026-10-20T14:00:00Z
    assert_eq!(created.next_billing_date(), Some(Duration::from_secs(1_792_504_800)));
    let failed = sample::<CustomerPaymentFailed>("customer.payment_failed.guess").data;
    assert_eq!(failed.customer_id(), Some("customer_019240c07b1e7d2f8a4c5e6b9d0f3a12"));
    // 2026-09-29T13:00:00Z
    assert_eq!(failed.invoice_due_on(), Some(Duration::from_secs(1_790_686_800)));
    let counted = sample::<CustomerMeterUsageUpdated>("customer.meter_usage_updated.guess").data;
    assert_eq!((counted.meter_id(), counted.quantity()), (Some("api_calls"), Some(0.0)));
    let changed = sample::<CustomerPlanChanged>("customer.plan_changed.guess").data;
    assert_eq!(changed.user_id(), Some("kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"));
    assert_eq!(changed.plan().and_then(|plan| plan.code()), Some("solo"));
}

#[test]
fn billing_dates_have_any_offset() {
    let at = |date: Value| {
        let data = object(json!({"next_billing_date": date}));
        CustomerPlanAssigned::read(&data).unwrap().data.next_billing_date()
    };
    let expected = Some(Duration::from_secs(1_731_897_123));
    for date in [
        "2024-11-18T13:32:03+11",
        "2024-11-18T13:32:03+11:00",
        "2024-11-18T02:32:03Z",
        "2024-11-18T02:32:03.000000Z",
        "2024-11-17T21:32:03-05",
    ] {
        assert_eq!(at(json!(date)), expected, "{date}");
    }
    for date in
        [json!("2024-11-18"), json!("2024-11-18T13:32:03"), json!(""), json!(1_731_897_123), json!("+11")]
    {
        assert_eq!(at(date.clone()), None, "{date}");
    }
    assert_eq!(at(json!("1969-12-31T23:59:59+00")), None);
}

#[test]
fn billing_event_of_any_shape_is_read_and_kept() {
    for data in [
        json!({}),
        json!({"customer_id": 7, "customer": "c", "plan": "fleet", "plan_id": null, "quantity": "many"}),
        json!({"customer_id": "", "customer": {"id": ""}, "plan": {"code": 1}, "invoice_due_on": "soon"}),
        json!({"customer": [], "quantity": null, "meter_id": {}, "agreement_id": false, "org_code": ""}),
    ] {
        let read = CustomerInvoiceOverdue::read(&object(data.clone())).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), data);
        let said = &read.data;
        assert_eq!((said.customer_id(), said.org_code(), said.user_id()), (None, None, None), "{data}");
        assert_eq!((said.plan_id(), said.agreement_id(), said.meter_id()), (None, None, None), "{data}");
        assert_eq!((said.invoice_due_on(), said.quantity()), (None, None), "{data}");
        assert_eq!(said.plan().and_then(|plan| plan.code()), None, "{data}");
    }
}

#[test]
fn customer_is_found_beside_an_empty_id() {
    let data = object(json!({"customer_id": "", "customer": {"id": "customer_1"}}));
    assert_eq!(CustomerPlanCreated::read(&data).unwrap().data.customer_id(), Some("customer_1"));
}

#[test]
fn passkey_event_of_any_shape_is_read_and_kept() {
    let added = sample::<PasskeyAdded>("passkey.added.guess");
    assert_eq!(added.data.user_id(), Some("kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"));
    for data in [json!({}), json!({"user": {"id": 7}}), json!({"user": "kp_1", "passkey": {"id": "pk_1"}})] {
        let removed = PasskeyRemoved::read(&object(data.clone())).unwrap();
        assert_eq!(
            (removed.data.user_id(), Value::Object(removed.data.members().clone())),
            (None, data.clone())
        );
        assert_eq!(serde_json::to_value(&removed).unwrap(), data);
    }
}

/// covers: I4
#[test]
fn neither_errors_nor_debug_show_what_is_said_about_a_person() {
    for (name, kind, text) in SAMPLES {
        let data = object(serde_json::from_str(text).unwrap());
        let shown = format!("{:?}", Payload::read(kind, &data).unwrap());
        for secret in ["Mira", "Voss", "Lea", "Maes", "@", "+32", "mvoss", "g_1"] {
            assert!(!shown.contains(secret), "{name}: {shown}");
        }
    }
    let data =
        object(json!({"user": {"id": "kp_1", "organizations": [{"code": "org_1", "roles": "ada@x.test"}]}}));
    let error = UserCreated::read(&data).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("ada"), "{error:?}");
}

#[test]
fn debug_tells_which_it_is() {
    assert_shown(
        &sample::<UserDeleted>("user.deleted"),
        &["UserDeleted", "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"],
    );
    assert_shown(&sample::<RoleCreated>("role.created").role, &["Role", "dispatcher"]);
    assert_shown(&sample::<CustomerPlanChanged>("customer.plan_changed.guess"), &["customer_019240c07b1e"]);
    let unknown = Payload::read(&"x".repeat(1000), &Map::new()).unwrap();
    assert!(format!("{unknown:?}").len() < 200);
}

#[test]
fn huge_and_hostile_data_is_read_and_kept() {
    let mut deep = json!(null);
    for _ in 0..120 {
        deep = json!([deep]);
    }
    let organizations: Vec<_> = (0..10_000).map(|index| json!({"code": format!("org_{index}")})).collect();
    let long = "\u{0}\"%/+\\\u{202e}😀".repeat(10_000);
    let data = json!({
        "user": {
            "id": long, "email": long, "organizations": organizations, "deep": deep, long.clone(): 1e300,
            "__proto__": {"id": "x"}, "id ": "y", "ID": "z", "others": null,
        },
        "others": {"user": 1},
    });
    let created = UserCreated::read(&object(data.clone())).unwrap();
    assert_eq!(created.user.id(), long);
    assert_eq!(created.user.organizations().map(<[_]>::len), Some(10_000));
    assert_eq!(serde_json::to_value(&created).unwrap(), data);
}

#[test]
fn type_of_ones_own_is_read_without_telling_what_is_wrong_in_it() {
    #[derive(Debug, serde::Deserialize)]
    struct Invited {
        age: u8,
    }
    impl EventPayload for Invited {
        const TYPE: &'static str = "invitation.sent";
    }
    assert_eq!(Invited::read(&object(json!({"age": 7}))).unwrap().age, 7);
    let error = Invited::read(&object(json!({"age": "ada@x.test"}))).unwrap_err();
    assert_eq!(error.to_string(), "the payload is not that of invitation.sent: data has another shape");
}

fn in_organization(organization: Value) -> Value {
    json!({"id": "kp_1", "organizations": [{"code": "org_0"}, organization]})
}

fn sample<P: EventPayload>(name: &str) -> P {
    let (.., text) = SAMPLES.iter().find(|(known, ..)| *known == name).unwrap();
    P::read(&object(serde_json::from_str(text).unwrap())).unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("{value} is not an object") };
    members
}

fn assert_shown(value: &impl Debug, expected: &[&str]) {
    let shown = format!("{value:?}");
    assert!(expected.iter().all(|part| shown.contains(part)), "{shown}");
}
