//! Takes a sign-in one step further: the next page, or the way back to the application.

use axum::response::Response;
use http::{HeaderMap, StatusCode};

use crate::{
    authorization_request::{AuthorizationRequest, Prompt},
    callback::{Callback, ResponseMode},
    consent::{self, SignedIn},
    directory::{Directory, PersonRecord},
    fields::Fields,
    html::Html,
    interaction::{Errand, Interaction, Lost},
    journey::{self, Next},
    provider::Provider,
    routes::{
        answer,
        pages::{self, ConsentPage, SignInPage},
        sign_on_cookie,
    },
};

/// Finds the interaction that a form belongs to, or answers why it cannot go on.
pub(crate) fn open(provider: &Provider, form: &Fields) -> Result<(String, Interaction), Box<Response>> {
    let name = form.get("interaction").unwrap_or_default();
    let found = provider.sessions.lock().interactions.find(name, provider.clock.now());
    match found {
        Ok(interaction) => Ok((name.to_owned(), interaction)),
        Err(Lost::Unknown) => {
            let reason = "This page was answered already or never opened. Start again at the application.";
            Err(Box::new(answer::html(StatusCode::BAD_REQUEST, &pages::error(HALF_WAY, reason))))
        }
        Err(Lost::Expired) => Err(Box::new(answer::html(StatusCode::BAD_REQUEST, &pages::expired()))),
    }
}

/// Begins an interaction, or goes straight on where nobody has to be asked.
pub(crate) fn begin(provider: &Provider, interaction: Interaction) -> Response {
    if next(provider, &interaction) == Next::Leave {
        return leave(provider, &interaction);
    }
    let name = provider.sessions.lock().interactions.begin(interaction.clone());
    show(provider, &name, &interaction, None)
}

/// Keeps how far somebody has come and shows the next page, or ends the interaction and leaves.
pub(crate) fn proceed(provider: &Provider, name: &str, interaction: Interaction) -> Response {
    if next(provider, &interaction) == Next::Leave {
        provider.sessions.lock().interactions.end(name);
        return leave(provider, &interaction);
    }
    provider.sessions.lock().interactions.advance(name, interaction.clone());
    show(provider, name, &interaction, None)
}

/// Shows the page that the interaction is at, with what was wrong with the form before.
pub(crate) fn show(
    provider: &Provider,
    name: &str,
    interaction: &Interaction,
    problem: Option<&str>,
) -> Response {
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let next = next(provider, interaction);
    let directory = provider.directory.lock();
    let application = directory.applications.get(interaction.client_id());
    let application = application.map_or("an application", |application| &application.name);
    let page = match next {
        Next::SignIn | Next::Leave => {
            let mut page = SignInPage::new(&directory, application, name);
            page.problem = problem;
            match &interaction.errand {
                Errand::Device { .. } => page.sign_in(),
                Errand::Application(request) => {
                    page.connection = request.connection_id.as_deref();
                    let invited =
                        request.invitation_code.as_ref().and_then(|code| directory.open_invitation(code));
                    page.email = invited.map_or(request.hinted_name(), |invited| &invited.email);
                    let registers = registers(&directory, interaction);
                    if registers { page.register() } else { page.sign_in() }
                }
            }
        }
        Next::NameOrganization => pages::new_organization(name, application, problem),
        Next::PickOrganization(choices) => pages::organizations(name, application, &choices),
        Next::Consent => consent_page(provider, &directory, name, interaction),
    };
    answer::html(status, &page)
}

fn consent_page(provider: &Provider, directory: &Directory, name: &str, interaction: &Interaction) -> Html {
    let person = interaction.person.as_ref().and_then(|person| directory.people.get(&person.person_id));
    let application = directory.applications.get(interaction.client_id());
    let mut page = ConsentPage {
        interaction: name,
        application: application.map_or("an application", |application| &application.name),
        person: person.map_or("", PersonRecord::name_to_sign_in),
        scopes: &[],
        audiences: &[],
        user_code: None,
    };
    match &interaction.errand {
        Errand::Application(request) => {
            (page.scopes, page.audiences) = (&request.scopes, &request.audiences);
            page.write()
        }
        Errand::Device { user_code, .. } => {
            let sessions = provider.sessions.lock();
            page.user_code = Some(user_code);
            if let Some(device) = sessions.devices.waiting(user_code, provider.clock.now()) {
                (page.scopes, page.audiences) = (&device.scopes, &device.audiences);
            }
            page.write()
        }
    }
}

