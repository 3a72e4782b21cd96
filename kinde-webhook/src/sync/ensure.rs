//! Makes sure that whoever calls has a row. The logic; the databases are beside.

use std::future::Future;

use kinde_core::AccessToken;

use super::{
    UserState,
    statements::{self, Statement},
};

/// What the logic asks of a database.
pub(super) trait Users: Sync {
    type Error;

    /// Finds a person, and since when the address is known.
    fn find(&self, id: &str) -> impl Future<Output = Result<Option<(UserState, i64)>, Self::Error>> + Send;

    fn write(&self, statement: &Statement) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// One query for a person who is known; a write only for who is not, or whose address the token knows better.
pub(super) async fn ensure_user<U: Users>(users: &U, token: &AccessToken) -> Result<UserState, U::Error> {
    // A malformed or empty address is as good as none.
    let email: Option<String> = token.claim("email").unwrap_or_default();
    let email = email.filter(|email| !email.is_empty());
    let known_since = statements::email_known_since(token, email.as_deref());
    if let Some((state, email_changed_at)) = users.find(token.id()).await?
        && (state == UserState::Deleted || email_changed_at >= known_since)
    {
        return Ok(state);
    }
    users.write(&statements::plan_user_of(token, email)).await?;
    let found = users.find(token.id()).await?;
    Ok(found.map_or(UserState::Active, |(state, _)| state))
}
