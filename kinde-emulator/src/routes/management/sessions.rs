//! Sessions of users.

use serde_json::{Value, json};

use crate::{identifiers, sessions::SessionSummary};

use super::{
    answer::{Answer, done, success},
    call::Call,
    moment, users,
};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let id = call.path("user_id");
    users::known(call, &call.provider.directory.lock(), id)?;
    let sessions = call.provider.sessions.lock().of_person(id);
    let sessions: Vec<_> = sessions.iter().map(|session| described(id, session)).collect();
    success(json!({ "has_more": false, "sessions": sessions }))
}

/// Ends every session with its refresh tokens; access tokens live on until they expire.
pub(super) fn end(call: &Call<'_>) -> Answer {
    let id = call.path("user_id");
    users::known(call, &call.provider.directory.lock(), id)?;
    call.provider.sessions.lock().sign_off_everywhere(id);
    done()
}

fn described(user_id: &str, session: &SessionSummary) -> Value {
    json!({
        "user_id": user_id,
        "org_code": session.org_code,
        "client_id": session.client_id,
        "expires_on": moment::written(session.started_at.saturating_add(LIFETIME_SECONDS)),
        "session_id": identifiers::session_id(&session.cookie),
        "started_on": moment::written(session.started_at),
        "updated_on": moment::short(session.updated_at),
        "connection_id": null,
        // Everybody signs in from this computer, and browsers are not told apart.
        "last_ip_address": "127.0.0.1",
        "last_user_agent": null,
        "initial_ip_address": "127.0.0.1",
        "initial_user_agent": null,
    })
}

/// Kinde's default for `authenticated_session_lifetime`. The emulator itself ends no session by time.
const LIFETIME_SECONDS: u64 = 86_400;
