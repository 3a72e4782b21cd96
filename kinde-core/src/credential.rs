//! What a request presents, and what became of it: the meeting point of every credential source.

use std::sync::Arc;

use crate::{AccessToken, AuthError, AuthReason, Identity, MachineToken, Secret, TokenKind};

/// An access token that a request presents; unproven.
///
/// A layer outside of `KindeLayer` (browser sessions) leaves one in the request's extensions. An
/// `Authorization` header wins over it.
#[derive(Clone, Debug)]
pub struct Credential {
    untrusted_token: Secret,
    source: CredentialSource,
}

impl Credential {
    /// Presents the access token that a session holds.
    pub fn from_session(untrusted_token: Secret) -> Self {
        Self { untrusted_token, source: CredentialSource::Session }
    }

    /// Gives the token to the one who verifies it.
    pub fn untrusted_token(&self) -> &Secret {
        &self.untrusted_token
    }

    /// Tells where it comes from.
    pub fn source(&self) -> CredentialSource {
        self.source
    }
}

/// Where a credential comes from. Complete by nature: there is no third way in (requirement D4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialSource {
    /// The `Authorization` header: a refusal is told to the caller.
    Header,
    /// A session layer: a refusal ends the session, and the request goes on as anonymous.
    Session,
}

/// The mark that an authenticating layer leaves in a request's extensions.
///
/// Without the mark no layer has looked, which is a wiring mistake and never means "anonymous".
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthState {
    /// No credential was presented, and the layer lets such requests pass.
    Anonymous,
    /// The credential is verified.
    Authenticated(Identity),
}

impl AuthState {
    /// Gives the mark of a request.
    ///
    /// # Errors
    ///
    /// [`AuthReason::LayerMissing`] when no layer has left one.
    pub fn of(extensions: &http::Extensions) -> Result<&Self, AuthError> {
        extensions.get().ok_or_else(|| AuthReason::LayerMissing.into())
    }

    /// Gives the proven caller.
    ///
    /// # Errors
    ///
    /// [`AuthReason::CredentialMissing`] for an anonymous request.
    pub fn identity(&self) -> Result<&Identity, AuthError> {
        match self {
            Self::Anonymous => Err(AuthReason::CredentialMissing.into()),
            Self::Authenticated(identity) => Ok(identity),
        }
    }

    /// Gives the person who calls.
    ///
    /// # Errors
    ///
    /// As [`identity`](AuthState::identity), and [`AuthReason::CallerKind`] (403) for a machine.
    pub fn user(&self) -> Result<&Arc<AccessToken>, AuthError> {
        match self.identity()? {
            Identity::User(token) => Ok(token),
            Identity::Machine(_) => {
                Err(AuthReason::CallerKind { expected: TokenKind::User, found: TokenKind::Machine }.into())
            }
        }
    }

    /// Gives the machine that calls.
    ///
    /// # Errors
    ///
    /// As [`identity`](AuthState::identity), and [`AuthReason::CallerKind`] (403) for a person.
    pub fn machine(&self) -> Result<&Arc<MachineToken>, AuthError> {
        match self.identity()? {
            Identity::Machine(token) => Ok(token),
            Identity::User(_) => {
                Err(AuthReason::CallerKind { expected: TokenKind::Machine, found: TokenKind::User }.into())
            }
        }
    }

    /// Tells whether the request is anonymous.
    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous)
    }
}

/// The mark that an authenticating layer leaves in the *response's* extensions when it refused the credential
/// of a session: the session layer outside ends that session and clears its cookie.
#[derive(Clone, Debug)]
pub struct RefusedSession(AuthError);

impl RefusedSession {
    /// Keeps why the credential was refused.
    pub fn new(error: AuthError) -> Self {
        Self(error)
    }

    /// Gives why the credential was refused.
    pub fn error(&self) -> &AuthError {
        &self.0
    }
}
