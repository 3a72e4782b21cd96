//! A person, and the tokens they may hold.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    directory::{Directory, PersonRecord},
    draft::{Draft, Org},
    property::PropertyContext,
    provider::{API, Provider},
    wrong::WrongToken,
};

/// A person of the environment, and the description of a token for them.
///
/// Made by [`Environment::person`](crate::Environment::person). Each method returns a description that says more and
/// leaves the one it was called on as it was. Nothing is stored in the environment until
/// [`remember`](Person::remember), so the same person can hold tokens that say different things.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let alice = kinde.person("alice").in_org("acme");
/// let may_create = alice.with("create:todos").access_token();
/// let may_not = alice.access_token();
/// # assert_ne!(may_create, may_not);
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Person {
    provider: Arc<Provider>,
    id: String,
    draft: Draft,
}

impl Person {
    pub(crate) fn find_or_create(provider: &Arc<Provider>, name: &str) -> Self {
        let now = provider.clock.now();
        let id = provider.change(API, |directory| directory.find_or_create_person(name, now));
        Self { provider: Arc::clone(provider), id, draft: Draft::with_scopes(&USUAL_SCOPES) }
    }

    /// Returns the person's id, the claim `sub`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the person's e-mail address.
    #[must_use]
    pub fn email(&self) -> String {
        self.record().email
    }
}

/// What the token says.
impl Person {
    /// Puts the session in an organization, found or created by handle or org code.
    ///
    /// Default: the first organization the environment remembers the person in, or none.
    pub fn in_org(&self, organization: &str) -> Self {
        let code = self.provider.change(API, |directory| directory.find_or_create_organization(organization));
        self.described(|draft| {
            draft.org = Org::Code(code);
        })
    }

    /// Puts the session in no organization.
    pub fn without_org(&self) -> Self {
        self.described(|draft| {
            draft.org = Org::Without;
        })
    }

