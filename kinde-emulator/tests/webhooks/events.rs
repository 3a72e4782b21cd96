//! What webhooks say: every type on demand, and what happens in the environment by itself.

use std::collections::BTreeSet;

use kinde_emulator::{EVENT_TYPES, Environment, Seed, WebhookStyle};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, authorization_url, claims, parameter},
    receiver::Receiver,
};

/// An environment with a receiver of every event.
async fn stage() -> (Environment, Receiver) {
    let (kinde, receiver) = (Environment::start().await, Receiver::start().await);
    kinde.add_webhook(receiver.url()).unwrap();
    kinde.set_webhook_delivery(kinde_emulator::WebhookDelivery::default().with_at_most(1));
    (kinde, receiver)
}

/// What arrived since the last call: types and claims, in the order they happened.
async fn news(kinde: &Environment, receiver: &Receiver, seen: &mut usize) -> Vec<(String, Value)> {
    kinde.settled().await;
    let received = receiver.received().split_off(*seen);
    *seen += received.len();
    let told = |claims: Value| (claims.get("type").unwrap().as_str().unwrap().to_owned(), claims);
    received.iter().map(|request| told(request.claims())).collect()
}

#[tokio::test]
async fn every_documented_type_is_delivered_on_demand() {
    let (kinde, receiver) = stage().await;
    for event_type in EVENT_TYPES {
        let event_id = kinde.trigger(event_type);
        kinde.settled().await;
        let event = receiver.received().last().unwrap().claims();
        assert_eq!((&event["type"], &event["event_id"]), (&json!(event_type), &json!(event_id)));
        let mut names = BTreeSet::from(["data", "event_id", "source", "timestamp", "type"]);
        if event_type.starts_with("user.authenticat") {
            names.insert("ip_address");
        }
        let written: BTreeSet<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(written, names, "{event_type}");
    }
    assert_eq!(receiver.types(), EVENT_TYPES);
}

#[tokio::test]
async fn event_says_what_it_was_told_to() {
    let (kinde, receiver) = stage().await;
    kinde.set_time(1_790_000_000);
    let event = kinde
        .event("user.updated")
        .set("data.user.email", "ada+\"%/@example.test")
        .set("data.user.organizations.1.code", "org_1")
        .set("source", "robot")
        .set("iss", kinde.issuer())
        .without("data.user.phone");
    let event_id = event.send();
    kinde.settled().await;
    let arrived = receiver.received()[0].claims();
    assert_eq!(arrived["data"]["user"]["email"], "ada+\"%/@example.test");
    assert_eq!(arrived["data"]["user"]["organizations"][1]["code"], "org_1");
    assert_eq!((&arrived["source"], &arrived["iss"]), (&json!("robot"), &json!(kinde.issuer())));
    assert!(arrived["data"]["user"].get("phone").is_none());
    assert_eq!((&arrived["event_id"], event.id()), (&json!(event_id), event_id.as_str()));
    assert_eq!(arrived["timestamp"], "2026-09-22T00:13:20.000000+10:00");
    assert!(event_id.starts_with("event_01a0c4506"), "{event_id}");
}

#[tokio::test]
async fn unknown_type_is_delivered_with_any_data() {
    let (kinde, receiver) = stage().await;
    kinde.event("galaxy.exploded").with_data(json!([{ "id": "g_1" }])).send();
    kinde.settled().await;
    assert_eq!(receiver.types(), ["galaxy.exploded"]);
    assert_eq!(receiver.received()[0].claims()["data"], json!([{ "id": "g_1" }]));
}

