//! What an environment remembers between requests.

/// Sign-ins under way, codes, refresh tokens and single sign-on sessions.
#[derive(Default)]
pub(crate) struct Sessions {}
