//! Feature flags, and what overrides them for the environment, an organization or a person.

use serde_json::{Map, Value, json};

use crate::{
    directory::Directory,
    feature_flag::{FeatureFlagDetails, FeatureFlagLevel, FeatureFlagType, FlagRecord},
};

use super::{
    answer::{Answer, done, success},
    call::Call,
    failure::Failure,
    organizations, users,
};

pub(super) fn create(call: &Call<'_>) -> Answer {
    let (name, key) = (call.required("name")?, call.required("key")?);
    let flag_type = flag_type(call.required("type")?)?;
    let description = call.text("description")?.unwrap_or_default();
    let override_level = call.text("allow_override_level")?.map(level).transpose()?;
    let default_value = value_of(flag_type, &default_value(call)?)?;
    call.change(|directory| {
        if directory.flags.contains_key(key) {
            let message = format!("The feature flag key {key} is already in use");
            return Err(Failure::invalid("FEATURE_FLAG_ALREADY_EXISTS", message));
        }
        let mut flag = FlagRecord::invent(key, default_value);
        flag.details = FeatureFlagDetails {
            name: name.to_owned(),
            description: description.to_owned(),
            flag_type,
            override_level: override_level.unwrap_or_default(),
            ..flag.details
        };
        directory.flags.insert(key.to_owned(), flag);
        Ok(())
    })?;
    done()
}

/// Changes a flag; the specification has the values in the query.
pub(super) fn update(call: &Call<'_>) -> Answer {
    let name = call.required("name")?;
    let description = call.text("description")?.unwrap_or_default();
    let flag_type = flag_type(call.required("type")?)?;
    let override_level = call.text("allow_override_level")?.map(level).transpose()?;
    let default_value = value_of(flag_type, &default_value(call)?)?;
    change(call, |flag| {
        flag.details = FeatureFlagDetails {
            name: name.to_owned(),
            description: description.to_owned(),
            flag_type,
            default_value,
            override_level: override_level.unwrap_or(flag.details.override_level),
        };
        Ok(())
    })
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    let key = call.path("feature_flag_key");
    if call.change(|directory| directory.delete_flag(key)) { done() } else { Err(not_found(call)) }
}

/// Lists the overrides of the environment.
pub(super) fn of_environment(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let overrides =
        directory.flags.values().filter_map(|flag| Some((flag, flag.environment_value.as_ref()?)));
    let overrides =
        overrides.map(|(flag, value)| (flag.key.clone(), described(&directory, &flag.key, value)));
    success(json!({ "feature_flags": overrides.collect::<Map<_, _>>(), "next_token": null }))
}

pub(super) fn override_environment(call: &Call<'_>) -> Answer {
    let asked = asked_value(call)?;
    change(call, |flag| {
        flag.environment_value = Some(value_of(flag.details.flag_type, &asked)?);
        Ok(())
    })
}

pub(super) fn end_environment_override(call: &Call<'_>) -> Answer {
    change(call, |flag| {
        flag.environment_value = None;
        Ok(())
    })
}

pub(super) fn end_environment_overrides(call: &Call<'_>) -> Answer {
    call.change(|directory| directory.flags.values_mut().for_each(|flag| flag.environment_value = None));
    done()
}

pub(super) fn of_organization(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let organization = organizations::known(call, &directory, call.path("org_code"))?;
    let overrides = organization.flags.iter();
    let overrides = overrides.map(|(key, value)| (key.clone(), described(&directory, key, value)));
    success(json!({ "feature_flags": overrides.collect::<Map<_, _>>() }))
}

pub(super) fn override_organization(call: &Call<'_>) -> Answer {
    let (code, key) = (call.path("org_code"), call.path("feature_flag_key"));
    let asked = asked_value(call)?;
    call.change(|directory| {
        organizations::known(call, directory, code)?;
        let value = override_of(call, directory, &asked, FeatureFlagLevel::Organization)?;
        directory.update_organization(code, |known| drop(known.flags.insert(key.to_owned(), value)));
        Ok(())
    })?;
    done()
}

pub(super) fn end_organization_override(call: &Call<'_>) -> Answer {
    let (code, key) = (call.path("org_code"), call.path("feature_flag_key"));
    call.change(|directory| {
        if !organizations::known(call, directory, code)?.flags.contains_key(key) {
            return Err(not_found(call));
        }
        directory.update_organization(code, |known| drop(known.flags.remove(key)));
        Ok(())
    })?;
    done()
}

pub(super) fn end_organization_overrides(call: &Call<'_>) -> Answer {
    let code = call.path("org_code");
    call.change(|directory| {
        organizations::known(call, directory, code)?;
        directory.update_organization(code, |known| known.flags.clear());
        Ok(())
    })?;
    done()
}

