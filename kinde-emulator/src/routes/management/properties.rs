//! Properties, their categories, and the values that users and organizations have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    directory::Directory,
    identifiers,
    property::{CategoryRecord, PropertyContext, PropertyDetails, PropertyRecord},
};

use super::{
    answer::{Answer, done, or_null, said, success},
    call::Call,
    failure::Failure,
    organizations, page, users,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let wanted = call.query("context").map(context).transpose()?;
    let directory = call.provider.directory.lock();
    let fits = |property: &&PropertyRecord| wanted.is_none_or(|wanted| property.details.context == wanted);
    let properties = directory.properties.values().filter(fits).collect();
    let (properties, has_more) = page::by_id(call, properties, page::USUAL_SIZE, |property| &property.id)?;
    let items = properties.into_iter().map(|property| {
        json!({
            "id": property.id,
            "key": property.key,
            "name": property.details.name,
            "is_private": property.details.is_private,
            "description": property.details.description,
            "is_kinde_property": property.key.starts_with("kp_"),
        })
    });
    success(json!({ "properties": items.collect::<Vec<_>>(), "has_more": has_more }))
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    let (name, key) = (call.required("name")?, call.required("key")?);
    let kind = call.required("type")?;
    if !["single_line_text", "multi_line_text"].contains(&kind) {
        let message = format!("type has to be single_line_text or multi_line_text, not {kind}");
        return Err(Failure::invalid("TYPE_INVALID", message));
    }
    let details = PropertyDetails {
        name: name.to_owned(),
        description: call.text("description")?.unwrap_or_default().to_owned(),
        context: context(call.required("context")?)?,
        is_private: required_privacy(call)?,
    };
    let id = call.change(|directory| {
        category(call, directory)?;
        if directory.properties.contains_key(key) {
            let message = format!("The property key {key} is already in use");
            return Err(Failure::invalid("PROPERTY_ALREADY_EXISTS", message));
        }
        let property = PropertyRecord { details, ..PropertyRecord::invent(key, PropertyContext::Person) };
        let id = property.id.clone();
        directory.properties.insert(key.to_owned(), property);
        Ok(id)
    })?;
    said("PROPERTY_CREATED", "Property created", json!({ "property": { "id": id } }))
}

pub(super) fn update(call: &Call<'_>) -> Answer {
    let name = call.required("name")?;
    let description = call.text("description")?;
    let is_private = required_privacy(call)?;
    call.change(|directory| {
        category(call, directory)?;
        let id = call.path("property_id");
        let property = directory.properties.values_mut().find(|property| property.id == id);
        let details = &mut property.ok_or_else(|| not_found(call))?.details;
        name.clone_into(&mut details.name);
        if let Some(description) = description {
            description.clone_into(&mut details.description);
        }
        details.is_private = is_private;
        Ok(())
    })?;
    done()
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    let id = call.path("property_id");
    call.change(|directory| {
        let property = directory.properties.values().find(|property| property.id == id);
        let key = property.ok_or_else(|| not_found(call))?.key.clone();
        directory.delete_property(&key);
        Ok(())
    })?;
    done()
}

pub(super) fn categories(call: &Call<'_>) -> Answer {
    let wanted = call.query("context").map(context).transpose()?;
    let directory = call.provider.directory.lock();
    let fits = |category: &&CategoryRecord| wanted.is_none_or(|wanted| category.context == wanted);
    let categories = directory.property_categories.values().filter(fits).collect();
    let (categories, has_more) = page::by_id(call, categories, page::USUAL_SIZE, |category| &category.id)?;
    let items = categories.into_iter().map(|category| json!({ "id": category.id, "name": category.name }));
    success(json!({ "categories": items.collect::<Vec<_>>(), "has_more": has_more }))
}

pub(super) fn create_category(call: &Call<'_>) -> Answer {
    let (name, wanted) = (call.required("name")?, call.required("context")?);
    let context = context(wanted)?;
    let id = identifiers::category_id(wanted, name);
    call.change(|directory| {
        if directory.property_categories.contains_key(&id) {
            let message = format!("There is a category {name} already");
            return Err(Failure::invalid("CATEGORY_ALREADY_EXISTS", message));
        }
        let category = CategoryRecord { id: id.clone(), name: name.to_owned(), context };
        directory.property_categories.insert(id.clone(), category);
        Ok(())
    })?;
    said("CATEGORY_CREATED", "Category created", json!({ "category": { "id": id } }))
}

pub(super) fn update_category(call: &Call<'_>) -> Answer {
    let name = call.required("name")?;
    call.change(|directory| {
        let category = directory.property_categories.get_mut(call.path("category_id"));
        let category = category.ok_or_else(|| call.unknown("CATEGORY_NOT_FOUND", "Category not found"))?;
        name.clone_into(&mut category.name);
        Ok(())
    })?;
    done()
}

