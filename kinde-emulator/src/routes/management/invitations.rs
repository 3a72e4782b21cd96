//! Invitations to organizations.

use serde_json::{Map, Value, json};

use crate::{directory::Directory, identifiers, invitations::InvitationRecord};

use super::{
    answer::{Answer, done, said, success},
    call::Call,
    failure::Failure,
    moment, organizations, page,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let code = call.path("org_code");
    let order = organizations::order(call, &ORDERS)?;
    let with_revoked = call.boolean("include_revoked")?.unwrap_or_default();
    let with_accepted = call.boolean("include_accepted")?.unwrap_or_default();
    let directory = call.provider.directory.lock();
    organizations::known(call, &directory, code)?;
    let fits = |(_, invitation): &(&String, &InvitationRecord)| {
        invitation.org_code == code
            && (with_revoked || !invitation.is_revoked)
            && (with_accepted || invitation.accepted_at.is_none())
    };
    let mut invitations: Vec<_> = directory.invitations.iter().filter(fits).collect();
    invitations.sort_by_key(|(code, invitation)| {
        let text = match order.split_once('_') {
            Some(("email", _)) => invitation.email.clone(),
            Some(("name", _)) => full_name(invitation),
            _ => String::new(),
        };
        (text, invitation.created_at, (*code).clone())
    });
    if order.ends_with("_desc") {
        invitations.reverse();
    }
    let page = page::by_token(call, invitations, order)?;
    let items = page.items.into_iter();
    let items = items.map(|(code, known)| Value::Object(described(call, &directory, code, known)));
    success(json!({ "invites": items.collect::<Vec<_>>(), "next_token": page.next_token }))
}

/// Answers with the members of the invitation beside the message; `code` is the invitation's.
pub(super) fn get(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    let invitation = known(call, &directory)?;
    let mut body = described(call, &directory, call.path("invite_code"), invitation);
    body.insert("message".to_owned(), "Success".into());
    Ok(Value::Object(body))
}

/// Invites an address, with roles by key. No e-mail is sent.
pub(super) fn create(call: &Call<'_>) -> Answer {
    let org_code = call.path("org_code");
    let email = call.required("email")?;
    if !email.contains('@') {
        return Err(Failure::invalid("EMAIL_INVALID", format!("{email} is not an e-mail address")));
    }
    let roles = call.texts("roles")?;
    let roles = roles.ok_or_else(|| Failure::invalid("ROLES_REQUIRED", "roles is required"))?;
    let mut invitation = InvitationRecord::new(email, org_code, roles, call.now());
    invitation.first_name = call.text("first_name")?.map(str::to_owned);
    invitation.last_name = call.text("last_name")?.map(str::to_owned);
    call.boolean("send_email")?;
    let code = identifiers::invitation_code();
    let body = call.change(|directory| {
        organizations::known(call, directory, org_code)?;
        if let Some(key) = invitation.roles.iter().find(|key| !directory.roles.contains_key(*key)) {
            return Err(call.unknown("ROLE_NOT_FOUND", format!("There is no role with the key {key}")));
        }
        let is_member = |person: &crate::directory::PersonRecord| {
            person.has_email(email) && person.membership(org_code).is_some()
        };
        if directory.people.values().any(is_member) {
            let message = format!("{email} is a member of the organization already");
            return Err(Failure::invalid("USER_ALREADY_IN_ORGANIZATION", message));
        }
        let body = described(call, directory, &code, &invitation);
        directory.invitations.insert(code.clone(), invitation);
        Ok(body)
    })?;
    said("INVITATION_CREATED", "Invitation created", json!({ "invite": body }))
}

/// Revokes an invitation: it lets nobody in from now on.
pub(super) fn revoke(call: &Call<'_>) -> Answer {
    call.change(|directory| {
        known(call, directory)?;
        if let Some(invitation) = directory.invitations.get_mut(call.path("invite_code")) {
            invitation.is_revoked = true;
        }
        Ok(())
    })?;
    done()
}

fn known<'a>(call: &Call<'_>, directory: &'a Directory) -> Result<&'a InvitationRecord, Failure> {
    let org_code = call.path("org_code");
    organizations::known(call, directory, org_code)?;
    let found = directory.invitations.get(call.path("invite_code"));
    let found = found.filter(|invitation| invitation.org_code == org_code);
    found.ok_or_else(|| call.unknown("INVITATION_NOT_FOUND", "Invitation not found"))
}

fn described(
    call: &Call<'_>,
    directory: &Directory,
    code: &str,
    invitation: &InvitationRecord,
) -> Map<String, Value> {
    let roles = invitation.roles.iter().map(|key| {
        let name = directory.roles.get(key).map_or(key, |role| &role.details.name);
        json!({ "key": key, "name": name })
    });
    let link = format!("{}/team_invitation?code={code}", call.provider.url);
    [
        ("id", json!(code)),
        ("code", json!(code)),
        ("email", json!(invitation.email)),
        ("first_name", json!(invitation.first_name)),
        ("last_name", json!(invitation.last_name)),
        ("full_name", json!(full_name(invitation))),
        ("created_on", json!(moment::short(invitation.created_at))),
        // The emulator sends no e-mail.
        ("is_sent", json!(false)),
        ("accepted_on", json!(invitation.accepted_at.map(moment::short))),
        ("roles", roles.collect()),
        ("is_revoked", json!(invitation.is_revoked)),
        ("invite_link", json!(link)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn full_name(invitation: &InvitationRecord) -> String {
    let names = [&invitation.first_name, &invitation.last_name];
    names.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
}

const ORDERS: [&str; 6] =
    ["created_on_asc", "created_on_desc", "email_asc", "email_desc", "name_asc", "name_desc"];