/// Tells whether a form with an unknown address makes an account. Somebody who is invited and known signs in.
pub(crate) fn registers(directory: &Directory, interaction: &Interaction) -> bool {
    let Errand::Application(request) = &interaction.errand else { return false };
    let invitation = request.invitation_code.as_ref().and_then(|code| directory.open_invitation(code));
    match invitation {
        Some(invitation) => directory.person_called(&invitation.email).is_none(),
        None => request.prompt == Prompt::Register,
    }
}

/// Sends an answer back to the application in the way it asked for.
pub(crate) fn answer_application(callback: &Callback) -> Response {
    match callback.mode {
        ResponseMode::FormPost => answer::html(StatusCode::OK, &pages::posted(callback)),
        ResponseMode::Query | ResponseMode::Fragment => answer::redirect(&callback.location()),
    }
}

/// Goes back without what was asked for, because the person or a test wants it so.
pub(crate) fn refuse(provider: &Provider, name: &str, interaction: &Interaction) -> Response {
    provider.sessions.lock().interactions.end(name);
    match &interaction.errand {
        Errand::Application(request) => {
            answer_application(&request.refuse("access_denied", "The user cancelled"))
        }
        Errand::Device { user_code, .. } => {
            provider.sessions.lock().devices.decide(user_code, None, provider.clock.now());
            answer::html(StatusCode::OK, &pages::device_connected(false))
        }
    }
}

/// Returns who is signed on in this browser.
pub(crate) fn signed_on(provider: &Provider, headers: &HeaderMap) -> Option<SignedIn> {
    let session = sign_on_cookie::read(provider, headers)?;
    let sign_on = provider.sessions.lock().signed_on(&session)?.clone();
    Some(SignedIn { person_id: sign_on.person_id, authenticated_at: sign_on.authenticated_at, session })
}

fn next(provider: &Provider, interaction: &Interaction) -> Next {
    journey::next(&provider.directory.lock(), &provider.sessions.lock(), interaction)
}

fn leave(provider: &Provider, interaction: &Interaction) -> Response {
    // Nobody leaves before they signed in.
    let Some(person) = &interaction.person else {
        return answer::html(StatusCode::BAD_REQUEST, &pages::expired());
    };
    match &interaction.errand {
        Errand::Application(request) => leave_for(provider, request, person, interaction.requested_at),
        Errand::Device { user_code, .. } => {
            let is_connected = consent::allow_device(provider, user_code, person);
            if is_connected {
                answer::html(StatusCode::OK, &pages::device_connected(true))
            } else {
                answer::html(StatusCode::BAD_REQUEST, &pages::expired())
            }
        }
    }
}

fn leave_for(
    provider: &Provider,
    request: &AuthorizationRequest,
    person: &SignedIn,
    requested_at: u64,
) -> Response {
    let callback = consent::grant(provider, &with_picked(provider, request, person), person, requested_at);
    let is_good = callback.parameters.iter().all(|(name, _)| *name != "error");
    if request.has_success_page && is_good && callback.mode != ResponseMode::FormPost {
        return answer::html(StatusCode::OK, &pages::success(&callback.location()));
    }
    answer_application(&callback)
}

/// Fills in the organization that was picked earlier in the session, for an application that lets people pick.
fn with_picked(
    provider: &Provider,
    request: &AuthorizationRequest,
    person: &SignedIn,
) -> AuthorizationRequest {
    let mut request = request.clone();
    let directory = provider.directory.lock();
    let lets_pick =
        directory.applications.get(&request.client_id).is_some_and(|known| known.pages.picks_organization);
    if lets_pick && journey::leaves_organization_open(&request) {
        let sessions = provider.sessions.lock();
        let picked = sessions.signed_on(&person.session).and_then(|session| session.org_code.clone());
        let is_member = |code: &String| {
            directory.people.get(&person.person_id).is_some_and(|person| person.membership(code).is_some())
        };
        request.org_code = picked.filter(is_member);
    }
    request
}

/// Kinde's code for entering the flow half-way, by a bookmark or the back button.
const HALF_WAY: u16 = 4321;
