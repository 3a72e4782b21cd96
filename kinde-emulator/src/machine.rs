//! A machine-to-machine application, and the tokens it may hold.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    draft::{Draft, Org},
    provider::{API, Provider},
    wrong::WrongToken,
};

/// A machine-to-machine application, and the description of a token for it.
///
/// Made by [`Environment::machine`](crate::Environment::machine). Each method returns a description that says more and
/// leaves the one it was called on as it was. The machine can also ask for its tokens over HTTP, with
/// its own client id and secret.
#[derive(Clone)]
#[must_use]
pub struct Machine {
    provider: Arc<Provider>,
    client_id: String,
    draft: Draft,
}

impl Machine {
    pub(crate) fn find_or_create(provider: &Arc<Provider>, name: &str) -> Self {
        let client_id = provider.directory.lock().find_or_create_machine(name);
        Self { provider: Arc::clone(provider), client_id, draft: Draft::with_scopes(&[]) }
    }

    /// Returns the application's client id, the claim `azp`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns the application's client secret.
    #[must_use]
    pub fn client_secret(&self) -> String {
        let directory = self.provider.directory.lock();
        let machine = directory.applications.get(&self.client_id);
        machine.and_then(|machine| machine.client_secret.clone()).unwrap_or_default()
    }

    /// Adds an API scope; repeatable.
    ///
    /// Default: none.
    pub fn with_scope(&self, scope: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.scopes.push(scope.into());
        })
    }

    /// Adds an audience, registered or not; repeatable.
    ///
    /// Default: none. Over HTTP a machine without an audience gets no token.
    pub fn with_audience(&self, audience: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.audiences.push(audience.into());
        })
    }

    /// Scopes the token to an organization, found or created by handle or org code.
    ///
    /// Default: the one the application is scoped to by the seed, or none.
    pub fn in_org(&self, organization: &str) -> Self {
        let code = self.provider.change(API, |directory| directory.find_or_create_organization(organization));
        self.described(|draft| {
            draft.org = Org::Code(code);
        })
    }

    /// Sets a feature flag; its type letter follows from the value.
    pub fn with_flag(&self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.described(|draft| {
            draft.flags.insert(key.into(), value.into());
        })
    }

    /// Sets a property of the application.
    pub fn with_property(&self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.described(|draft| {
            draft.user_properties.insert(key.into(), value.into());
        })
    }

    /// Sets or overrides any claim.
    pub fn with_claim(&self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.described(|draft| {
            draft.overrides.insert(name.into(), Some(value.into()));
        })
    }

    /// Leaves a claim out.
    pub fn without_claim(&self, name: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.overrides.insert(name.into(), None);
        })
    }

    /// Sets `iat`, in Unix seconds.
    ///
    /// Default: the environment's time.
    pub fn issued_at(&self, unix_seconds: u64) -> Self {
        self.described(|draft| {
            draft.times.issued_at = Some(unix_seconds);
        })
    }

    /// Sets `exp`, counted from `iat`.
    ///
    /// Default: a day. With zero it expires as it is issued.
    pub fn expires_in(&self, lifetime: Duration) -> Self {
        self.described(|draft| {
            draft.times.lifetime = Some(lifetime);
        })
    }

    /// Makes a token that expired an hour ago, further back than any leeway.
    pub fn expired(&self) -> Self {
        self.described(|draft| {
            draft.times.is_expired = true;
        })
    }

    /// Signs with this key of the environment, published or not.
    ///
    /// Default: the current key; also when there is no key with this ID.
    pub fn signed_by(&self, kid: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.kid = Some(kid.into());
        })
    }

    /// Mints an access token.
    #[must_use]
    pub fn access_token(&self) -> String {
        let claims = self.provider.machine_claims(&self.client_id, &self.draft);
        self.provider.sign(&claims, &self.draft)
    }

    /// Starts an access token with something wrong with it.
    pub fn wrong(&self) -> WrongToken {
        let claims = self.provider.machine_claims(&self.client_id, &self.draft);
        WrongToken::new(&self.provider, claims, self.draft.kid.clone())
    }
}

impl Machine {
    fn described(&self, change: impl FnOnce(&mut Draft)) -> Self {
        let mut machine = self.clone();
        change(&mut machine.draft);
        machine
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
