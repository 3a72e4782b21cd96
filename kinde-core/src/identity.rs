//! Who it is, proven: types that only a verifier constructs.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{AuthError, AuthReason, Issuer, MalformedClaim, Secret, TokenClaims, TokenKind};

/// A proven caller: a person or a machine. Complete by nature; cheap to clone.
///
/// There is no way to construct one but a [`Verifier`](crate::Verifier).
#[derive(Clone, Debug)]
pub enum Identity {
    /// A person, by a user access token.
    User(Arc<AccessToken>),
    /// A machine-to-machine application, by its access token.
    Machine(Arc<MachineToken>),
}

impl Identity {
    /// Gives what people and machines have in common.
    pub fn claims(&self) -> &TokenClaims {
        match self {
            Self::User(token) => token,
            Self::Machine(token) => token,
        }
    }

    /// Gives the person; `None` for a machine.
    pub fn user(&self) -> Option<&Arc<AccessToken>> {
        match self {
            Self::User(token) => Some(token),
            Self::Machine(_) => None,
        }
    }

    /// Takes the person, where machines are not accepted at all.
    ///
    /// # Errors
    ///
    /// [`AuthReason::WrongKind`] for a machine.
    pub fn into_user(self) -> Result<Arc<AccessToken>, AuthError> {
        match self {
            Self::User(token) => Ok(token),
            Self::Machine(_) => {
                Err(AuthReason::WrongKind { expected: TokenKind::User, found: TokenKind::Machine }.into())
            }
        }
    }

    /// Gives the machine; `None` for a person.
    pub fn machine(&self) -> Option<&Arc<MachineToken>> {
        match self {
            Self::User(_) => None,
            Self::Machine(token) => Some(token),
        }
    }

    /// Tells the kind of token.
    pub fn kind(&self) -> TokenKind {
        match self {
            Self::User(_) => TokenKind::User,
            Self::Machine(_) => TokenKind::Machine,
        }
    }
}

/// The verified access token of a person; dereferences to its [`TokenClaims`].
#[derive(Debug)]
pub struct AccessToken {
    subject: Box<str>,
    claims: TokenClaims,
}

impl AccessToken {
    pub(crate) fn new(subject: Box<str>, claims: TokenClaims) -> Self {
        Self { subject, claims }
    }

    /// Gives the person's id in Kinde (`sub`), for example `kp_0f4b7c2d…`. Opaque: never parse it.
    ///
    /// It is unique within one issuer; a service with several environments keys people by
    /// [`key`](AccessToken::key). An e-mail address is no key: it changes, and it can be taken over.
    pub fn id(&self) -> &str {
        &self.subject
    }

    /// Gives what identifies the person across environments: issuer and subject together.
    pub fn key(&self) -> (&Issuer, &str) {
        (self.claims.issuer(), &self.subject)
    }
}

impl Deref for AccessToken {
    type Target = TokenClaims;

    fn deref(&self) -> &TokenClaims {
        &self.claims
    }
}

/// The verified access token of a machine-to-machine application; dereferences to its [`TokenClaims`].
///
/// It has scopes and perhaps an organization, and no permissions.
#[derive(Debug)]
pub struct MachineToken {
    client_id: Box<str>,
    claims: TokenClaims,
}

impl MachineToken {
    pub(crate) fn new(client_id: Box<str>, claims: TokenClaims) -> Self {
        Self { client_id, claims }
    }

    /// Gives the client ID of the machine (`azp`).
    pub fn client_id(&self) -> &str {
        &self.client_id
    }
}

impl Deref for MachineToken {
    type Target = TokenClaims;

    fn deref(&self) -> &TokenClaims {
        &self.claims
    }
}

/// A verified ID token: who signed in, for the application that asked.
///
/// It is no credential: an API takes access tokens only.
pub struct IdToken {
    subject: Box<str>,
    issuer: Issuer,
    expires_at: Duration,
    claims: Map<String, Value>,
    token: Secret,
}

impl IdToken {
    pub(crate) fn new(
        subject: Box<str>,
        issuer: Issuer,
        expires_at: Duration,
        claims: Map<String, Value>,
        token: Secret,
    ) -> Self {
        Self { subject, issuer, expires_at, claims, token }
    }

    /// Gives the person's id in Kinde (`sub`).
    pub fn id(&self) -> &str {
        &self.subject
    }

    /// Gives the issuer.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Gives when the token expires (`exp`), since 1970. An ID token lives one hour by default.
    pub fn expires_at(&self) -> Duration {
        self.expires_at
    }

    /// Gives a claim by name, such as `email` or `given_name`; `None` when absent or `null`.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when `T` does not fit the claim.
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, MalformedClaim> {
        match self.claims.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value)
                .map(Some)
                .map_err(|_| MalformedClaim::new(name.to_owned(), "of the asked type")),
        }
    }

    /// Gives the verified token, to keep it in a session.
    pub fn token(&self) -> &Secret {
        &self.token
    }
}

/// Shows whose and until when, never the claims: they are personal data.
impl fmt::Debug for IdToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IdToken")
            .field("issuer", &self.issuer)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
