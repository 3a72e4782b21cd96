//! `POST /oauth2/auth/consent`: what somebody allows an application, or a device.

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

/// Goes on when it is allowed, and back when it is denied; anything else is asked again.
pub(crate) async fn decide(
    State(provider): State<Arc<Provider>>,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let form = Fields(form);
    let (name, mut interaction) = match open(&provider, &form) {
        Ok(opened) => opened,
        Err(response) => return *response,
    };
    match form.get("decision") {
        Some("deny") => refuse(&provider, &name, &interaction),
        Some("allow") => {
            let next = journey::next(&provider.directory.lock(), &provider.sessions.lock(), &interaction);
            // Nobody agrees to what they were not shown.
            if next == Next::Consent {
                interaction.has_consented = true;
                if let (Some(person), Errand::Application(request)) =
                    (&interaction.person, &interaction.errand)
                {
                    let wanted = journey::wanted(request);
                    provider.sessions.lock().consent(&person.person_id, &request.client_id, wanted);
                }
            }
            proceed(&provider, &name, interaction)
        }
        _ => show(&provider, &name, &interaction, None),
    }
}
