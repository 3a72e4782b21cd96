//! Organizations: find, create, change, delete.

use serde_json::{Map, Value, json};

use crate::{
    directory::{Directory, OrganizationRecord},
    identifiers,
};

use super::{
    answer::{Answer, done, or_null, success},
    call::Call,
    failure::Failure,
    flags, page,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let order = order(call, &["name_asc", "name_desc", "email_asc", "email_desc"])?;
    let mut organizations: Vec<_> = directory.organizations.values().collect();
    organizations.sort_by(|a, b| (&a.name, &a.code).cmp(&(&b.name, &b.code)));
    if order.ends_with("_desc") {
        organizations.reverse();
    }
    let page = page::by_token(call, organizations, order)?;
    let items: Vec<_> = page.items.into_iter().map(|known| Value::Object(listed(known))).collect();
    success(json!({ "organizations": items, "next_token": page.next_token }))
}

/// Answers with the bare organization.
pub(super) fn get(call: &Call<'_>) -> Answer {
    let code = call.query("code").ok_or_else(|| {
        Failure::invalid("ORGANIZATION_REQUIRED", "The query has to name an organization by code")
    })?;
    let directory = call.provider.directory.lock();
    let organization = known(call, &directory, code)?;
    let mut described = listed(organization);
    let setting = |name: &str| organization.settings.get(name).cloned().unwrap_or_default();
    for name in LOOKS {
        described.insert(name.to_owned(), setting(name));
    }
    described.insert(
        "allowed_domains".to_owned(),
        json!(setting("allowed_domains").as_array().cloned().unwrap_or_default()),
    );
    described.insert("is_allow_registrations".to_owned(), organization.is_allow_registrations.into());
    described.insert("is_suspended".to_owned(), json!(setting("is_suspended") == true));
    if call.query_list("expand").contains(&"billing") {
        let agreements: Vec<Value> = Vec::new();
        let customer_id = identifiers::customer_id(&organization.code);
        described.insert(
            "billing".to_owned(),
            json!({ "billing_customer_id": customer_id, "agreements": agreements }),
        );
    }
    Ok(Value::Object(described))
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    let name = call.required("name")?;
    let handle = call.text("handle")?.unwrap_or_default();
    let external_id = call.text("external_id")?;
    let is_allow_registrations = call.boolean("is_allow_registrations")?.unwrap_or_default();
    let settings = settings(call)?;
    let overrides = match call.value("feature_flags") {
        None => Map::new(),
        Some(Value::Object(overrides)) => overrides.clone(),
        Some(_) => {
            return Err(Failure::invalid("FEATURE_FLAGS_INVALID", "feature_flags has to be an object"));
        }
    };
    let code = call.change(|directory| {
        check_free(directory, handle, external_id, None)?;
        let mut organization = OrganizationRecord {
            code: fresh_code(directory, if handle.is_empty() { name } else { handle }),
            handle: handle.to_owned(),
            name: name.to_owned(),
            external_id: external_id.map(str::to_owned),
            is_allow_registrations,
            settings,
            ..OrganizationRecord::invent(name)
        };
        for (key, value) in &overrides {
            organization.flags.insert(key.clone(), flags::parsed(call, directory, key, value)?);
        }
        Ok(directory.create_organization(organization))
    })?;
    let mut created = json!({ "code": code });
    if call.boolean("is_create_billing_customer")? == Some(true)
        && let Some(members) = created.as_object_mut()
    {
        members.insert("billing_customer_id".to_owned(), identifiers::customer_id(&code).into());
    }
    success(json!({ "organization": created }))
}

pub(super) fn update(call: &Call<'_>) -> Answer {
    let code = call.path("org_code");
    let name = call.text("name")?.map(str::to_owned);
    let handle = call.text("handle")?.map(str::to_owned);
    let external_id = call.text("external_id")?.map(str::to_owned);
    let is_allow_registrations = call.boolean("is_allow_registrations")?;
    let settings = settings(call)?;
    if name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Failure::invalid("NAME_REQUIRED", "An organization has a name"));
    }
    call.change(|directory| {
        known(call, directory, code)?;
        let wanted = handle.as_deref().unwrap_or_default();
        check_free(directory, wanted, external_id.as_deref(), Some(code))?;
        directory.update_organization(code, |organization| {
            if let Some(name) = name {
                organization.name = name;
            }
            if let Some(handle) = handle {
                organization.handle = handle;
            }
            if call.mentions("external_id") {
                organization.external_id = external_id;
            }
            let allows = &mut organization.is_allow_registrations;
            *allows = is_allow_registrations.unwrap_or(*allows);
            organization.settings.extend(settings);
        });
        Ok(())
    })?;
    done()
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    let code = call.path("org_code");
    if call.change(|directory| directory.delete_organization(code)) { done() } else { Err(not_found(call)) }
}