pub(super) fn of_user(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let person = users::known(call, &directory, call.path("user_id"))?;
    values(&directory, &person.properties, PropertyContext::Person)
}

pub(super) fn set_of_user(call: &Call<'_>) -> Answer {
    store_of_user(call, one_value(call)?)
}

pub(super) fn set_all_of_user(call: &Call<'_>) -> Answer {
    store_of_user(call, many_values(call)?)
}

pub(super) fn of_organization(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let organization = organizations::known(call, &directory, call.path("org_code"))?;
    values(&directory, &organization.properties, PropertyContext::Organization)
}

pub(super) fn set_of_organization(call: &Call<'_>) -> Answer {
    store_of_organization(call, one_value(call)?)
}

pub(super) fn set_all_of_organization(call: &Call<'_>) -> Answer {
    store_of_organization(call, many_values(call)?)
}

/// Answers with every property of a context: those without a value have null.
pub(super) fn values(
    directory: &Directory,
    values: &BTreeMap<String, Value>,
    context: PropertyContext,
) -> Answer {
    let defined = directory.properties.values().filter(|property| property.details.context == context);
    let mut items: Vec<_> = defined
        .map(|property| {
            json!({
                "id": property.id,
                "name": property.details.name,
                "description": or_null(&property.details.description),
                "key": property.key,
                "value": values.get(&property.key),
            })
        })
        .collect();
    // A value that was set without a definition, as the Rust API allows.
    let undefined = values.iter().filter(|(key, _)| !directory.properties.contains_key(*key));
    items.extend(undefined.map(|(key, value)| {
        let id = identifiers::property_id(key);
        json!({ "id": id, "name": key, "description": null, "key": key, "value": value })
    }));
    success(json!({ "properties": items, "next_token": null }))
}

/// Refuses a property that is not there, or that others have values of.
pub(super) fn known_key(
    call: &Call<'_>,
    directory: &Directory,
    key: &str,
    context: PropertyContext,
) -> Result<(), Failure> {
    let property = directory.properties.get(key);
    match property.filter(|property| property.details.context == context) {
        Some(_) => Ok(()),
        None => Err(call.unknown("PROPERTY_NOT_FOUND", format!("There is no such property {key} here"))),
    }
}

fn store_of_user(call: &Call<'_>, values: Map<String, Value>) -> Answer {
    let (id, now) = (call.path("user_id"), call.now());
    call.change(|directory| {
        users::known(call, directory, id)?;
        for key in values.keys() {
            known_key(call, directory, key, PropertyContext::Person)?;
        }
        directory.update_person(id, now, |person| person.properties.extend(values));
        Ok(())
    })?;
    done()
}

fn store_of_organization(call: &Call<'_>, values: Map<String, Value>) -> Answer {
    let code = call.path("org_code");
    call.change(|directory| {
        organizations::known(call, directory, code)?;
        for key in values.keys() {
            known_key(call, directory, key, PropertyContext::Organization)?;
        }
        directory.update_organization(code, |organization| organization.properties.extend(values));
        Ok(())
    })?;
    done()
}

fn one_value(call: &Call<'_>) -> Result<Map<String, Value>, Failure> {
    let value = call.text("value")?.map_or(Value::Null, Value::from);
    Ok(Map::from_iter([(call.path("property_key").to_owned(), value)]))
}

fn many_values(call: &Call<'_>) -> Result<Map<String, Value>, Failure> {
    match call.value("properties") {
        Some(Value::Object(values)) => Ok(values.clone()),
        _ => {
            Err(Failure::invalid("PROPERTIES_REQUIRED", "properties has to be an object of keys and values"))
        }
    }
}

fn required_privacy(call: &Call<'_>) -> Result<bool, Failure> {
    call.boolean("is_private")?
        .ok_or_else(|| Failure::invalid("IS_PRIVATE_REQUIRED", "is_private is required"))
}

/// The specification wants a category for each property; one that is named has to be there.
fn category(call: &Call<'_>, directory: &Directory) -> Result<(), Failure> {
    let id = call.required("category_id")?;
    if directory.property_categories.contains_key(id) {
        Ok(())
    } else {
        Err(call.unknown("CATEGORY_NOT_FOUND", "Category not found"))
    }
}

fn not_found(call: &Call<'_>) -> Failure {
    call.unknown("PROPERTY_NOT_FOUND", "Property not found")
}

fn context(name: &str) -> Result<PropertyContext, Failure> {
    match name {
        "usr" => Ok(PropertyContext::Person),
        "org" => Ok(PropertyContext::Organization),
        "app" => Ok(PropertyContext::Application),
        _ => {
            Err(Failure::invalid("CONTEXT_INVALID", format!("context has to be usr, org or app, not {name}")))
        }
    }
}
