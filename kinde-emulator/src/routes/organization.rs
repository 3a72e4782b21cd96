//! `POST /oauth2/auth/organization`: the organization picker, and the name of a new organization.

use std::sync::Arc;

use axum::{
    extract::{Form, State},
    response::Response,
};

use crate::{
    fields::Fields,
    interaction::Errand,
    journey::{self, Next},
    provider::Provider,
    routes::interaction::{open, proceed, refuse, show},
};

/// Keeps the choice and goes on.
pub(crate) async fn choose(
    State(provider): State<Arc<Provider>>,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let form = Fields(form);
    let (name, mut interaction) = match open(&provider, &form) {
        Ok(opened) => opened,
        Err(response) => return *response,
    };
    if form.get("decision") == Some("deny") {
        return refuse(&provider, &name, &interaction);
    }
    let next = journey::next(&provider.directory.lock(), &provider.sessions.lock(), &interaction);
    let session = interaction.person.as_ref().map(|person| person.session.clone());
    let Errand::Application(request) = &mut interaction.errand else {
        return show(&provider, &name, &interaction, None);
    };
    match next {
        Next::NameOrganization => {
            let Some(org_name) = form.get("org_name").map(str::trim).filter(|name| !name.is_empty()) else {
                return show(&provider, &name, &interaction, Some("The organization needs a name."));
            };
            request.new_org = Some(Some(org_name.to_owned()));
        }
        Next::PickOrganization(choices) => {
            let picked = choices.into_iter().find(|(code, _)| form.get("org_code") == Some(code));
            let Some((code, _)) = picked else {
                return show(&provider, &name, &interaction, None);
            };
            if let Some(session) = session {
                provider.sessions.lock().remember_organization(&session, &code);
            }
            request.org_code = Some(code);
        }
        Next::SignIn | Next::Consent | Next::Leave => {}
    }
    proceed(&provider, &name, interaction)
}
