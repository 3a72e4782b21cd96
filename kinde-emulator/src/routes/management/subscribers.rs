//! Subscribers.

use serde_json::{Value, json};

use crate::subscriber::SubscriberRecord;

use super::{
    answer::{Answer, or_null, said, success},
    call::Call,
    failure::Failure,
    organizations::order,
    page,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let order = order(call, &["name_asc", "name_desc", "email_asc", "email_desc"])?;
    let directory = call.provider.directory.lock();
    let mut subscribers: Vec<_> = directory.subscribers.values().collect();
    let key = |known: &SubscriberRecord| {
        if order.starts_with("name") { known.full_name() } else { known.email.clone() }
    };
    subscribers.sort_by_key(|known| (key(known), known.id.clone()));
    if order.ends_with("_desc") {
        subscribers.reverse();
    }
    let page = page::by_token(call, subscribers, order)?;
    let items = page.items.into_iter().map(|known| {
        json!({
            "id": known.id,
            "email": known.email,
            "full_name": known.full_name(),
            "first_name": or_null(&known.first_name),
            "last_name": or_null(&known.last_name),
        })
    });
    success(json!({ "subscribers": items.collect::<Vec<_>>(), "next_token": page.next_token }))
}

/// Adds a subscriber; the specification has the values in the query.
pub(super) fn create(call: &Call<'_>) -> Answer {
    let (first_name, email) = (call.required("first_name")?, call.required("email")?);
    let last_name = call.text("last_name")?.unwrap_or_default();
    if !email.contains('@') {
        return Err(Failure::invalid("EMAIL_INVALID", format!("{email} is not an e-mail address")));
    }
    let id = call.change(|directory| directory.subscribe(email, first_name, last_name));
    said("SUBSCRIBER_CREATED", "Subscriber created", json!({ "subscriber": { "subscriber_id": id } }))
}

/// Answers with a list of one, as the specification has it.
pub(super) fn get(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let known = directory.subscribers.get(call.path("subscriber_id"));
    let known = known.ok_or_else(|| call.unknown("SUBSCRIBER_NOT_FOUND", "Subscriber not found"))?;
    let described: Value = json!({
        "id": known.id,
        "preferred_email": known.email,
        "first_name": or_null(&known.first_name),
        "last_name": or_null(&known.last_name),
    });
    success(json!({ "subscribers": [described] }))
}