#[tokio::test]
async fn documented_style_says_the_time_twice() {
    let kinde = Environment::builder().with_webhook_style(WebhookStyle::Docs2026).start().await;
    let event = claims(&kinde.event("user.created").happened_at(1_790_000_000).token());
    assert_eq!(event["timestamp"], "2026-09-21T14:13:20.000Z");
    assert_eq!(event["event_timestamp"], event["timestamp"]);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a second implementation judges what the emulator signs")]
async fn token_is_signed_but_not_delivered_and_can_be_wrong_by_name() {
    let (kinde, receiver) = stage().await;
    let event = kinde.event("user.created");
    let (good, key) = (event.token(), published_key(&kinde).await);
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let verify =
        |token: &str| jsonwebtoken::decode::<Value>(token, &key, &validation).map(|good| good.claims);
    assert_eq!(verify(&good).unwrap()["event_id"], event.id());
    let wrong = event.wrong();
    for (name, token) in [
        ("other key", wrong.other_key()),
        ("unknown kid", wrong.unknown_kid()),
        ("none", wrong.alg_none()),
        ("HMAC", wrong.hmac_with_public_key()),
        ("tampered", wrong.tampered_payload()),
    ] {
        assert!(verify(&token).is_err(), "{name}");
    }
    assert!(verify(&wrong.without("event_id")).unwrap().get("event_id").is_none());
    kinde.settled().await;
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn life_of_a_person_is_told_from_beginning_to_end() {
    let (kinde, receiver) = stage().await;
    let mut seen = 0;
    let alice = kinde.person("alice");
    alice.update(|details| {
        details.email = String::new();
        details.phone = Some("+32470000000".to_owned());
    });
    alice.update(|_| {});
    alice.suspend();
    assert!(alice.delete() && !alice.delete());
    let news = news(&kinde, &receiver, &mut seen).await;
    let types: Vec<_> = news.iter().map(|(event_type, _)| event_type.as_str()).collect();
    assert_eq!(types, ["user.created", "user.updated", "user.updated", "user.deleted"]);
    let created = json!({
        "email": "alice@example.test", "first_name": "Alice", "id": alice.id(),
        "is_password_reset_requested": false, "is_suspended": false, "last_name": "Example",
        "organizations": [], "phone": null, "username": null,
    });
    assert_eq!(news[0].1["data"]["user"], created);
    assert_eq!(
        (&news[1].1["data"]["user"]["email"], &news[1].1["data"]["user"]["phone"]),
        (&Value::Null, &json!("+32470000000"))
    );
    assert_eq!(news[2].1["data"]["user"]["is_suspended"], true);
    assert_eq!(news[3].1["data"], json!({ "user": { "id": alice.id() } }));
}

#[tokio::test]
async fn membership_is_told_as_part_of_the_person_and_shows_in_the_next_token() {
    let (kinde, receiver) = stage().await;
    let acme = kinde.org("acme");
    let alice = kinde.person("alice");
    let mut seen = 0;
    news(&kinde, &receiver, &mut seen).await;
    kinde.role("admin").add_permission("delete:todos");
    alice.add_role("acme", "admin");
    alice.add_permission("acme", "create:todos");
    let told = news(&kinde, &receiver, &mut seen).await;
    let types: Vec<_> = told.iter().map(|(event_type, _)| event_type.as_str()).collect();
    let expected = [
        "role.created",
        "permission.created",
        "role.updated",
        "user.updated",
        "permission.created",
        "user.updated",
    ];
    assert_eq!(types, expected);
    let organization = &told[5].1["data"]["user"]["organizations"][0];
    assert_eq!(organization["code"], acme.code());
    assert_eq!(organization["roles"], json!([{ "id": kinde.role("admin").id(), "key": "admin" }]));
    assert_eq!(organization["permissions"][0]["key"], "create:todos");
    let token = claims(&alice.access_token());
    assert_eq!(token["permissions"], json!(["create:todos", "delete:todos"]));
    assert_eq!(token["roles"][0]["key"], "admin");

    alice.remove_role("acme", "admin");
    assert_eq!(claims(&alice.access_token())["permissions"], json!(["create:todos"]));
    alice.remove_from_org("acme");
    assert!(claims(&alice.access_token()).get("org_code").is_none());
    let told = news(&kinde, &receiver, &mut seen).await;
    assert_eq!(told[1].1["data"]["user"]["organizations"], json!([]));
}

#[tokio::test]
async fn change_may_ask_the_environment_and_events_of_a_standing_clock_follow_each_other() {
    let (kinde, receiver) = stage().await;
    kinde.set_time(1_790_000_000);
    let (alice, bob) = (kinde.person("alice"), kinde.person("bob"));
    alice.update(|details| details.username = Some(bob.email()));
    kinde.settled().await;
    let times: Vec<_> = receiver
        .received()
        .iter()
        .map(|told| told.claims()["timestamp"].as_str().unwrap().to_owned())
        .collect();
    assert!(times.is_sorted_by(|earlier, later| earlier < later), "{times:?}");
    assert_eq!(alice.details().username, Some(bob.email()));
}

#[tokio::test]
async fn remembered_description_is_told_once() {
    let (kinde, receiver) = stage().await;
    let _ = kinde.person("alice").in_org("acme").with("create:todos").remember().remember();
    kinde.settled().await;
    let expected = ["user.created", "organization.created", "permission.created", "user.updated"];
    assert_eq!(receiver.types(), expected);
}

#[tokio::test]
async fn life_of_an_organization_is_told() {
    let (kinde, receiver) = stage().await;
    let mut seen = 0;
    let acme = kinde.org("acme");
    acme.update(|details| details.external_id = Some("acct-2291".to_owned()));
    assert!(acme.delete() && !acme.delete());
    let told = news(&kinde, &receiver, &mut seen).await;
    let (code, name) = (acme.code(), "Acme");
    let created = json!({ "code": code, "external_id": null, "handle": "acme", "name": name });
    assert_eq!(told[0].1["data"]["organization"], created);
    let updated = json!({
        "code": code, "external_id": "acct-2291", "handle": "acme", "is_allow_registrations": false, "name": name,
    });
    assert_eq!(told[1].1["data"]["organization"], updated);
    assert_eq!(told[2].1["data"], json!({ "organization": { "code": code } }));
}

#[tokio::test]
async fn life_of_a_role_is_told() {
    let (kinde, receiver) = stage().await;
    let mut seen = 0;
    let dispatcher = kinde.role("dispatcher");
    dispatcher.update(|details| details.name = "Lead dispatcher".to_owned());
    assert!(dispatcher.delete() && !dispatcher.delete());
    let told = news(&kinde, &receiver, &mut seen).await;
    let updated = json!({
        "description": "", "id": dispatcher.id(), "is_default_role": false, "key": "dispatcher",
        "name": "Lead dispatcher",
    });
    assert_eq!(told[1].1["data"]["role"], updated);
    assert_eq!(told[2].1["data"], json!({ "role": { "id": dispatcher.id() } }));
}

#[tokio::test]
async fn life_of_a_permission_is_told() {
    let (kinde, receiver) = stage().await;
    let mut seen = 0;
    let read = kinde.permission("read:tickets");
    read.update(|details| details.description = "See tickets".to_owned());
    assert!(read.delete() && !read.delete());
    let told = news(&kinde, &receiver, &mut seen).await;
    let updated = json!({ "description": "See tickets", "id": read.id(), "key": "read:tickets", "name": "Read tickets" });
    assert_eq!(told[1].1["data"]["permission"], updated);
    assert_eq!(told[2].1["data"], json!({ "permission": { "id": read.id() } }));
}

#[tokio::test]
async fn newcomer_who_registers_is_created_and_authenticated_by_themselves() {
    let (kinde, receiver) = stage().await;
    let url = authorization_url(&kinde, &[("prompt", "create"), ("scope", "openid")]);
    Browser::new().sign_in(&kinde, &url, &[("p_email", "new@example.test")]).await;
    kinde.settled().await;
    assert_eq!(receiver.types(), ["user.created", "user.authenticated"]);
    let authenticated = receiver.received()[1].claims();
    assert_eq!(
        (&authenticated["source"], &authenticated["ip_address"]),
        (&json!("user"), &json!("127.0.0.1"))
    );
    let id = &receiver.received()[0].claims()["data"]["user"]["id"];
    assert_eq!(authenticated["data"], json!({ "user": { "id": id } }));
}

#[tokio::test]
async fn stranger_at_the_sign_in_page_failed_to_authenticate() {
    let (kinde, receiver) = stage().await;
    let page = Browser::new().get(&authorization_url(&kinde, &[])).await.text().await.unwrap();
    let interaction = page.split("name=\"interaction\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = [("interaction", interaction), ("p_email", "nobody@example.test")];
    Browser::new().post(&format!("{}/oauth2/auth/sign_in", kinde.url()), &form).await;
    kinde.settled().await;
    assert_eq!(receiver.types(), ["user.authentication_failed"]);
    assert_eq!(receiver.received()[0].claims()["data"], json!({ "user": {} }));
}

#[tokio::test]
async fn suspended_person_cannot_sign_in_or_refresh() {
    let (kinde, receiver) = stage().await;
    let alice = kinde.person("alice");
    let browser = Browser::new();
    let tokens = browser.tokens(&kinde, "openid offline").await;
    alice.suspend();
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let (status, answer) = browser.token(&kinde, &form).await;
    assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    let callback = kinde.sign_in(&authorization_url(&kinde, &[]), &alice).unwrap();
    assert_eq!(parameter(&callback, "error").unwrap(), "access_denied");
    kinde.settled().await;
    let last = receiver.received().last().unwrap().claims();
    assert_eq!(
        (&last["type"], &last["data"]["user"]["id"]),
        (&json!("user.authentication_failed"), &json!(alice.id()))
    );
    alice.unsuspend();
    let callback = kinde.sign_in(&authorization_url(&kinde, &[]), &alice).unwrap();
    assert!(parameter(&callback, "code").is_some());
}

#[tokio::test]
async fn seeded_and_imported_people_are_not_told_and_the_seed_can_name_endpoints() {
    let receiver = Receiver::start().await;
    let text = format!(
        "[[people]]\nname = \"alice\"\n[[webhooks]]\nendpoint = \"{}\"\nevent_types = [\"user.created\"]\n",
        receiver.url()
    );
    let kinde = Environment::builder().with_seed(Seed::from_toml(&text).unwrap()).start().await;
    kinde.import(&Seed::example().unwrap());
    let (alice, bob) = (kinde.person("alice"), kinde.person("bob"));
    kinde.settled().await;
    assert!(receiver.received().is_empty());
    assert_eq!(kinde.webhooks()[0].event_types(), ["user.created"]);
    assert_ne!(alice.id(), bob.id());
    let _ = kinde.person("erin");
    kinde.settled().await;
    assert_eq!(receiver.types(), ["user.created"]);
}

async fn published_key(kinde: &Environment) -> jsonwebtoken::DecodingKey {
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&kinde.jwks()).unwrap();
    jsonwebtoken::DecodingKey::from_jwk(set.find(&kinde.signing_kid()).unwrap()).unwrap()
}
