//! `GET /account_api/v1/permissions` and `/permission/{key}`.

use axum::{Json, extract::Path};
use http::Uri;
use serde_json::{Value, json};

use crate::{directory::Directory, identifiers, permission::PermissionRecord};

use super::{caller::Caller, page_of::PageOf, refusal::Refusal};

/// Lists what the caller may do in their organization.
pub(super) async fn all(caller: Caller, uri: Uri) -> Result<Json<Value>, Refusal> {
    let items = {
        let directory = caller.provider.directory.lock();
        held(&caller, &directory).iter().map(|key| item(&directory, key)).collect()
    };
    let page = PageOf::cut(items, &uri)?;
    let metadata = page.metadata();
    let data = json!({ "org_code": caller.org_code, "permissions": page.items });
    Ok(Json(json!({ "data": data, "metadata": metadata })))
}

/// Tells whether the caller has one permission.
///
/// No specification has this; the shape is the one that js-utils and Kinde's Go library read.
pub(super) async fn one(caller: Caller, Path(key): Path<String>) -> Json<Value> {
    let is_granted = held(&caller, &caller.provider.directory.lock()).contains(&key);
    Json(json!({ "permissionKey": key, "orgCode": caller.org_code, "isGranted": is_granted }))
}

fn held(caller: &Caller, directory: &Directory) -> Vec<String> {
    let membership = caller.membership(directory);
    membership.map(|held| directory.held(&held.permissions, &held.roles)).unwrap_or_default()
}

fn item(directory: &Directory, key: &str) -> Value {
    let known = directory.permissions.get(key).cloned().unwrap_or_else(|| PermissionRecord::invent(key));
    json!({ "id": identifiers::prefixed("perm", &known.id), "name": known.details.name, "key": key })
}
