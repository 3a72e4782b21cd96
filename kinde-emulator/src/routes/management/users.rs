//! Users: find, create, change, delete.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    directory::{Directory, PersonRecord},
    identifiers,
    identity::IdentityKind,
};

use super::{
    answer::{Answer, done, or_null, success},
    call::{Call, text_of},
    failure::Failure,
    moment, page,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let page = {
        let directory = call.provider.directory.lock();
        let filter = Filter::read(call)?;
        let people = directory.people.values().filter(|person| filter.takes(&directory, person));
        let mut people: Vec<_> = people.collect();
        people.sort_by(|a, b| (&a.email, &a.id).cmp(&(&b.email, &b.id)));
        let page = page::by_token(call, people, "email")?;
        let users = page.items.into_iter().map(|person| described(call, &directory, person, "email"));
        json!({ "users": users.collect::<Vec<_>>(), "next_token": page.next_token })
    };
    success(page)
}

/// Answers with the bare user.
pub(super) fn get(call: &Call<'_>) -> Answer {
    let id = id(call)?;
    let directory = call.provider.directory.lock();
    Ok(described(call, &directory, known(call, &directory, id)?, "preferred_email"))
}

pub(super) fn search(call: &Call<'_>) -> Answer {
    if let Some(name) = ["api_scopes", "properties"].iter().find(|name| call.has_query(name)) {
        let message = format!("kinde-emulator does not emulate searchUsers with {name}");
        return Err(Failure::new(StatusCode::NOT_IMPLEMENTED, "NOT_EMULATED", message));
    }
    let body = {
        let directory = call.provider.directory.lock();
        let query = call.query("query").unwrap_or("*").to_lowercase();
        let fits = |person: &&PersonRecord| {
            let texts = [&person.email, &person.full_name()].map(|text| text.to_lowercase());
            query == "*" || texts.iter().any(|text| text.contains(&query))
        };
        let people = directory.people.values().filter(fits).collect();
        let (people, has_more) = page::by_id(call, people, page::USUAL_SIZE, |person| &person.id)?;
        let results = people.into_iter().map(|person| described(call, &directory, person, "email"));
        json!({ "results": results.collect::<Vec<_>>(), "has_more": has_more })
    };
    success(body)
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    let identities = identities(call)?;
    let profile = match call.value("profile") {
        None => Map::new(),
        Some(Value::Object(profile)) => profile.clone(),
        Some(_) => return Err(Failure::invalid("PROFILE_INVALID", "profile has to be an object")),
    };
    let name = |name| text_of(&profile, name).map(Option::unwrap_or_default);
    let (given_name, family_name, picture) = (name("given_name")?, name("family_name")?, name("picture")?);
    let provided_id = call.text("provided_id")?;
    let org_code = call.text("organization_code")?;
    let now = call.now();
    let id = call.change(|directory| {
        if let Some(code) = org_code.filter(|code| !directory.organizations.contains_key(*code)) {
            return Err(call.unknown("ORGANIZATION_NOT_FOUND", format!("There is no organization {code}")));
        }
        for (kind, value) in &identities {
            check_free(directory, *kind, value)?;
        }
        let mut person = nobody(directory, &identities, now);
        given_name.clone_into(&mut person.given_name);
        family_name.clone_into(&mut person.family_name);
        picture.clone_into(&mut person.picture);
        person.provided_id = provided_id.map(str::to_owned);
        for (kind, value) in &identities {
            person.add_identity(*kind, value);
        }
        if let Some(membership) = org_code.and_then(|code| person.membership_mut(code)) {
            membership.joined_at = now;
        }
        Ok(directory.create_person(person))
    })?;
    let identities = identities
        .iter()
        .map(|(kind, _)| json!({ "type": kind.name(), "result": { "created": true } }))
        .collect::<Vec<_>>();
    Ok(json!({ "id": id, "created": true, "identities": identities }))
}

