//! The cookie of the single sign-on session.

use http::{HeaderMap, header};

use crate::provider::Provider;

/// Returns the session cookie's value, if the browser sent one.
pub(crate) fn read(provider: &Provider, headers: &HeaderMap) -> Option<String> {
    let name = name(provider);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_owned())
}

/// Writes the header that sets it: for as long as the browser runs, unless the application's sessions are to last.
pub(crate) fn set(provider: &Provider, client_id: &str, value: &str) -> String {
    let directory = provider.directory.lock();
    let application = directory.applications.get(client_id);
    let is_persistent = application.and_then(|known| known.pages.persistent_session) == Some(true);
    let lifetime = if is_persistent { PERSISTENT } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{lifetime}", name(provider))
}

/// Writes the header that clears it.
pub(crate) fn clear(provider: &Provider) -> String {
    format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", name(provider))
}

/// Cookies do not tell ports apart (RFC 6265 §8.5), so the port is part of the name: two environments on one
/// computer must not share sessions.
fn name(provider: &Provider) -> String {
    let port = provider.url.rsplit(':').next().unwrap_or_default();
    format!("kinde_emulator_{port}")
}

/// Fifteen days, the default life of a refresh token; Kinde lets each application choose.
const PERSISTENT: &str = "; Max-Age=1296000";