pub(super) fn override_user(call: &Call<'_>) -> Answer {
    let (id, key, now) = (call.path("user_id"), call.path("feature_flag_key"), call.now());
    let asked = asked_value(call)?;
    call.change(|directory| {
        users::known(call, directory, id)?;
        let value = override_of(call, directory, &asked, FeatureFlagLevel::Person)?;
        directory.update_person(id, now, |person| drop(person.flags.insert(key.to_owned(), value)));
        Ok(())
    })?;
    done()
}

/// Reads the value of a flag of the environment that an organization is created with.
pub(super) fn parsed(
    call: &Call<'_>,
    directory: &Directory,
    key: &str,
    value: &Value,
) -> Result<Value, Failure> {
    let flag = directory.flags.get(key).ok_or_else(|| not_found(call))?;
    // The specification has the keys with `str`, `int` and `bool` as examples of values; a value is what can be used.
    value_of(flag.details.flag_type, value)
}

fn override_of(
    call: &Call<'_>,
    directory: &Directory,
    asked: &Value,
    level: FeatureFlagLevel,
) -> Result<Value, Failure> {
    let flag = directory.flags.get(call.path("feature_flag_key")).ok_or_else(|| not_found(call))?;
    if flag.details.override_level < level {
        let message = format!("The feature flag {} cannot be overridden at this level", flag.key);
        return Err(Failure::invalid("OVERRIDE_NOT_ALLOWED", message));
    }
    value_of(flag.details.flag_type, asked)
}

fn change(call: &Call<'_>, change: impl FnOnce(&mut FlagRecord) -> Result<(), Failure>) -> Answer {
    call.change(|directory| {
        let flag = directory.flags.get_mut(call.path("feature_flag_key"));
        change(flag.ok_or_else(|| not_found(call))?)
    })?;
    done()
}

fn not_found(call: &Call<'_>) -> Failure {
    call.unknown("FEATURE_FLAG_NOT_FOUND", "Feature flag not found")
}

fn described(directory: &Directory, key: &str, value: &Value) -> Value {
    let name = match FeatureFlagType::of_value(value, directory.flags.get(key)) {
        FeatureFlagType::Boolean => "bool",
        FeatureFlagType::Integer => "int",
        FeatureFlagType::String => "str",
        FeatureFlagType::Json => "json",
    };
    json!({ "type": name, "value": value })
}

/// Returns what an override is to say: in the query, as the specification has it for most, or in the body.
fn asked_value(call: &Call<'_>) -> Result<Value, Failure> {
    written(call, "value")
}

fn default_value(call: &Call<'_>) -> Result<Value, Failure> {
    written(call, "default_value")
}

fn written(call: &Call<'_>, name: &str) -> Result<Value, Failure> {
    let in_query = || call.query(name).map(|text| Value::String(text.to_owned()));
    call.value(name).cloned().or_else(in_query).ok_or_else(|| {
        Failure::invalid(format!("{}_REQUIRED", name.to_ascii_uppercase()), format!("{name} is required"))
    })
}

/// Reads a value of a type: the specification writes all of them as text.
fn value_of(flag_type: FeatureFlagType, value: &Value) -> Result<Value, Failure> {
    let wrong = |expected: &str| {
        let message = format!("The value of this feature flag has to be {expected}, not {value}");
        Failure::invalid("FEATURE_FLAG_VALUE_INVALID", message)
    };
    let text = value.as_str();
    match flag_type {
        FeatureFlagType::Boolean => match (value.as_bool(), text) {
            (Some(value), _) => Ok(value.into()),
            (None, Some("true")) => Ok(true.into()),
            (None, Some("false")) => Ok(false.into()),
            _ => Err(wrong("true or false")),
        },
        FeatureFlagType::Integer => {
            let number = value.as_i64().or_else(|| text.and_then(|text| text.parse().ok()));
            number.map(Value::from).ok_or_else(|| wrong("a whole number"))
        }
        FeatureFlagType::String => text.map(Value::from).ok_or_else(|| wrong("a string")),
        FeatureFlagType::Json => match text {
            Some(text) => serde_json::from_str(text).map_err(|_| wrong("JSON")),
            None => Ok(value.clone()),
        },
    }
}

fn flag_type(name: &str) -> Result<FeatureFlagType, Failure> {
    match name {
        "bool" | "boolean" => Ok(FeatureFlagType::Boolean),
        "int" | "integer" => Ok(FeatureFlagType::Integer),
        "str" | "string" => Ok(FeatureFlagType::String),
        // Not in the specification; the documentation has flags of this type.
        "json" => Ok(FeatureFlagType::Json),
        _ => Err(Failure::invalid("TYPE_INVALID", format!("type has to be str, int or bool, not {name}"))),
    }
}

fn level(name: &str) -> Result<FeatureFlagLevel, Failure> {
    match name {
        "env" => Ok(FeatureFlagLevel::Environment),
        "org" => Ok(FeatureFlagLevel::Organization),
        "usr" => Ok(FeatureFlagLevel::Person),
        _ => {
            let message = format!("allow_override_level has to be env, org or usr, not {name}");
            Err(Failure::invalid("ALLOW_OVERRIDE_LEVEL_INVALID", message))
        }
    }
}
