//! `POST /oauth2/auth/sign_in`: the forms of the sign-in, password and registration pages.

use std::sync::Arc;

use axum::{
    extract::{Form, State},
    response::Response,
};
use http::StatusCode;

use crate::{
    consent::{self, ShutOut},
    directory::PersonRecord,
    fields::Fields,
    interaction::Interaction,
    provider::{Provider, USER},
    proving::{NotYet, prove},
    routes::{
        answer,
        interaction::{open, proceed, refuse, registers, show},
        pages::SignInPage,
        sign_on_cookie,
    },
};

/// Signs the chosen person in and goes on, or shows what is still missing.
pub(crate) async fn sign_in(
    State(provider): State<Arc<Provider>>,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let form = Fields(form);
    let (name, mut interaction) = match open(&provider, &form) {
        Ok(opened) => opened,
        Err(response) => return *response,
    };
    match form.get("decision") {
        Some("deny") => return refuse(&provider, &name, &interaction),
        Some("restart") => return show(&provider, &name, &interaction, None),
        _ => {}
    }
    let now = provider.clock.now();
    let registers = registers(&provider.directory.lock(), &interaction);
    let proven = provider.change(USER, |directory| prove(directory, &form, registers, now));
    let signed_in = proven.and_then(|person_id| {
        let shut_out = |ShutOut| NotYet::Wrong("This account cannot sign in.".to_owned());
        consent::authenticate(&provider, &person_id, now).map_err(shut_out)
    });
    match signed_in {
        Ok(person) => {
            let cookie = sign_on_cookie::set(&provider, interaction.client_id(), &person.session);
            interaction.person = Some(person);
            answer::with_cookie(proceed(&provider, &name, interaction), &cookie)
        }
        Err(not_yet) => again(&provider, &name, &interaction, &form, &not_yet),
    }
}

/// Shows the form again with everything but passwords as it was typed.
fn again(
    provider: &Provider,
    name: &str,
    interaction: &Interaction,
    form: &Fields,
    not_yet: &NotYet,
) -> Response {
    let directory = provider.directory.lock();
    let application = directory.applications.get(interaction.client_id());
    let application = application.map_or("an application", |application| &application.name);
    let mut page = SignInPage::new(&directory, application, name);
    let chosen = form.get("person").and_then(|id| directory.people.get(id));
    let typed = form.get("p_email").unwrap_or_default().trim();
    page.email = chosen.map_or(typed, PersonRecord::name_to_sign_in);
    page.first_name = form.get("p_first_name").unwrap_or_default();
    page.last_name = form.get("p_last_name").unwrap_or_default();
    match not_yet {
        NotYet::Password { problem } => {
            page.problem = *problem;
            answer::html(StatusCode::OK, &page.password())
        }
        NotYet::WrongPassword => {
            page.problem = Some("This address and this password do not belong together.");
            answer::html(StatusCode::BAD_REQUEST, &page.password())
        }
        NotYet::Wrong(problem) => {
            page.problem = Some(problem);
            let registers = registers(&directory, interaction);
            answer::html(StatusCode::BAD_REQUEST, &if registers { page.register() } else { page.sign_in() })
        }
    }
}
