//! `GET /oauth2/auth`: the authorization endpoint.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode, Uri};

use crate::{
    authorization_request::{AuthorizationRequest, Prompt, Refusal},
    consent::{self, SignedIn},
    interaction::{Errand, Interaction},
    journey::{self, Next},
    provider::Provider,
    routes::{
        address, answer,
        interaction::{answer_application, begin, signed_on},
        pages, sign_on_cookie,
    },
};

/// Goes straight back with a code when nobody has to be asked; otherwise shows a page.
pub(crate) async fn authorize(
    State(provider): State<Arc<Provider>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Some(correction) = address::correct(&provider, &headers) {
        return correction;
    }
    let request = match consent::read(&provider, &uri) {
        Ok(request) => request,
        Err(Refusal::Page { code, reason }) => {
            return answer::html(StatusCode::BAD_REQUEST, &pages::error(code, &reason));
        }
        Err(Refusal::Callback(refusal)) => return answer_application(&refusal),
    };
    let now = provider.clock.now();
    let mut interaction = Interaction::new(Errand::Application(Box::new(request.clone())), now);
    if let Some(person) = hinted_without_a_page(&provider, &request, now) {
        let cookie = sign_on_cookie::set(&provider, &request.client_id, &person.session);
        interaction.person = Some(person);
        return answer::with_cookie(begin(&provider, interaction), &cookie);
    }
    let person = signed_on(&provider, &headers);
    interaction.person = person.filter(|person| may_go_on(&provider, &request, person));
    if request.prompt == Prompt::Silent
        && let Some((error, description)) = needs_somebody(&provider, &interaction)
    {
        return answer_application(&request.refuse(error, description));
    }
    begin(&provider, interaction)
}

/// Tells whether the session of the browser is enough for this request.
fn may_go_on(provider: &Provider, request: &AuthorizationRequest, person: &SignedIn) -> bool {
    let directory = provider.directory.lock();
    let invitation = request.invitation_code.as_ref().and_then(|code| directory.open_invitation(code));
    if let Some(invitation) = invitation {
        // Whoever uses this browser may not be the one who is invited.
        let known = directory.people.get(&person.person_id);
        return known.is_some_and(|known| known.has_email(&invitation.email));
    }
    match request.prompt {
        Prompt::AsNeeded | Prompt::Silent => true,
        // Someone who is signed in and registers an organization keeps their account.
        Prompt::Register => request.new_org.is_some(),
        Prompt::SignIn => false,
    }
}

/// Returns why a silent request cannot be answered. OpenID Connect Core §3.1.2.6 has all three errors; Kinde
/// documents the first.
fn needs_somebody(provider: &Provider, interaction: &Interaction) -> Option<(&'static str, &'static str)> {
    match journey::next(&provider.directory.lock(), &provider.sessions.lock(), interaction) {
        Next::SignIn => Some(("login_required", "User authentication is required")),
        Next::NameOrganization | Next::PickOrganization(_) => {
            Some(("interaction_required", "The user has to choose an organization"))
        }
        Next::Consent => Some(("consent_required", "The user has to allow access")),
        Next::Leave => None,
    }
}

/// Signs in the person named by `login_hint=auto:<e-mail>` without a page. Only the emulator knows this form.
fn hinted_without_a_page(provider: &Provider, request: &AuthorizationRequest, now: u64) -> Option<SignedIn> {
    let email = request.login_hint.as_deref()?.strip_prefix("auto:")?;
    let person_id = provider.directory.lock().person_named(email)?.id.clone();
    consent::authenticate(provider, &person_id, now).ok()
}