pub(super) fn update(call: &Call<'_>) -> Answer {
    let id = id(call)?;
    known(call, &call.provider.directory.lock(), id)?;
    let texts = [call.text("given_name")?, call.text("family_name")?, call.text("picture")?];
    let provided_id = call.text("provided_id")?.map(str::to_owned);
    let is_suspended = call.boolean("is_suspended")?;
    let is_reset = call.boolean("is_password_reset_requested")?;
    let now = call.now();
    call.change(|directory| {
        directory.update_person(id, now, |person| {
            let places = [&mut person.given_name, &mut person.family_name, &mut person.picture];
            for (place, text) in places.into_iter().zip(texts) {
                if let Some(text) = text {
                    text.clone_into(place);
                }
            }
            if call.mentions("provided_id") {
                person.provided_id = provided_id;
            }
            person.is_suspended = is_suspended.unwrap_or(person.is_suspended);
            person.is_password_reset_requested = is_reset.unwrap_or(person.is_password_reset_requested);
        });
    });
    if is_suspended == Some(true) {
        call.provider.sessions.lock().sign_off_everywhere(id);
    }
    let directory = call.provider.directory.lock();
    let person = known(call, &directory, id)?;
    Ok(json!({
        "id": person.id,
        "given_name": or_null(&person.given_name),
        "family_name": or_null(&person.family_name),
        "email": or_null(&person.email),
        "is_suspended": person.is_suspended,
        "is_password_reset_requested": person.is_password_reset_requested,
        "picture": or_null(&person.picture),
    }))
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    let id = id(call)?;
    let email = known(call, &call.provider.directory.lock(), id)?.email.clone();
    let is_delete_profile = call.boolean("is_delete_profile")?.unwrap_or_default();
    call.change(|directory| {
        directory.delete_person(id);
        if is_delete_profile {
            directory.subscribers.retain(|_, subscriber| !subscriber.email.eq_ignore_ascii_case(&email));
        }
    });
    call.provider.sessions.lock().sign_off_everywhere(id);
    done()
}

/// Makes the next refresh of the person's tokens bring a new access token.
pub(super) fn refresh_claims(call: &Call<'_>) -> Answer {
    let id = call.path("user_id");
    known(call, &call.provider.directory.lock(), id)?;
    call.provider.sessions.lock().refresh_claims(id);
    done()
}

/// Finds a user by id.
pub(super) fn known<'a>(
    call: &Call<'_>,
    directory: &'a Directory,
    id: &str,
) -> Result<&'a PersonRecord, Failure> {
    directory.people.get(id).ok_or_else(|| call.unknown("USER_INVALID", "Invalid user id"))
}

/// Refuses an identity that somebody has. That this is a 400 follows from the specification, which lists no 409.
pub(super) fn check_free(directory: &Directory, kind: IdentityKind, value: &str) -> Result<(), Failure> {
    match directory.person_with_identity(kind, value) {
        None => Ok(()),
        Some(_) => {
            let name = kind.name();
            Err(Failure::invalid("USER_ALREADY_EXISTS", format!("The {name} {value} is already in use")))
        }
    }
}

fn id<'a>(call: &'a Call<'_>) -> Result<&'a str, Failure> {
    call.query("id").ok_or_else(|| Failure::invalid("USER_REQUIRED", "The query has to name a user by id"))
}

/// Writes a user; lists call the e-mail address `email`, the single user has it as `preferred_email`.
fn described(call: &Call<'_>, directory: &Directory, person: &PersonRecord, email: &str) -> Value {
    let count = directory.sign_in_count(&person.id);
    let mut user = json!({
        "id": person.id,
        "provided_id": person.provided_id,
        "phone": person.phone,
        "username": person.username,
        "last_name": or_null(&person.family_name),
        "first_name": or_null(&person.given_name),
        "is_suspended": person.is_suspended,
        "picture": or_null(&person.picture),
        "total_sign_ins": none_if_zero(count.total),
        "failed_sign_ins": none_if_zero(count.failed),
        "last_signed_in": count.last.map(moment::written),
        "created_on": moment::written(person.created_at),
    });
    let Some(members) = user.as_object_mut() else { return user };
    members.insert(email.to_owned(), json!(or_null(&person.email)));
    if email == "email" {
        members.insert("full_name".to_owned(), json!(person.full_name()));
    }
    for wanted in call.query_list("expand") {
        let value = match wanted {
            "organizations" => {
                let codes = person.memberships.iter().map(|membership| membership.org_code.as_str());
                json!(codes.collect::<Vec<_>>())
            }
            "identities" => {
                let identities = person.identities();
                let identity = |known: &crate::identity::Identity| json!({ "type": known.kind.name(), "identity": known.value });
                json!(identities.iter().map(identity).collect::<Vec<_>>())
            }
            "billing" => json!({ "customer_id": identifiers::customer_id(&person.id) }),
            _ => continue,
        };
        members.insert(wanted.to_owned(), value);
    }
    user
}