    /// Adds a permission; repeatable.
    ///
    /// Default: those the environment remembers. In an organization `permissions` is at least `[]`.
    pub fn with(&self, permission: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.permissions.push(permission.into());
        })
    }

    /// Adds a role by key; repeatable.
    ///
    /// Default: those the environment remembers; without any, no `roles` claim.
    pub fn with_role(&self, key: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.roles.push(key.into());
        })
    }

    /// Sets a feature flag; its type letter follows from the value.
    ///
    /// Default: those the environment remembers; without any, no `feature_flags` claim.
    pub fn with_flag(&self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.described(|draft| {
            draft.flags.insert(key.into(), value.into());
        })
    }

    /// Sets a property; one whose key starts with `kp_org_` belongs to the organization. Null writes an unset one.
    ///
    /// Default: those the environment remembers; without any, no `user_properties` claim.
    pub fn with_property(&self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let key = key.into();
        self.described(|draft| {
            if key.starts_with("kp_org_") {
                draft.organization_properties.insert(key, value.into());
            } else {
                draft.user_properties.insert(key, value.into());
            }
        })
    }

    /// Sets a property of the organization, whatever its key. Null writes an unset one.
    pub fn with_organization_property(&self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.described(|draft| {
            draft.organization_properties.insert(key.into(), value.into());
        })
    }

    /// Adds a scope; repeatable.
    ///
    /// Default: `openid profile email offline`, what the Next.js SDK asks for.
    pub fn with_scope(&self, scope: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.scopes.push(scope.into());
        })
    }

    /// Sets every scope at once.
    pub fn with_only_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.draft.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds an audience, registered or not; repeatable.
    ///
    /// Default: none, so `aud` is `[]`, which is what Kinde issues when no API is asked for.
    pub fn with_audience(&self, audience: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.audiences.push(audience.into());
        })
    }

    /// Issues the token to another application; `azp`.
    ///
    /// Default: the main application.
    pub fn with_client_id(&self, client_id: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.client_id = Some(client_id.into());
        })
    }

    /// Sets or overrides any claim, as a token workflow could.
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

    /// Sets the nonce of the ID token.
    ///
    /// Default: none, and no `nonce` claim.
    pub fn with_nonce(&self, nonce: impl Into<String>) -> Self {
        self.described(|draft| {
            draft.nonce = Some(nonce.into());
        })
    }

    /// Says when the person signed in, in Unix seconds; `auth_time` of the ID token.
    ///
    /// Default: when the token is issued.
    pub fn authenticated_at(&self, unix_seconds: u64) -> Self {
        self.described(|draft| {
            draft.auth_time = Some(unix_seconds);
        })
    }

    /// Writes the organization's claims under their `x-hasura-` names.
    ///
    /// Default: the plain names.
    pub fn hasura(&self) -> Self {
        self.described(|draft| {
            draft.hasura = true;
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
    /// Default: a day for an access token, an hour for an ID token. With zero it expires as it is issued.
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
}

/// The tokens.
impl Person {
    /// Mints an access token.
    #[must_use]
    pub fn access_token(&self) -> String {
        let claims = self.provider.access_claims(&self.record(), &self.draft);
        self.provider.sign(&claims, &self.draft)
    }

    /// Mints an ID token; its `at_hash` belongs to an access token nobody has.
    #[must_use]
    pub fn id_token(&self) -> String {
        self.id_token_for(&self.access_token())
    }

    /// Mints the ID token that comes with this access token.
    #[must_use]
    pub fn id_token_for(&self, access_token: &str) -> String {
        let claims = self.provider.id_claims(&self.record(), &self.draft, access_token);
        self.provider.sign(&claims, &self.draft)
    }

    /// Starts an access token with something wrong with it.
    pub fn wrong(&self) -> WrongToken {
        let claims = self.provider.access_claims(&self.record(), &self.draft);
        WrongToken::new(&self.provider, claims, self.draft.kid.clone())
    }

    /// Starts an ID token with something wrong with it.
    pub fn wrong_id_token(&self) -> WrongToken {
        let claims = self.provider.id_claims(&self.record(), &self.draft, &self.access_token());
        WrongToken::new(&self.provider, claims, self.draft.kid.clone())
    }

    /// Stores organization, permissions, roles, flags and properties, so that signing in over HTTP yields them.
    ///
    /// Scopes, audiences, claims and times belong to one token and are not stored.
    pub fn remember(&self) -> Self {
        let now = self.provider.clock.now();
        self.provider.change(API, |directory| self.store(directory, now));
        self.clone()
    }
}

impl Person {
    fn described(&self, change: impl FnOnce(&mut Draft)) -> Self {
        let mut person = self.clone();
        change(&mut person.draft);
        person
    }

    fn store(&self, directory: &mut Directory, now: u64) {
        let draft = &self.draft;
        if let Org::Code(code) = &draft.org {
            draft.roles.iter().for_each(|key| directory.find_or_create_role(key));
            draft.permissions.iter().for_each(|key| directory.find_or_create_permission(key));
            directory.update_organization(code, |organization| {
                organization.properties.extend(draft.organization_properties.clone());
            });
            let organization = PropertyContext::Organization;
            draft.organization_properties.keys().for_each(|key| directory.know_property(key, organization));
        }
        draft.user_properties.keys().for_each(|key| directory.know_property(key, PropertyContext::Person));
        directory.update_person(&self.id, now, |person| {
            if let Org::Code(code) = &draft.org
                && let Some(membership) = person.membership_mut(code)
            {
                add_missing(&mut membership.permissions, &draft.permissions);
                add_missing(&mut membership.roles, &draft.roles);
            }
            person.flags.extend(draft.flags.clone());
            person.properties.extend(draft.user_properties.clone());
        });
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }

    pub(crate) fn record(&self) -> PersonRecord {
        let directory = self.provider.directory.lock();
        // Somebody who was deleted may still hold tokens: the subject stays the same.
        directory.people.get(&self.id).cloned().unwrap_or_else(|| PersonRecord::invent(&self.id, 0))
    }
}

fn add_missing(stored: &mut Vec<String>, new: &[String]) {
    for item in new {
        if !stored.contains(item) {
            stored.push(item.clone());
        }
    }
}

/// What the Next.js, TypeScript and PHP SDKs ask for unless told otherwise.
const USUAL_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline"];
