//! Turns a signed-in person's authorization request into a code.

use crate::{
    authorization_request::{AuthorizationRequest, CallbackError, Prompt, Refusal},
    directory::{Directory, OrganizationRecord},
    error::SignInError,
    fields::Fields,
    identifiers,
    provider::{Provider, USER},
    sessions::{Grant, IssuedCode},
};

/// A person who is signed in, and since when.
pub(crate) struct SignedIn {
    pub(crate) person_id: String,
    pub(crate) authenticated_at: u64,
    /// The single sign-on session.
    pub(crate) session: String,
}

/// Grants the request and returns the URL to send the browser to, with a code or with an error.
pub(crate) fn grant(
    provider: &Provider,
    request: &AuthorizationRequest,
    person: &SignedIn,
    requested_at: u64,
) -> String {
    let now = provider.clock.now();
    let chosen =
        provider.change(USER, |directory| choose_organization(directory, request, &person.person_id, now));
    let org_code = match chosen {
        Ok(org_code) => org_code,
        Err(refusal) => return refusal.location(),
    };
    let grant = Grant {
        client_id: request.client_id.clone(),
        person_id: person.person_id.clone(),
        org_code,
        scopes: request.scopes.clone(),
        audiences: request.audiences.clone(),
        nonce: request.nonce.clone(),
        authenticated_at: person.authenticated_at,
        requested_at,
        session: person.session.clone(),
        family: identifiers::random_hex(16),
    };
    let code = provider.sessions.lock().issue_code(IssuedCode {
        grant,
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        expires_at: now.saturating_add(CODE_LIFETIME_SECONDS),
        is_used: false,
    });
    request.success(&code)
}

/// Signs a person in without a page and without the session of a browser.
pub(crate) fn sign_in(
    provider: &Provider,
    authorization_url: &str,
    person_id: &str,
) -> Result<String, SignInError> {
    let uri = authorization_url.parse().map_err(|_| SignInError::NotAUrl)?;
    let read = AuthorizationRequest::read(&Fields::of_uri(&uri), &provider.directory.lock());
    let request = match read {
        Ok(request) => request,
        Err(Refusal::Page { code, reason }) => return Err(SignInError::Page { code, reason }),
        Err(Refusal::Callback(refusal)) => return Ok(refusal.location()),
    };
    let now = provider.clock.now();
    match authenticate(provider, person_id, now) {
        Ok(person) => Ok(grant(provider, &request, &person, now)),
        Err(ShutOut) => Ok(request.refuse("access_denied", "The user cannot sign in.").location()),
    }
}

/// Signs a person on, unless they are suspended, and tells webhooks which it was.
pub(crate) fn authenticate(provider: &Provider, person_id: &str, now: u64) -> Result<SignedIn, ShutOut> {
    let is_allowed = provider.change(USER, |directory| {
        let is_allowed = directory.people.get(person_id).is_some_and(|person| !person.is_suspended);
        if is_allowed {
            directory.count_sign_in(person_id, now);
        } else {
            directory.count_failed_sign_in(person_id);
        }
        let event_type = if is_allowed { "user.authenticated" } else { "user.authentication_failed" };
        directory.note_authentication(event_type, Some(person_id));
        is_allowed
    });
    if !is_allowed {
        return Err(ShutOut);
    }
    let session = provider.sessions.lock().sign_on(person_id, now);
    Ok(SignedIn { person_id: person_id.to_owned(), authenticated_at: now, session })
}

/// The person cannot sign in: they are suspended or were deleted.
pub(crate) struct ShutOut;

/// Returns the organization of the new session: a new one, the one asked for, or the person's first.
fn choose_organization(
    directory: &mut Directory,
    request: &AuthorizationRequest,
    person_id: &str,
    now: u64,
) -> Result<Option<String>, CallbackError> {
    if let Some(name) = &request.new_org {
        let code = create_organization(directory, name.as_deref().unwrap_or("New organization"));
        directory.update_membership(person_id, &code, now, |_| {});
        return Ok(Some(code));
    }
    let Some(asked) = &request.org_code else {
        let first = directory.people.get(person_id).and_then(|person| person.memberships.first());
        return Ok(first.map(|membership| membership.org_code.clone()));
    };
    let Some(organization) = directory.organizations.get(asked) else {
        return Err(request.refuse("invalid_request", "The organization does not exist."));
    };
    let code = organization.code.clone();
    let is_member = directory.people.get(person_id).is_some_and(|person| person.membership(&code).is_some());
    if !is_member {
        // Registering with an org code joins that organization; signing in does not.
        if request.prompt != Prompt::Register {
            return Err(request.refuse("access_denied", "The user is not a member of the organization."));
        }
        directory.update_membership(person_id, &code, now, |_| {});
    }
    Ok(Some(code))
}

/// Two organizations may have the same name, so only the first gets the code that follows from it.
fn create_organization(directory: &mut Directory, name: &str) -> String {
    let handle = name.to_lowercase().replace(char::is_whitespace, "-");
    let unique = if directory.organization_named(&handle).is_none() {
        handle
    } else {
        format!("{handle}-{}", identifiers::random_hex(4))
    };
    let organization = OrganizationRecord {
        code: identifiers::org_code(&unique),
        handle: unique.clone(),
        name: name.to_owned(),
        ..OrganizationRecord::invent(&unique)
    };
    directory.create_organization(organization)
}

/// Kinde does not say how long its codes live; Ory Hydra, which it resembles, says ten minutes.
const CODE_LIFETIME_SECONDS: u64 = 600;
