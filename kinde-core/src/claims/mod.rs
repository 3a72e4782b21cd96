//! What a verified access token says: the views that people and machines share.

mod flags;
mod parse;
mod roles;
mod texts;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use flags::FeatureFlags;
pub use flags::{FlagValue, FromFlag};
use parse::Scopes;
pub(crate) use parse::{Markers, ParsedClaims};
pub use roles::Role;
pub(crate) use roles::Roles;
pub(crate) use texts::Texts;

use crate::{
    Issuer, Secret,
    jws::{self, UntrustedJws},
    strict_json,
};

/// The claims of a verified access token.
///
/// A claim that is absent, `null` or empty means "none". A claim of a shape that Kinde does not send never
/// grants anything: its accessor gives [`MalformedClaim`] instead of a value, so that neither a question nor
/// its opposite is answered with yes.
///
/// What an access token usually does not hold is not answered with an empty text either: a name, a picture
/// or a phone number is in the ID token or the user profile only; `email` is here if the application's token
/// customization adds it. Ask for such a claim by name with [`claim`](TokenClaims::claim).
pub struct TokenClaims {
    token: Arc<Secret>,
    issuer: Issuer,
    application: Option<Box<str>>,
    audiences: Texts,
    issued_at: Option<Duration>,
    expires_at: Duration,
    scopes: Scopes,
    org_code: Claim<Box<str>>,
    org_name: Claim<Box<str>>,
    permissions: Claim<Texts>,
    roles: Claim<Roles>,
    feature_flags: Claim<FeatureFlags>,
}

impl TokenClaims {
    /// Builds the views of claims that `checks` has accepted.
    pub(crate) fn from_checked(mut claims: ParsedClaims, token: Arc<Secret>, issuer: Issuer) -> Self {
        Self {
            token,
            issuer,
            scopes: claims.take_scopes(),
            application: claims.azp,
            audiences: claims.aud.unwrap_or_default(),
            issued_at: claims.iat,
            expires_at: claims.exp.unwrap_or_default(),
            org_code: claims.org_code,
            org_name: claims.org_name,
            permissions: claims.permissions,
            roles: claims.roles,
            feature_flags: claims.feature_flags,
        }
    }

    /// Gives the issuer: the Kinde environment that signed the token.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Gives the client ID of the application that the token was issued to (`azp`).
    pub fn application(&self) -> Option<&str> {
        self.application.as_deref()
    }

    /// Gives the audiences (`aud`); none unless one was requested at login.
    pub fn audiences(&self) -> impl ExactSizeIterator<Item = &str> {
        self.audiences.iter()
    }

    /// Gives when the token was issued (`iat`), since 1970.
    pub fn issued_at(&self) -> Option<Duration> {
        self.issued_at
    }

    /// Gives when the token expires (`exp`), since 1970.
    pub fn expires_at(&self) -> Duration {
        self.expires_at
    }

