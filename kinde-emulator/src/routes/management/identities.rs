//! Identities of users.

use serde_json::{Value, json};

use crate::{
    directory::{Directory, PersonRecord},
    identity::{Identity, IdentityKind},
};

use super::{
    answer::{Answer, done, said, success},
    call::Call,
    failure::Failure,
    moment, page, users,
};

pub(super) fn of_user(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let person = users::known(call, &directory, call.path("user_id"))?;
    let identities = person.identities();
    let identities = identities.iter().map(|identity| (identity.id(&person.id), identity)).collect();
    let (identities, has_more) = page::by_id(call, identities, page::USUAL_SIZE, |(id, _)| id)?;
    let items = identities.iter().map(|(_, identity)| described(&directory, person, identity));
    success(json!({ "identities": items.collect::<Vec<_>>(), "has_more": has_more }))
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    let id = call.path("user_id");
    let (name, value) = (call.required("type")?, call.required("value")?);
    let Some(kind) = IdentityKind::read(name) else {
        let message = format!("kinde-emulator has identities of type email, phone and username, not {name}");
        return Err(Failure::invalid("IDENTITY_TYPE_INVALID", message));
    };
    users::check_shape(kind, value)?;
    let now = call.now();
    call.change(|directory| {
        users::known(call, directory, id)?;
        users::check_free(directory, kind, value)?;
        directory.update_person(id, now, |person| person.add_identity(kind, value));
        Ok(())
    })?;
    let identity = Identity { kind, value: value.to_owned(), is_primary: false };
    said("OK", "Identity created", json!({ "identity": { "id": identity.id(id) } }))
}

/// Answers with the bare identity.
pub(super) fn get(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let (person, identity) = known(call, &directory)?;
    Ok(described(&directory, person, &identity))
}

pub(super) fn update(call: &Call<'_>) -> Answer {
    let is_primary = call.boolean("is_primary")?;
    if is_primary == Some(false) {
        let message = "another identity becomes the primary one by saying so of that one";
        return Err(Failure::invalid("IS_PRIMARY_INVALID", message));
    }
    change(call, |person, identity| {
        if is_primary.is_some() {
            person.make_primary(identity);
        }
    })
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    change(call, PersonRecord::remove_identity)
}

fn change(call: &Call<'_>, change: impl FnOnce(&mut PersonRecord, &Identity)) -> Answer {
    let now = call.now();
    call.change(|directory| {
        let (person, identity) = known(call, directory)?;
        let id = person.id.clone();
        directory.update_person(&id, now, |person| change(person, &identity));
        Ok(())
    })?;
    done()
}

fn known<'a>(call: &Call<'_>, directory: &'a Directory) -> Result<(&'a PersonRecord, Identity), Failure> {
    let wanted = call.path("identity_id");
    let of = |person: &'a PersonRecord| {
        let found = person.identities().into_iter().find(|identity| identity.id(&person.id) == wanted);
        found.map(|identity| (person, identity))
    };
    let found = directory.people.values().find_map(of);
    found.ok_or_else(|| call.unknown("IDENTITY_NOT_FOUND", "Identity not found"))
}

fn described(directory: &Directory, person: &PersonRecord, identity: &Identity) -> Value {
    let count = directory.sign_in_count(&person.id);
    let is_email = identity.kind == IdentityKind::Email;
    json!({
        "id": identity.id(&person.id),
        "type": identity.kind.name(),
        "is_confirmed": true,
        "created_on": moment::written(person.created_at),
        // Sign-ins are not told apart by identity here.
        "last_login_on": count.last.filter(|_| identity.is_primary).map(moment::written),
        "total_logins": if identity.is_primary { count.total } else { 0 },
        "name": identity.value,
        "email": is_email.then_some(identity.value.as_str()),
        "connection_id": null,
        "is_primary": identity.is_primary,
    })
}
