//! `GET /account_api/v1/properties`.

use std::collections::BTreeMap;

use axum::Json;
use http::Uri;
use serde_json::{Value, json};

use crate::{
    directory::Directory,
    property::{PropertyContext, PropertyRecord},
};

use super::{caller::Caller, page_of::PageOf, refusal::Refusal};

/// Lists the properties that people have, with the caller's values; an unset one is null.
///
/// That private ones are left out is inferred.
pub(super) async fn all(caller: Caller, uri: Uri) -> Result<Json<Value>, Refusal> {
    let items = items(&caller, &caller.provider.directory.lock());
    let page = PageOf::cut(items, &uri)?;
    let metadata = page.metadata();
    Ok(Json(json!({ "data": { "properties": page.items }, "metadata": metadata })))
}

fn items(caller: &Caller, directory: &Directory) -> Vec<Value> {
    let of_people =
        directory.properties.values().filter(|known| known.details.context == PropertyContext::Person);
    let mut values: BTreeMap<&str, &Value> =
        of_people.map(|known| (known.key.as_str(), &Value::Null)).collect();
    let held = caller.person(directory).into_iter().flat_map(|person| &person.properties);
    values.extend(held.map(|(key, value)| (key.as_str(), value)));
    values.retain(|key, _| !directory.is_private_property(key));
    values.into_iter().map(|(key, value)| item(directory, key, value)).collect()
}

fn item(directory: &Directory, key: &str, value: &Value) -> Value {
    let known = directory.properties.get(key).cloned();
    let known = known.unwrap_or_else(|| PropertyRecord::invent(key, PropertyContext::Person));
    json!({ "id": known.id, "name": known.details.name, "key": key, "value": value })
}
