//! Turns a signed-in person's authorization request into a code.

use http::Uri;

use crate::{
    authorization_request::{AuthorizationRequest, Prompt, Refusal},
    callback::Callback,
    directory::{Directory, OrganizationRecord},
    error::SignInError,
    fields::Fields,
    identifiers,
    invitations::NotInvited,
    on_demand::{SignInRefusal, WrongAnswer},
    provider::{Provider, USER},
    refresh_tokens::new_family,
    sessions::{Grant, IssuedCode},
};

/// A person who is signed in, and since when.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) person_id: String,
    pub(crate) authenticated_at: u64,
    /// The single sign-on session.
    pub(crate) session: String,
}

/// Grants the request and returns the answer for the application: a code or an error.
pub(crate) fn grant(
    provider: &Provider,
    request: &AuthorizationRequest,
    person: &SignedIn,
    requested_at: u64,
) -> Callback {
    let now = provider.clock.now();
    let chosen =
        provider.change(USER, |directory| choose_organization(directory, request, &person.person_id, now));
    let org_code = match chosen {
        Ok(org_code) => org_code,
        Err(refusal) => return refusal,
    };
    let wrong = provider.on_demand.take_for_callback();
    let mut grant = Grant {
        client_id: request.client_id.clone(),
        person_id: person.person_id.clone(),
        org_code,
        scopes: request.scopes.clone(),
        audiences: request.audiences.clone(),
        nonce: request.nonce.clone(),
        authenticated_at: person.authenticated_at,
        requested_at,
        session: person.session.clone(),
        family: new_family(),
    };
    if wrong.contains(&WrongAnswer::ForeignCode) {
        grant.client_id = identifiers::client_id("somebody else");
    }
    let code = provider.sessions.lock().issue_code(IssuedCode {
        grant,
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        expires_at: now.saturating_add(CODE_LIFETIME_SECONDS),
        is_used: false,
    });
    let mut callback = request.success(code);
    wrong.into_iter().for_each(|wrong| spoil(&mut callback, wrong));
    callback
}

/// Makes one thing wrong with a good callback.
fn spoil(callback: &mut Callback, wrong: WrongAnswer) {
    let parameters = &mut callback.parameters;
    match wrong {
        WrongAnswer::WrongState => {
            parameters.retain(|(name, _)| *name != "state");
            parameters.push(("state", "0000000000000000".to_owned()));
        }
        WrongAnswer::MissingState => parameters.retain(|(name, _)| *name != "state"),
        WrongAnswer::RepeatedState => parameters.push(("state", "ffff".to_owned())),
        WrongAnswer::MissingCode => parameters.retain(|(name, _)| *name != "code"),
        // The code itself is wrong, or the tokens will be.
        WrongAnswer::ForeignCode
        | WrongAnswer::WrongNonce
        | WrongAnswer::MissingNonce
        | WrongAnswer::ForeignIssuer
        | WrongAnswer::ForeignAudience
        | WrongAnswer::MissingIdToken
        | WrongAnswer::MissingAccessToken => {}
    }
}

/// Reads an authorization request; one that is good may still be refused because a test asked for it.
pub(crate) fn read(provider: &Provider, uri: &Uri) -> Result<AuthorizationRequest, Refusal> {
    let request = AuthorizationRequest::read(&Fields::of_uri(uri), &provider.directory.lock())?;
    match provider.on_demand.take_sign_in() {
        None => Ok(request),
        Some(SignInRefusal::Page { code }) => {
            Err(Refusal::Page { code, reason: "The sign-in could not go on.".to_owned() })
        }
        Some(SignInRefusal::Callback { error, description }) => {
            Err(Refusal::Callback(request.refuse(&error, &description)))
        }
    }
}

/// Signs a person in without a page and without the session of a browser.
pub(crate) fn sign_in(
    provider: &Provider,
    authorization_url: &str,
    person_id: &str,
) -> Result<String, SignInError> {
    let uri = authorization_url.parse().map_err(|_| SignInError::NotAUrl)?;
    let request = match read(provider, &uri) {
        Ok(request) => request,
        Err(Refusal::Page { code, reason }) => return Err(SignInError::Page { code, reason }),
        Err(Refusal::Callback(refusal)) => return Ok(refusal.location()),
    };
    let now = provider.clock.now();
    match authenticate(provider, person_id, now) {
        Ok(person) => Ok(grant(provider, &request, &person, now).location()),
        Err(ShutOut) => Ok(request.refuse("access_denied", "The user cannot sign in.").location()),
    }
}

/// Lets the device that shows this code fetch tokens for a person; `false` when none waits with it.
pub(crate) fn allow_device(provider: &Provider, user_code: &str, person: &SignedIn) -> bool {
    // Where somebody belongs to several organizations, the session is for the first: a guess.
    let org_code = {
        let directory = provider.directory.lock();
        let first = directory.people.get(&person.person_id).and_then(|person| person.memberships.first());
        first.map(|membership| membership.org_code.clone())
    };
    let now = provider.clock.now();
    let mut sessions = provider.sessions.lock();
    let Some(device) = sessions.devices.waiting(user_code, now).cloned() else { return false };
    let grant = Grant {
        client_id: device.client_id,
        person_id: person.person_id.clone(),
        org_code,
        scopes: device.scopes,
        audiences: device.audiences,
        nonce: None,
        authenticated_at: person.authenticated_at,
        requested_at: device.requested_at,
        session: person.session.clone(),
        family: new_family(),
    };
    sessions.devices.decide(user_code, Some(grant), now)
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
) -> Result<Option<String>, Callback> {
    if let Some(invitation) = &request.invitation_code {
        let accepted = directory.accept_invitation(invitation, person_id, now);
        // A guess: Kinde does not say what becomes of an invitation that cannot be accepted.
        return accepted.map(Some).map_err(|reason| {
            request.refuse(
                "access_denied",
                match reason {
                    NotInvited::Unknown => "The invitation does not exist or was used.",
                    NotInvited::SomebodyElse => "The invitation is for another address.",
                },
            )
        });
    }
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
