//! `GET /account_api/v1/roles`.

use axum::Json;
use http::Uri;
use serde_json::{Value, json};

use crate::{directory::Directory, identifiers, role::RoleRecord};

use super::{caller::Caller, page_of::PageOf, refusal::Refusal};

/// Lists the caller's roles in their organization, whether or not their token has the claim.
pub(super) async fn all(caller: Caller, uri: Uri) -> Result<Json<Value>, Refusal> {
    let items = {
        let directory = caller.provider.directory.lock();
        let held = caller.membership(&directory).map(|membership| membership.roles.as_slice());
        held.unwrap_or_default().iter().map(|key| item(&directory, key)).collect()
    };
    let page = PageOf::cut(items, &uri)?;
    let metadata = page.metadata();
    let data = json!({ "org_code": caller.org_code, "roles": page.items });
    Ok(Json(json!({ "data": data, "metadata": metadata })))
}

fn item(directory: &Directory, key: &str) -> Value {
    let known = directory.roles.get(key).cloned().unwrap_or_else(|| RoleRecord::invent(key));
    json!({ "id": identifiers::prefixed("role", &known.id), "name": known.details.name, "key": key })
}