    /// Gives the scopes of `scp` and `scope` together.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.scopes.granted.iter()
    }

    /// Tells whether a scope was granted.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when it is not among the scopes that can be read, and `scope` is malformed.
    pub fn has_scope(&self, scope: &str) -> Result<bool, MalformedClaim> {
        match self.scopes.granted.contains(scope) {
            false if !self.scopes.is_whole => {
                Err(MalformedClaim::new("scope", "a string or a list of strings"))
            }
            is_granted => Ok(is_granted),
        }
    }

    /// Gives the code of the organization that the token belongs to; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when `org_code` is not a non-empty string.
    pub fn org_code(&self) -> Result<Option<&str>, MalformedClaim> {
        self.org_code.view("org_code", "a non-empty string").map(|code| code.map(AsRef::as_ref))
    }

    /// Gives the display name of the organization, if the token customization adds it.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when `org_name` is not a string.
    pub fn org_name(&self) -> Result<Option<&str>, MalformedClaim> {
        self.org_name.view("org_name", "a string").map(|name| name.map(AsRef::as_ref))
    }

    /// Gives your own id of the organization, if the token customization adds it.
    ///
    /// Kinde's documentation names the claim `external_organization_id`, its Next.js SDK
    /// `external_org_id`; both are read.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when the claim is not a string.
    pub fn external_organization_id(&self) -> Result<Option<String>, MalformedClaim> {
        match self.claim("external_organization_id")? {
            None => self.claim("external_org_id"),
            id => Ok(id),
        }
    }

    /// Gives the permission keys, which hold within the organization of the token.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when `permissions` is not a list of strings.
    pub fn permissions(&self) -> Result<Permissions<'_>, MalformedClaim> {
        let keys = self.permissions.view("permissions", "a list of strings")?;
        Ok(Permissions { keys: keys.unwrap_or(&NO_TEXTS) })
    }

    /// Gives the roles, if the token customization adds them.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when `roles` is not a list of strings or of objects with a `key`.
    pub fn roles(&self) -> Result<&[Role], MalformedClaim> {
        let roles = self.roles.view("roles", "a list of strings or of objects with a key")?;
        Ok(roles.map_or(&[], |roles| &roles.0))
    }

    /// Gives a feature flag; `None` when the token does not hold it. Choose the default at the call.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when the flag has another kind than `T`, or no shape that Kinde sends.
    pub fn feature_flag<T: FromFlag>(&self, key: &str) -> Result<Option<T>, MalformedClaim> {
        match self.flag_value(key)? {
            None => Ok(None),
            Some(value) => {
                T::from_flag(value).map(Some).ok_or_else(|| MalformedClaim::new("feature_flags", T::KIND))
            }
        }
    }

    /// Gives a feature flag of any kind.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when the flag has no shape that Kinde sends.
    pub fn flag_value(&self, key: &str) -> Result<Option<&FlagValue>, MalformedClaim> {
        match self.feature_flags.view("feature_flags", "an object of flags")? {
            None => Ok(None),
            Some(flags) => flags.find(key),
        }
    }

    /// Gives the keys of all feature flags in the token.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when `feature_flags` is not an object.
    pub fn flag_keys(&self) -> Result<impl Iterator<Item = &str>, MalformedClaim> {
        let flags = self.feature_flags.view("feature_flags", "an object of flags")?;
        Ok(flags.into_iter().flat_map(FeatureFlags::keys))
    }

    /// Gives a property of the person, such as `kp_usr_city`; `None` when it is absent or unset.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when the claim is not an object of `{"v": value}`, or `T` does not fit the value.
    pub fn user_property<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, MalformedClaim> {
        self.property(key, "user_properties", "x-hasura-user_properties")
    }

    /// Gives a property of the organization, such as `kp_org_city`; `None` when it is absent or unset.
    ///
    /// # Errors
    ///
    /// As [`user_property`](TokenClaims::user_property).
    pub fn organization_property<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, MalformedClaim> {
        self.property(key, "organization_properties", "x-hasura-organization_properties")
    }

    /// Gives a property of the application; `None` when it is absent or unset.
    ///
    /// # Errors
    ///
    /// As [`user_property`](TokenClaims::user_property).
    pub fn application_property<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, MalformedClaim> {
        self.property(key, "application_properties", "x-hasura-application_properties")
    }

    /// Gives a claim by name, such as `email` or one that a token workflow sets; `None` when absent or `null`.
    ///
    /// The claims are read from the verified token again at each call (some microseconds), so that a
    /// remembered token holds no second copy of them.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when `T` does not fit the claim.
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, MalformedClaim> {
        match self.all()?.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|_| MalformedClaim::new(name.to_owned(), "of the asked type")),
        }
    }

    /// Reads the whole claims set into a type of your own; unknown claims are skipped unless it denies them.
    ///
    /// # Errors
    ///
    /// [`MalformedClaim`] when `T` does not fit.
    pub fn custom<T: DeserializeOwned>(&self) -> Result<T, MalformedClaim> {
        serde_json::from_value(Value::Object(self.all()?))
            .map_err(|_| MalformedClaim::new("claims", "of the asked type"))
    }

    /// Gives the verified token, to pass it on to another API of the same audience.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    pub(crate) fn shared_token(&self) -> &Arc<Secret> {
        &self.token
    }

    /// Estimates the heap bytes held, for the bound on remembered tokens.
    pub(crate) fn weight(&self) -> usize {
        let lists = self.audiences.weight().saturating_add(self.scopes.granted.weight());
        let permissions = self.permissions.present().map_or(0, Texts::weight);
        let roles = self.roles.present().map_or(0, Roles::weight);
        let flags = self.feature_flags.present().map_or(0, FeatureFlags::weight);
        [self.token.expose().len(), lists, permissions, roles, flags, size_of::<Self>(), 384]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    fn property<T: DeserializeOwned>(
        &self,
        key: &str,
        plain: &'static str,
        hasura: &'static str,
    ) -> Result<Option<T>, MalformedClaim> {
        let malformed = || MalformedClaim::new(plain, r#"an object of {"v": value}"#);
        let mut claims = self.all()?;
        let properties = match claims.remove(plain) {
            None | Some(Value::Null) => claims.remove(hasura),
            present => present,
        };
        let mut properties = match properties {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(properties)) => properties,
            Some(_) => return Err(malformed()),
        };
        match properties.remove(key) {
            None => Ok(None),
            // An unset property is `{}` (Kinde documentation, nextjs-sdk).
            Some(Value::Object(mut property)) => match property.remove("v") {
                None | Some(Value::Null) => Ok(None),
                Some(value) => serde_json::from_value(value).map(Some).map_err(|_| malformed()),
            },
            Some(_) => Err(malformed()),
        }
    }

    /// Reads all claims from the verified token again.
    fn all(&self) -> Result<serde_json::Map<String, Value>, MalformedClaim> {
        let malformed = || MalformedClaim::new("claims", "one JSON object");
        let token = self.token.expose();
        let jws = UntrustedJws::split(token, token.len()).map_err(|_| malformed())?;
        let payload = jws::payload_text(jws.payload_segment).map_err(|_| malformed())?;
        match strict_json::read(&payload, strict_json::Keep) {
            Ok(Value::Object(claims)) => Ok(claims),
            _ => Err(malformed()),
        }
    }
}

