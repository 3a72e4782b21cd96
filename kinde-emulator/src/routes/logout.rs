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
        provider.sessions.lock().sign_off(&cookie);
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
