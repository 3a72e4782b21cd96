//! `GET /oauth2/auth`: the authorization endpoint.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode, Uri};

use crate::{
    authorization_request::{AuthorizationRequest, Prompt, Refusal},
    consent::{self, SignedIn},
    fields::Fields,
    provider::Provider,
    routes::{answer, page, sign_on_cookie},
};

/// Goes straight back with a code when nobody has to be asked; otherwise shows a page.
pub(crate) async fn authorize(
    State(provider): State<Arc<Provider>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let read = AuthorizationRequest::read(&Fields::of_uri(&uri), &provider.directory.lock());
    let request = match read {
        Ok(request) => request,
        Err(Refusal::Page { code, reason }) => {
            return answer::html(StatusCode::BAD_REQUEST, page::error(code, &reason));
        }
        Err(Refusal::Callback(refusal)) => return answer::redirect(&refusal.location()),
    };
    let now = provider.clock.now();
    if let Some(person) = hinted_without_a_page(&provider, &request, now) {
        let location = consent::grant(&provider, &request, &person, now);
        return answer::with_cookie(
            answer::redirect(&location),
            &sign_on_cookie::set(&provider, &person.session),
        );
    }
    let person = signed_in(&provider, &headers);
    match (person, request.prompt) {
        (Some(person), Prompt::AsNeeded | Prompt::Silent) => {
            answer::redirect(&consent::grant(&provider, &request, &person, now))
        }
        // Someone who is signed in and registers an organization keeps their account.
        (Some(person), Prompt::Register) if request.new_org.is_some() => {
            answer::redirect(&consent::grant(&provider, &request, &person, now))
        }
        (None, Prompt::Silent) => {
            let refusal = request.refuse("login_required", "User authentication is required");
            answer::redirect(&refusal.location())
        }
        (_, Prompt::AsNeeded | Prompt::SignIn | Prompt::Register) => {
            let interaction = provider.sessions.lock().begin(request.clone(), now);
            let page = page::sign_in(&provider.directory.lock(), &request, &interaction, None);
            answer::html(StatusCode::OK, page)
        }
    }
}

fn signed_in(provider: &Provider, headers: &HeaderMap) -> Option<SignedIn> {
    let session = sign_on_cookie::read(provider, headers)?;
    let sign_on = provider.sessions.lock().signed_on(&session)?.clone();
    Some(SignedIn { person_id: sign_on.person_id, authenticated_at: sign_on.authenticated_at, session })
}

/// Signs in the person named by `login_hint=auto:<e-mail>` without a page. Only the emulator knows this form.
fn hinted_without_a_page(provider: &Provider, request: &AuthorizationRequest, now: u64) -> Option<SignedIn> {
    let email = request.login_hint.as_deref()?.strip_prefix("auto:")?;
    let person_id = provider.directory.lock().person_named(email)?.id.clone();
    consent::authenticate(provider, &person_id, now).ok()
}