/// Shows whose and until when, not what it says about a person.
impl fmt::Debug for TokenClaims {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenClaims")
            .field("issuer", &self.issuer)
            .field("application", &self.application)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

static NO_TEXTS: Texts = Texts::none();

/// The permission keys of a token.
#[derive(Clone, Copy, Debug)]
pub struct Permissions<'a> {
    keys: &'a Texts,
}

impl<'a> Permissions<'a> {
    /// Tells whether `key` is among them; compared exactly.
    pub fn contains(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// Gives the keys in the order of the token.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        self.keys.iter()
    }
}

/// A claim of Kinde's whose shape is not the one that Kinde sends, or not the one that the code asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{claim} is not {expected}")]
pub struct MalformedClaim {
    claim: Cow<'static, str>,
    expected: &'static str,
}

impl MalformedClaim {
    pub(crate) fn new(claim: impl Into<Cow<'static, str>>, expected: &'static str) -> Self {
        Self { claim: claim.into(), expected }
    }

    /// Gives the name of the claim.
    pub fn claim(&self) -> &str {
        &self.claim
    }
}

/// An authorization claim as it was found. Complete by nature.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Claim<T> {
    #[default]
    Absent,
    Present(T),
    Malformed,
}

impl<T> Claim<T> {
    fn or(self, other: Self) -> Self {
        if matches!(self, Self::Absent) { other } else { self }
    }

    fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Malformed => None,
        }
    }

    fn view(&self, claim: &'static str, expected: &'static str) -> Result<Option<&T>, MalformedClaim> {
        match self {
            Self::Absent => Ok(None),
            Self::Present(value) => Ok(Some(value)),
            Self::Malformed => Err(MalformedClaim::new(claim, expected)),
        }
    }
}
