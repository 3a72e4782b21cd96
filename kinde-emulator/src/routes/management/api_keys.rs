//! API keys: make, rotate, delete, verify.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    api_key::{API_KEY_PREFIX, ApiKeyOwner, ApiKeyRecord, ApiKeyStatus},
    directory::Directory,
};

use super::{
    answer::{Answer, done, said, success},
    call::Call,
    failure::Failure,
    moment, organizations, page, users,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let is_asked =
        |name: &str, value: Option<&str>| call.query(name).is_none_or(|wanted| value == Some(wanted));
    let fits = |key: &&ApiKeyRecord| {
        is_asked("key_type", Some(key.owner.kind()))
            && is_asked("status", Some(key.status.name()))
            && is_asked("user_id", key.owner.user_id())
            && is_asked("org_code", key.owner.org_code())
    };
    let keys = directory.api_keys.iter().filter(fits).collect();
    let (keys, has_more) = page::by_id(call, keys, USUAL_SIZE, |key| &key.id)?;
    let items: Vec<_> = keys.into_iter().map(described).collect();
    success(json!({ "api_keys": items, "has_more": has_more }))
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let key = known(call, &directory)?;
    let mut body = described(key);
    if let Some(members) = body.as_object_mut() {
        members.insert("verification_count".to_owned(), key.verification_count.into());
        members.insert("organization_id".to_owned(), key.owner.org_code().into());
        members.insert("user_id".to_owned(), key.owner.user_id().into());
    }
    success(json!({ "api_key": body }))
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    let (name, api_id) = (call.required("name")?, call.required("api_id")?);
    let kind = call.required("type")?;
    let scope_ids = call.texts("scope_ids")?.unwrap_or_default();
    let now = call.now();
    let (id, secret) = call.change(|directory| {
        let owner = owner(call, directory, kind)?;
        let api = directory.apis.values().find(|api| api.id == api_id);
        let api = api.ok_or_else(|| call.unknown("API_NOT_FOUND", "API not found"))?;
        let mut key = ApiKeyRecord::new(name, owner, api_id, now);
        for id in &scope_ids {
            let scope = api.scopes.iter().find(|scope| scope.id == *id);
            let scope =
                scope.ok_or_else(|| call.unknown("SCOPE_NOT_FOUND", format!("There is no scope {id}")))?;
            key.scopes.push(scope.key.clone());
        }
        let caller = call.caller.as_ref().and_then(|caller| directory.applications.get(caller));
        key.created_by = caller.map(|application| application.name.clone());
        Ok::<_, Failure>(directory.api_keys.add(key))
    })?;
    said("API_KEY_CREATED", "API key created", json!({ "api_key": { "id": id, "key": secret } }))
}

pub(super) fn rotate(call: &Call<'_>) -> Answer {
    let id = call.path("key_id");
    let secret = call.change(|directory| directory.api_keys.rotate(id)).ok_or_else(|| not_found(call))?;
    said("API_KEY_ROTATED", "API key rotated successfully", json!({ "api_key": { "id": id, "key": secret } }))
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    let id = call.path("key_id");
    if call.change(|directory| directory.api_keys.remove(id)) { done() } else { Err(not_found(call)) }
}

/// Tells whether a key is good; one that is not known is 401, one that was revoked is not valid: a guess.
pub(super) fn verify(call: &Call<'_>) -> Answer {
    let secret = call.required("api_key")?;
    let now = call.now();
    let key = call
        .change(|directory| directory.api_keys.verify(secret, now))
        .ok_or_else(|| Failure::new(StatusCode::UNAUTHORIZED, "API_KEY_INVALID", "Invalid API key"))?;
    let is_valid = key.status == ApiKeyStatus::Active;
    said(
        "API_KEY_VERIFIED",
        "API key verified",
        json!({
            "is_valid": is_valid,
            "key_id": key.id,
            "status": key.status.name(),
            "scopes": if is_valid { key.scopes.as_slice() } else { &[] },
            "org_code": key.owner.org_code(),
            "user_id": key.owner.user_id(),
            "last_verified_on": key.last_verified_at.map(moment::short),
            "verification_count": key.verification_count,
        }),
    )
}

fn owner(call: &Call<'_>, directory: &Directory, kind: &str) -> Result<ApiKeyOwner, Failure> {
    match kind {
        "user" => {
            let id = call.required("user_id")?;
            users::known(call, directory, id)?;
            Ok(ApiKeyOwner::Person(id.to_owned()))
        }
        "organization" => {
            let code = call.required("org_code")?;
            organizations::known(call, directory, code)?;
            Ok(ApiKeyOwner::Organization(code.to_owned()))
        }
        "environment" => Ok(ApiKeyOwner::Environment),
        _ => {
            let message = format!("type has to be user, organization or environment, not {kind}");
            Err(Failure::invalid("TYPE_INVALID", message))
        }
    }
}

fn known<'a>(call: &Call<'_>, directory: &'a Directory) -> Result<&'a ApiKeyRecord, Failure> {
    directory.api_keys.get(call.path("key_id")).ok_or_else(|| not_found(call))
}

fn not_found(call: &Call<'_>) -> Failure {
    call.unknown("API_KEY_NOT_FOUND", "API key not found")
}

fn described(key: &ApiKeyRecord) -> Value {
    let suffix = key.secret.len().checked_sub(4).and_then(|from| key.secret.get(from..));
    json!({
        "id": key.id,
        "name": key.name,
        "type": key.owner.kind(),
        "status": key.status.name(),
        // The specification has `k_live` for one key and `kinde_` in its list.
        "key_prefix": API_KEY_PREFIX.trim_end_matches('_'),
        "key_suffix": suffix,
        "created_on": moment::short(key.created_at),
        "last_verified_on": key.last_verified_at.map(moment::short),
        "last_verified_ip": key.last_verified_at.map(|_| "127.0.0.1"),
        "created_by": key.created_by,
        "api_ids": [key.api_id],
        "scopes": key.scopes,
    })
}

/// What a list has unless the call says otherwise; every other list has 10.
const USUAL_SIZE: usize = 50;
