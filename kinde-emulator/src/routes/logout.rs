//! `GET /logout`: ends the single sign-on session.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode, Uri};

use crate::{
    fields::Fields,
    provider::Provider,
    routes::{answer, pages, sign_on_cookie},
};

/// Clears the session and goes to `redirect`, if some application lists it.
///
/// `all_sessions=true`, which the PKCE package sends, ends the person's sessions in other browsers too: a guess by its
/// name. What Kinde's Python and Java SDKs send beside it (`client_id`, `logout_uri`, `state`, `id_token_hint`,
/// `post_logout_redirect_uri`) is not documented and has no effect.
pub(crate) async fn logout(State(provider): State<Arc<Provider>>, uri: Uri, headers: HeaderMap) -> Response {
    let fields = Fields::of_uri(&uri);
    let redirect = fields.get("redirect");
    if let Some(url) = redirect
        && !is_listed(&provider, url)
    {
        let reason = format!("{url} is not an allowed logout redirect URL of any application");
        return answer::html(StatusCode::BAD_REQUEST, &pages::error(MALFORMED_LOGOUT, &reason));
    }
    if let Some(cookie) = sign_on_cookie::read(&provider, &headers) {
        let mut sessions = provider.sessions.lock();
        let person_id = sessions.signed_on(&cookie).map(|session| session.person_id.clone());
        match person_id {
            Some(person_id) if fields.is_true("all_sessions") => sessions.sign_off_everywhere(&person_id),
            _ => sessions.sign_off(&cookie),
        }
    }
    let response = match redirect {
        Some(url) => answer::redirect(url),
        None => answer::html(StatusCode::OK, &pages::signed_out()),
    };
    answer::with_cookie(response, &sign_on_cookie::clear(&provider))
}

fn is_listed(provider: &Provider, url: &str) -> bool {
    let directory = provider.directory.lock();
    directory
        .applications
        .values()
        .any(|application| application.logout_urls.iter().any(|listed| listed == url))
}

/// Kinde's number for this page is not documented; this is the one for malformed parameters.
const MALFORMED_LOGOUT: u16 = 1656;
