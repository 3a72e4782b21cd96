//! Applications: find, create, change, delete, how long their tokens live, and their properties.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{
    application::{Application, ApplicationKind},
    directory::Directory,
    identifiers,
    lifetimes::ChosenLifetimes,
    property::PropertyContext,
};

use super::{
    answer::{Answer, done, said, success},
    call::Call,
    failure::Failure,
    organizations::order,
    page, properties,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let order = order(call, &["name_asc", "name_desc"])?;
    let directory = call.provider.directory.lock();
    let mut applications: Vec<_> = directory.applications.values().collect();
    applications.sort_by(|a, b| (&a.name, &a.client_id).cmp(&(&b.name, &b.client_id)));
    if order == "name_desc" {
        applications.reverse();
    }
    let page = page::by_token(call, applications, order)?;
    let items = page
        .items
        .into_iter()
        .map(|known| json!({ "id": known.client_id, "name": known.name, "type": kind(known) }));
    success(json!({ "applications": items.collect::<Vec<_>>(), "next_token": page.next_token }))
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let application = known(call, &directory)?;
    let mut described = json!({
        "id": application.client_id,
        "name": application.name,
        "type": kind(application),
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "has_cancel_button": false,
    });
    if let Some(members) = described.as_object_mut() {
        let usual = SWITCHES.map(|(name, is_on)| (name, Value::Bool(is_on)));
        let usual = usual.into_iter().chain(LINKS.map(|name| (name, Value::Null)));
        for (name, usual) in usual {
            let value = application.settings.get(name).cloned().unwrap_or(usual);
            members.insert(name.to_owned(), value);
        }
    }
    success(json!({ "application": described }))
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    let (name, kind) = (call.required("name")?, call.required("type")?);
    let make: fn(&str) -> Application = match kind {
        "reg" => Application::web,
        "spa" | "device" => Application::public,
        "m2m" => Application::machine,
        _ => {
            let message = format!("type has to be reg, spa, m2m or device, not {kind}");
            return Err(Failure::invalid("APPLICATION_TYPE_INVALID", message));
        }
    };
    let org_code = call.text("org_code")?;
    let created = call.change(|directory| {
        if let Some(code) = org_code.filter(|code| !directory.organizations.contains_key(*code)) {
            return Err(call.unknown("ORGANIZATION_NOT_FOUND", format!("There is no organization {code}")));
        }
        let mut application = make(name);
        // Two applications may have the same name, so only the first gets the identifiers that follow from it.
        if directory.applications.contains_key(&application.client_id) {
            application = make(&identifiers::random_hex(16));
            name.clone_into(&mut application.name);
        }
        application.org_code = org_code.map(str::to_owned);
        if kind == "device" {
            application.settings.insert(TYPE.to_owned(), kind.into());
        }
        directory.applications.insert(application.client_id.clone(), application.clone());
        Ok(application)
    })?;
    said(
        "APPLICATION_CREATED",
        "Application created",
        json!({ "application": {
            "id": created.client_id,
            "client_id": created.client_id,
            "client_secret": created.client_secret,
        } }),
    )
}

pub(super) fn update(call: &Call<'_>) -> Answer {
    let name = call.text("name")?;
    if name.is_some_and(|name| name.trim().is_empty()) {
        return Err(Failure::invalid("NAME_REQUIRED", "An application has a name"));
    }
    let (callbacks, logout_urls) = (call.texts("redirect_uris")?, call.texts("logout_uris")?);
    let mut settings = BTreeMap::new();
    for (switch, _) in SWITCHES {
        if let Some(value) = call.boolean(switch)? {
            settings.insert(switch.to_owned(), Value::Bool(value));
        }
    }
    for link in LINKS.into_iter().chain(["language_key"]).filter(|link| call.mentions(link)) {
        settings.insert(link.to_owned(), call.text(link)?.into());
    }
    change(call, |application| {
        if let Some(name) = name {
            name.clone_into(&mut application.name);
        }
        if let Some(callbacks) = callbacks {
            application.callbacks = callbacks;
        }
        if let Some(logout_urls) = logout_urls {
            application.logout_urls = logout_urls;
        }
        application.settings.extend(settings);
        Ok(())
    })
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    let id = call.path("application_id");
    call.change(|directory| {
        known(call, directory)?;
        directory.applications.remove(id);
        for api in directory.apis.values_mut() {
            api.disconnect(id);
        }
        Ok(())
    })?;
    done()
}

