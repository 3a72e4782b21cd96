//! `POST /oauth2/auth/sign_in`: the forms of the sign-in and registration pages.

use std::sync::Arc;

use axum::{
    extract::{Form, State},
    response::Response,
};
use http::StatusCode;

use crate::{
    authorization_request::Prompt,
    consent::{self, ShutOut},
    directory::{Directory, PersonRecord},
    fields::Fields,
    provider::{Provider, USER},
    routes::{answer, page, sign_on_cookie},
    sessions::Interaction,
};

/// Signs the chosen person in and goes back to the application with a code, or without one when they refuse.
pub(crate) async fn sign_in(
    State(provider): State<Arc<Provider>>,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let form = Fields(form);
    let name = form.get("interaction").unwrap_or_default();
    let interaction = provider.sessions.lock().interaction(name).cloned();
    let Some(Interaction { request, requested_at }) = interaction else {
        let reason = "this page was answered already or never opened; start again at the application";
        return answer::html(StatusCode::BAD_REQUEST, page::error(HALF_WAY, reason));
    };
    if form.get("decision") == Some("deny") {
        provider.sessions.lock().end(name);
        let refusal = request.refuse("access_denied", "The user cancelled");
        return answer::redirect(&refusal.location());
    }
    let now = provider.clock.now();
    let chosen = provider.change(USER, |directory| choose_person(directory, &form, request.prompt, now));
    let signed_in = chosen.and_then(|person_id| {
        consent::authenticate(&provider, &person_id, now)
            .map_err(|ShutOut| "This account cannot sign in.".to_owned())
    });
    let person = match signed_in {
        Ok(person) => person,
        Err(notice) => {
            let page = page::sign_in(&provider.directory.lock(), &request, name, Some(&notice));
            return answer::html(StatusCode::BAD_REQUEST, page);
        }
    };
    provider.sessions.lock().end(name);
    let cookie = sign_on_cookie::set(&provider, &person.session);
    let location = consent::grant(&provider, &request, &person, requested_at);
    answer::with_cookie(answer::redirect(&location), &cookie)
}

/// Returns the id of the person the form names; registering makes one where there is none.
fn choose_person(
    directory: &mut Directory,
    form: &Fields,
    prompt: Prompt,
    now: u64,
) -> Result<String, String> {
    let name = form.get("person").or_else(|| form.get("p_email")).map(str::trim);
    let name = name.ok_or_else(|| "Choose a person or enter an e-mail address.".to_owned())?;
    if let Some(known) = directory.person_named(name) {
        return Ok(known.id.clone());
    }
    if prompt != Prompt::Register {
        directory.note_authentication("user.authentication_failed", None);
        return Err(format!("Nobody here has the address {name}."));
    }
    if !name.contains('@') {
        return Err(format!("{name} is not an e-mail address."));
    }
    let mut person = PersonRecord::invent(name, now);
    if let Some(given_name) = form.get("p_first_name") {
        given_name.clone_into(&mut person.given_name);
    }
    form.get("p_last_name").unwrap_or_default().clone_into(&mut person.family_name);
    Ok(directory.create_person(person))
}

/// Kinde's code for entering the flow half-way, by a bookmark or the back button.
const HALF_WAY: u16 = 4321;