/// Nobody counted is null, as in Kinde's examples.
fn none_if_zero(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

/// Makes up somebody who has nothing but an id; people with the same name have different ones.
fn nobody(directory: &Directory, identities: &[(IdentityKind, String)], now: u64) -> PersonRecord {
    let name = identities.first().map(|(_, value)| value.clone());
    let name = name.unwrap_or_else(|| identifiers::random_hex(16));
    let id = identifiers::person_id(&name);
    let is_taken = directory.people.contains_key(&id);
    let id = if is_taken { identifiers::person_id(&identifiers::random_hex(16)) } else { id };
    PersonRecord { id, handle: name, email: String::new(), ..PersonRecord::invent("", now) }
}

fn identities(call: &Call<'_>) -> Result<Vec<(IdentityKind, String)>, Failure> {
    if call.value("identities").is_none() {
        return Ok(Vec::new());
    }
    let mut identities = Vec::new();
    for identity in call.objects("identities")? {
        let name = text_of(identity, "type")?.unwrap_or_default();
        let Some(kind) = IdentityKind::read(name) else {
            let message = format!("An identity is of type email, phone or username, not {name}");
            return Err(Failure::invalid("IDENTITY_TYPE_INVALID", message));
        };
        let details = identity.get("details").and_then(Value::as_object);
        let value = details.map(|details| text_of(details, kind.name())).transpose()?.flatten();
        let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
            let message = format!("An identity of type {name} has details.{name}");
            return Err(Failure::invalid("IDENTITY_DETAILS_REQUIRED", message));
        };
        check_shape(kind, value)?;
        if identities.iter().any(|(known, other): &(_, String)| *known == kind && other == value) {
            return Err(Failure::invalid("IDENTITY_REPEATED", format!("{value} is there twice")));
        }
        identities.push((kind, value.to_owned()));
    }
    Ok(identities)
}

/// Refuses an e-mail address that is none.
pub(super) fn check_shape(kind: IdentityKind, value: &str) -> Result<(), Failure> {
    if kind == IdentityKind::Email && !value.contains('@') {
        return Err(Failure::invalid("EMAIL_INVALID", format!("{value} is not an e-mail address")));
    }
    Ok(())
}

/// Who a list of users is about.
struct Filter<'a> {
    ids: Vec<&'a str>,
    emails: Vec<&'a str>,
    usernames: Vec<&'a str>,
    phones: Vec<&'a str>,
    has_organization: Option<bool>,
    active_since: Option<u64>,
}

impl<'a> Filter<'a> {
    fn read(call: &'a Call<'_>) -> Result<Self, Failure> {
        let since = call.query("active_since").map(|text| {
            let message = "active_since has to be a date and a time like 2026-09-21T08:13:20Z";
            moment::read(text).ok_or_else(|| Failure::invalid("ACTIVE_SINCE_INVALID", message))
        });
        Ok(Self {
            ids: call.query_list("user_id"),
            emails: call.query_list("email"),
            usernames: call.query_list("username"),
            phones: call.query_list("phone"),
            has_organization: call.boolean("has_organization")?,
            active_since: since.transpose()?,
        })
    }

    fn takes(&self, directory: &Directory, person: &PersonRecord) -> bool {
        let among = |wanted: &[&str], value: Option<&str>| {
            wanted.is_empty()
                || value.is_some_and(|value| wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(value)))
        };
        let last = directory.sign_in_count(&person.id).last;
        among(&self.ids, Some(&person.id))
            && among(&self.emails, Some(&person.email))
            && among(&self.usernames, person.username.as_deref())
            && among(&self.phones, person.phone.as_deref())
            && self.has_organization.is_none_or(|wanted| wanted != person.memberships.is_empty())
            && self.active_since.is_none_or(|since| last.is_some_and(|last| last >= since))
    }
}