pub(super) fn delete_handle(call: &Call<'_>) -> Answer {
    let code = call.path("org_code");
    call.change(|directory| {
        known(call, directory, code)?;
        directory.update_organization(code, |organization| organization.handle.clear());
        Ok(())
    })?;
    done()
}

/// Finds an organization by code.
pub(super) fn known<'a>(
    call: &Call<'_>,
    directory: &'a Directory,
    code: &str,
) -> Result<&'a OrganizationRecord, Failure> {
    directory.organizations.get(code).ok_or_else(|| not_found(call))
}

/// Returns the order a list is asked for, the first of `known` unless the call says otherwise.
pub(super) fn order(call: &Call<'_>, known: &[&'static str]) -> Result<&'static str, Failure> {
    let wanted = call.query("sort");
    let found = known.iter().find(|order| wanted.is_none_or(|wanted| wanted == **order));
    let message = || format!("sort has to be one of {}", known.join(", "));
    found.copied().ok_or_else(|| Failure::invalid("SORT_INVALID", message()))
}

fn not_found(call: &Call<'_>) -> Failure {
    call.unknown("ORGANIZATION_NOT_FOUND", "Organization not found")
}

fn listed(organization: &OrganizationRecord) -> Map<String, Value> {
    let is_auto = organization.settings.get("is_auto_membership_enabled") == Some(&Value::Bool(true));
    [
        ("code", json!(organization.code)),
        ("name", json!(organization.name)),
        ("handle", json!(or_null(&organization.handle))),
        // The emulator has no default organization.
        ("is_default", json!(false)),
        ("external_id", json!(organization.external_id)),
        ("is_auto_membership_enabled", json!(is_auto)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Handles and external ids belong to one organization each.
fn check_free(
    directory: &Directory,
    handle: &str,
    external_id: Option<&str>,
    own_code: Option<&str>,
) -> Result<(), Failure> {
    let mut others = directory.organizations.values().filter(|known| Some(known.code.as_str()) != own_code);
    let taken = others.find_map(|known| {
        if !handle.is_empty() && known.handle == handle {
            return Some(("HANDLE_ALREADY_EXISTS", format!("The handle {handle} is already in use")));
        }
        let is_same = external_id.is_some() && known.external_id.as_deref() == external_id;
        let id = external_id.unwrap_or_default();
        is_same.then(|| ("EXTERNAL_ID_ALREADY_EXISTS", format!("The external id {id} is already in use")))
    });
    taken.map_or(Ok(()), |(code, message)| Err(Failure::invalid(code, message)))
}

/// Two organizations may have the same name, so only the first gets the code that follows from it.
fn fresh_code(directory: &Directory, name: &str) -> String {
    let code = identifiers::org_code(name);
    if directory.organizations.contains_key(&code) {
        identifiers::org_code(&identifiers::random_hex(16))
    } else {
        code
    }
}

/// Returns what the call says beside names; the emulator keeps and tells it, and does nothing by it.
fn settings(call: &Call<'_>) -> Result<std::collections::BTreeMap<String, Value>, Failure> {
    let mut settings = std::collections::BTreeMap::new();
    for name in SWITCHES {
        if let Some(value) = call.boolean(name)? {
            settings.insert(name.to_owned(), value.into());
        }
    }
    for name in LOOKS.into_iter().filter(|name| call.mentions(name)) {
        settings.insert(name.to_owned(), call.text(name)?.into());
    }
    if let Some(domains) = call.texts("allowed_domains")? {
        settings.insert("allowed_domains".to_owned(), domains.into());
    }
    Ok(settings)
}

const SWITCHES: [&str; 5] = [
    "is_auto_membership_enabled",
    "is_auto_join_domain_list",
    "is_enable_advanced_orgs",
    "is_enforce_mfa",
    "is_suspended",
];

const LOOKS: [&str; 11] = [
    "background_color",
    "button_color",
    "button_text_color",
    "link_color",
    "background_color_dark",
    "button_color_dark",
    "button_text_color_dark",
    "link_color_dark",
    "theme_code",
    "sender_name",
    "sender_email",
];
