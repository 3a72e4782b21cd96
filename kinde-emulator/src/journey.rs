//! Decides what somebody who signs in still has to be asked.

use crate::{
    authorization_request::{AuthorizationRequest, Prompt},
    directory::Directory,
    interaction::{Errand, Interaction},
    sessions::Sessions,
};

/// The next thing to happen in an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Show who they are.
    SignIn,
    /// Give the new organization a name.
    NameOrganization,
    /// Choose between these organizations, as `(code, name)`.
    PickOrganization(Vec<(String, String)>),
    /// Allow the application, or the device, what it asks for.
    Consent,
    /// Nothing: go where the sign-in leads.
    Leave,
}

/// Decides it for an interaction.
pub(crate) fn next(directory: &Directory, sessions: &Sessions, interaction: &Interaction) -> Next {
    let Some(person) = &interaction.person else { return Next::SignIn };
    let request = match &interaction.errand {
        Errand::Application(request) => request,
        // RFC 8628 §5.4: whoever types a code must see what it allows.
        Errand::Device { .. } if interaction.has_consented => return Next::Leave,
        Errand::Device { .. } => return Next::Consent,
    };
    if request.new_org.as_ref().is_some_and(Option::is_none) {
        return Next::NameOrganization;
    }
    let pages = directory.applications.get(&request.client_id).map(|known| known.pages).unwrap_or_default();
    if pages.picks_organization && leaves_organization_open(request) {
        let choices = organizations(directory, &person.person_id);
        let picked = sessions.signed_on(&person.session).and_then(|session| session.org_code.as_deref());
        let is_picked = picked.is_some_and(|picked| choices.iter().any(|(code, _)| code == picked));
        // Signing in again is how somebody picks again.
        let asks_again = matches!(request.prompt, Prompt::SignIn);
        if choices.len() > 1 && (!is_picked || asks_again) {
            return Next::PickOrganization(choices);
        }
    }
    let needs_consent = pages.asks_consent
        && !interaction.has_consented
        && !sessions.has_consented(&person.person_id, &request.client_id, &wanted(request));
    if needs_consent { Next::Consent } else { Next::Leave }
}

/// Returns everything that consent is about.
pub(crate) fn wanted(request: &AuthorizationRequest) -> Vec<String> {
    request.scopes.iter().chain(&request.audiences).cloned().collect()
}

/// Tells whether nothing but the person can say which organization the session is for.
pub(crate) fn leaves_organization_open(request: &AuthorizationRequest) -> bool {
    request.org_code.is_none() && request.new_org.is_none() && request.invitation_code.is_none()
}

fn organizations(directory: &Directory, person_id: &str) -> Vec<(String, String)> {
    let memberships = directory.people.get(person_id).map(|person| person.memberships.as_slice());
    memberships
        .unwrap_or_default()
        .iter()
        .filter_map(|membership| directory.organizations.get(&membership.org_code))
        .map(|organization| (organization.code.clone(), organization.name.clone()))
        .collect()
}