/// Sets how long tokens live, in seconds, and whether their claims have Hasura's names.
pub(super) fn update_tokens(call: &Call<'_>) -> Answer {
    let seconds = |name: &str| Ok::<_, Failure>(call.number(name)?.map(Duration::from_secs));
    let asked = ChosenLifetimes {
        access_token: seconds("access_token_lifetime")?,
        id_token: seconds("id_token_lifetime")?,
        refresh_token: seconds("refresh_token_lifetime")?,
        ..ChosenLifetimes::default()
    };
    let session = call.number("authenticated_session_lifetime")?;
    let hasura = call.boolean("is_hasura_mapping_enabled")?;
    let usual = call.provider.lifetimes;
    change(call, |application| {
        let stored = &mut application.lifetimes;
        let after = ChosenLifetimes {
            access_token: asked.access_token.or(stored.access_token),
            id_token: asked.id_token.or(stored.id_token),
            refresh_token: asked.refresh_token.or(stored.refresh_token),
            ..*stored
        };
        // Kinde's documentation: the refresh token has to outlive the access token.
        let lifetimes = usual.changed_by(after);
        if asked.refresh_token.is_some() && lifetimes.refresh_token <= lifetimes.access_token {
            let message = "refresh_token_lifetime has to be more than access_token_lifetime";
            return Err(Failure::invalid("REFRESH_TOKEN_LIFETIME_INVALID", message));
        }
        *stored = after;
        application.hasura = hasura.unwrap_or(application.hasura);
        if let Some(seconds) = session {
            application.settings.insert("authenticated_session_lifetime".to_owned(), seconds.into());
        }
        Ok(())
    })
}

pub(super) fn properties(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let values = &known(call, &directory)?.properties;
    properties::values(&directory, values, PropertyContext::Application)
}

pub(super) fn update_property(call: &Call<'_>) -> Answer {
    let key = call.path("property_key");
    let value = match call.value("value") {
        Some(value @ (Value::String(_) | Value::Bool(_))) => value.clone(),
        _ => return Err(Failure::invalid("VALUE_INVALID", "value has to be a string, true or false")),
    };
    properties::known_key(call, &call.provider.directory.lock(), key, PropertyContext::Application)?;
    change(call, |application| {
        application.properties.insert(key.to_owned(), value);
        Ok(())
    })
}

/// Changes the application that the path names.
pub(super) fn change(
    call: &Call<'_>,
    change: impl FnOnce(&mut Application) -> Result<(), Failure>,
) -> Answer {
    call.change(|directory| {
        let id = known(call, directory)?.client_id.clone();
        directory.applications.get_mut(&id).map_or(Ok(()), change)
    })?;
    done()
}

/// Finds the application that the path names, which the specification calls `application_id` or `app_id`.
pub(super) fn known<'a>(call: &Call<'_>, directory: &'a Directory) -> Result<&'a Application, Failure> {
    let id = [call.path("application_id"), call.path("app_id")].concat();
    let found = directory.applications.get(&id);
    found.ok_or_else(|| call.unknown("APPLICATION_NOT_FOUND", "Application not found"))
}

/// Returns the specification's word for what an application is.
fn kind(application: &Application) -> &'static str {
    match application.kind {
        ApplicationKind::Web => "reg",
        ApplicationKind::Machine => "m2m",
        ApplicationKind::Public if application.settings.contains_key(TYPE) => "device",
        ApplicationKind::Public => "spa",
    }
}

/// Where it stands that a public application is one of a device.
const TYPE: &str = "type";

/// With what an application has unless it was told otherwise.
const SWITCHES: [(&str, bool); 8] = [
    ("is_allow_faceless_auth", false),
    ("is_ask_for_name", true),
    ("has_marketing_consent", false),
    ("has_sign_in_link_on_sign_up_page", true),
    ("has_register_link_on_sign_in_page", true),
    ("has_sign_in_with_sso_button", false),
    ("use_gravatar_fallback", true),
    ("is_access_control_enabled", false),
];

const LINKS: [&str; 2] = ["login_uri", "homepage_uri"];
