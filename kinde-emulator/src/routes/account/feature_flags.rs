//! `GET /account_api/v1/feature_flags`.

use axum::Json;
use http::Uri;
use serde_json::{Value, json};

use crate::{
    directory::Directory,
    feature_flag::{FeatureFlagType, FlagRecord},
};

use super::{caller::Caller, page_of::PageOf, refusal::Refusal};

/// Lists every flag with its value for the caller.
///
/// In the specification this answer has neither `org_code` nor `metadata`, although the request has the parameters
/// of a page: nobody is told that there is more.
pub(super) async fn all(caller: Caller, uri: Uri) -> Result<Json<Value>, Refusal> {
    let items = {
        let directory = caller.provider.directory.lock();
        let values = directory.flag_values(caller.organization(&directory), caller.person(&directory));
        values.into_iter().map(|(key, value)| item(&directory, &key, value)).collect()
    };
    let page = PageOf::cut(items, &uri)?;
    Ok(Json(json!({ "data": { "feature_flags": page.items } })))
}

fn item(directory: &Directory, key: &str, value: Value) -> Value {
    let known = directory.flags.get(key);
    let flag_type = match FeatureFlagType::of_value(&value, known) {
        FeatureFlagType::Boolean => "boolean",
        FeatureFlagType::Integer => "integer",
        FeatureFlagType::String => "string",
        FeatureFlagType::Json => "json",
    };
    let known = known.cloned().unwrap_or_else(|| FlagRecord::invent(key, Value::Null));
    json!({ "id": known.id, "name": known.details.name, "key": key, "type": flag_type, "value": value })
}
