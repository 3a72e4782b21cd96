//! One parse of the claims: protocol claims strictly, Kinde's authorization claims tolerantly.

use std::{borrow::Cow, fmt, time::Duration};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Number;

use super::{
    Claim, FeatureFlags, Roles,
    flags::FlagsShape,
    roles::RolesShape,
    texts::{JoinedOrMany, Many, OneOrMany, Texts},
};
use crate::{
    AuthReason,
    strict_json::{self, Found, Names, Shape, Shaped, Skip},
};

/// The claims of a token whose signature is verified and whose claims are not yet judged.
#[derive(Debug, Default)]
pub(crate) struct ParsedClaims {
    // The protocol: absent or of the right type (requirement C4).
    pub(crate) iss: Option<Box<str>>,
    pub(crate) sub: Option<Box<str>>,
    pub(crate) aud: Option<Texts>,
    pub(crate) azp: Option<Box<str>>,
    pub(crate) exp: Option<Duration>,
    pub(crate) nbf: Option<Duration>,
    pub(crate) iat: Option<Duration>,
    pub(crate) scp: Option<Texts>,
    pub(crate) gty: Option<Texts>,
    // Device-flow and machine tokens name their scopes here, joined by spaces.
    pub(crate) scope: Claim<Texts>,
    // What tells the kinds apart.
    pub(crate) markers: Markers,
    pub(crate) nonce: Option<Box<str>>,
    pub(crate) at_hash: Option<Box<str>>,
    // Kinde's authorization claims: malformed ones never grant and never refuse the token (C7).
    pub(crate) org_code: Claim<Box<str>>,
    pub(crate) org_name: Claim<Box<str>>,
    pub(crate) permissions: Claim<Texts>,
    pub(crate) roles: Claim<Roles>,
    pub(crate) feature_flags: Claim<FeatureFlags>,
}

/// The scopes of a token; not whole when a claim that may hold more of them is malformed.
#[derive(Debug)]
pub(crate) struct Scopes {
    pub(super) granted: Texts,
    pub(super) is_whole: bool,
}

/// Which claims are present that only one kind of token has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Markers {
    pub(crate) has_at_hash: bool,
    pub(crate) has_auth_time: bool,
    pub(crate) has_rat: bool,
    pub(crate) has_nonce: bool,
    pub(crate) has_type: bool,
    pub(crate) has_data: bool,
    pub(crate) has_event_id: bool,
    pub(crate) has_events: bool,
}

impl ParsedClaims {
    /// Reads the payload of a verified token.
    pub(crate) fn parse(payload: &str) -> Result<Self, AuthReason> {
        let mut parser = Parser::default();
        strict_json::read(payload, &mut parser).map_err(|_| AuthReason::ClaimsMalformed {
            problem: "not one JSON object without repeated names, at most 128 deep",
        })?;
        match parser.wrong_type {
            Some((claim, expected)) => Err(AuthReason::ClaimType { claim, expected }),
            None => Ok(parser.claims.prefer_plain(parser.hasura)),
        }
    }

    /// Gives the scopes of `scp` and `scope` together: sources differ on which of the two is filled.
    pub(crate) fn take_scopes(&mut self) -> Scopes {
        let mut granted = self.scp.take().unwrap_or_default();
        let scope = std::mem::take(&mut self.scope);
        let is_whole = scope != Claim::Malformed;
        match scope {
            Claim::Present(more) if granted.is_empty() => granted = more,
            Claim::Present(more) => {
                for scope in more.iter() {
                    if !granted.contains(scope) {
                        granted.push(scope);
                    }
                }
            }
            Claim::Absent | Claim::Malformed => {}
        }
        Scopes { granted, is_whole }
    }

    /// Takes a claim under its `x-hasura-` name where the plain one is absent.
    fn prefer_plain(mut self, hasura: Hasura) -> Self {
        self.org_code = self.org_code.or(hasura.org_code);
        self.org_name = self.org_name.or(hasura.org_name);
        self.permissions = self.permissions.or(hasura.permissions);
        self.roles = self.roles.or(hasura.roles);
        self.feature_flags = self.feature_flags.or(hasura.feature_flags);
        self
    }
}

/// The same claims under the names of the Hasura mapping.
#[derive(Default)]
struct Hasura {
    org_code: Claim<Box<str>>,
    org_name: Claim<Box<str>>,
    permissions: Claim<Texts>,
    roles: Claim<Roles>,
    feature_flags: Claim<FeatureFlags>,
}

#[derive(Default)]
struct Parser {
    claims: ParsedClaims,
    hasura: Hasura,
    /// The first protocol claim of a wrong type.
    wrong_type: Option<(&'static str, &'static str)>,
}

impl<'de> DeserializeSeed<'de> for &mut Parser {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Parser {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = Names::default();
        while let Some(name) = strict_json::next_name(&mut members, &mut names)? {
            self.take(&name, &mut members)?;
        }
        Ok(())
    }
}

impl Parser {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        let markers = &mut self.claims.markers;
        match name {
            "iss" => self.claims.iss = self.protocol(members, Owned, "iss", A_STRING)?,
            "sub" => self.claims.sub = self.protocol(members, Owned, "sub", A_STRING)?,
            "azp" => self.claims.azp = self.protocol(members, Owned, "azp", A_STRING)?,
            "aud" => self.claims.aud = self.protocol(members, OneOrMany, "aud", STRINGS)?,
            "gty" => self.claims.gty = self.protocol(members, OneOrMany, "gty", STRINGS)?,
            "scp" => self.claims.scp = self.protocol(members, Many, "scp", A_LIST)?,
            "exp" => self.claims.exp = self.protocol(members, NumericDate, "exp", A_DATE)?,
            "nbf" => self.claims.nbf = self.protocol(members, NumericDate, "nbf", A_DATE)?,
            "iat" => self.claims.iat = self.protocol(members, NumericDate, "iat", A_DATE)?,
            "scope" => self.claims.scope = claim(members, JoinedOrMany)?,
            "nonce" => {
                markers.has_nonce = true;
                self.claims.nonce = members.next_value_seed(Shaped(Owned))?.value();
            }
            "at_hash" => {
                markers.has_at_hash = true;
                self.claims.at_hash = members.next_value_seed(Shaped(Owned))?.value();
            }
            "auth_time" => markers.has_auth_time = present(members)?,
            "rat" => markers.has_rat = present(members)?,
            "type" => markers.has_type = present(members)?,
            "data" => markers.has_data = present(members)?,
            "event_id" => markers.has_event_id = present(members)?,
            "events" => markers.has_events = present(members)?,
            "org_code" => self.claims.org_code = claim(members, NonEmpty)?,
            "org_name" => self.claims.org_name = claim(members, Owned)?,
            "permissions" => self.claims.permissions = claim(members, Many)?,
            "roles" => self.claims.roles = claim(members, RolesShape)?,
            "feature_flags" => self.claims.feature_flags = claim(members, FlagsShape)?,
            "x-hasura-org-code" => self.hasura.org_code = claim(members, NonEmpty)?,
            "x-hasura-org-name" => self.hasura.org_name = claim(members, Owned)?,
            "x-hasura-permissions" => self.hasura.permissions = claim(members, Many)?,
            "x-hasura-roles" => self.hasura.roles = claim(members, RolesShape)?,
            "x-hasura-feature-flags" => self.hasura.feature_flags = claim(members, FlagsShape)?,
            _ => members.next_value_seed(Skip)?,
        }
        Ok(())
    }

    fn protocol<'de, A: MapAccess<'de>, S: Shape<'de>>(
        &mut self,
        members: &mut A,
        shape: S,
        claim: &'static str,
        expected: &'static str,
    ) -> Result<Option<S::Value>, A::Error> {
        let value = members.next_value_seed(Shaped(shape))?.value();
        if value.is_none() {
            self.wrong_type.get_or_insert((claim, expected));
        }
        Ok(value)
    }
}

/// Reads an authorization claim: `null` is absent, another shape is malformed.
fn claim<'de, A: MapAccess<'de>, S: Shape<'de>>(
    members: &mut A,
    shape: S,
) -> Result<Claim<S::Value>, A::Error> {
    Ok(match members.next_value_seed(Shaped(shape))? {
        Found::Null => Claim::Absent,
        Found::Is(value) => Claim::Present(value),
        Found::Other => Claim::Malformed,
    })
}

/// Drops a value whose presence is all that counts.
fn present<'de, A: MapAccess<'de>>(members: &mut A) -> Result<bool, A::Error> {
    members.next_value_seed(Skip).map(|()| true)
}

/// A string.
struct Owned;

impl<'de> Shape<'de> for Owned {
    type Value = Box<str>;

    fn text(self, text: Cow<'de, str>) -> Option<Box<str>> {
        Some(text.into())
    }
}

/// A string that is not empty.
struct NonEmpty;

impl<'de> Shape<'de> for NonEmpty {
    type Value = Box<str>;

    fn text(self, text: Cow<'de, str>) -> Option<Box<str>> {
        (!text.is_empty()).then(|| text.into())
    }
}

/// A `NumericDate` (RFC 7519 §2): seconds since 1970, fractions allowed, never negative.
struct NumericDate;

impl Shape<'_> for NumericDate {
    type Value = Duration;

    fn number(self, number: Number) -> Option<Duration> {
        match number.as_u64() {
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }
    }
}

const A_STRING: &str = "a string";
const A_LIST: &str = "a list of strings";
const STRINGS: &str = "a string or a list of strings";
const A_DATE: &str = "a non-negative number of seconds";

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(payload: &str) -> Option<&'static str> {
        ParsedClaims::parse(payload).err().map(|reason| reason.code())
    }

    /// covers: C1 C4
    #[test]
    fn protocol_claim_of_the_wrong_type_refuses_the_token() {
        for member in [
            r#""iss":["https://a"]"#,
            r#""iss":null"#,
            r#""iss":1"#,
            r#""sub":1"#,
            r#""sub":null"#,
            r#""azp":{}"#,
            r#""aud":1"#,
            r#""aud":null"#,
            r#""aud":[1]"#,
            r#""aud":["a",null]"#,
            r#""aud":{"a":1}"#,
            r#""exp":"1790000000""#,
            r#""exp":null"#,
            r#""exp":-1"#,
            r#""exp":-0.5"#,
            r#""exp":1e300"#,
            r#""exp":true"#,
            r#""nbf":"1""#,
            r#""iat":[]"#,
            r#""scp":"a b""#,
            r#""scp":null"#,
            r#""scp":[1]"#,
            r#""gty":{}"#,
            r#""gty":null"#,
        ] {
            assert_eq!(refused(&format!("{{{member}}}")), Some("claim_type"), "{member}");
        }
    }

    /// covers: C1
    #[test]
    fn fractions_of_a_second_are_read() {
        let claims = ParsedClaims::parse(r#"{"exp":1790000000.5,"iat":1.79e9}"#).unwrap();
        assert_eq!(claims.exp, Some(Duration::from_millis(1_790_000_000_500)));
        assert_eq!(claims.iat, Some(Duration::from_secs(1_790_000_000)));
    }

    /// covers: A9
    #[test]
    fn claims_that_are_not_one_plain_object_are_refused() {
        for payload in [
            "",
            "null",
            "[]",
            "\"a\"",
            "1",
            r#"{"exp":1,"exp":2}"#,
            r#"{"exp":1,"\u0065xp":2}"#,
            r#"{"custom":{"a":1,"a":2}}"#,
            r#"{"permissions":["a"],"permissions":[]}"#,
            r#"{"exp":NaN}"#,
            r#"{} {}"#,
            "\u{feff}{}",
        ] {
            assert_eq!(refused(payload), Some("claims_malformed"), "{payload}");
        }
    }

    /// covers: C7
    #[test]
    fn malformed_authorization_claims_leave_the_token_standing() {
        let claims = ParsedClaims::parse(
            r#"{"permissions":"admin","roles":{"admin":true},"feature_flags":[],"org_code":7,"scope":{}}"#,
        )
        .unwrap();
        assert_eq!(claims.permissions, Claim::Malformed);
        assert_eq!(claims.roles, Claim::Malformed);
        assert_eq!(claims.feature_flags, Claim::Malformed);
        assert_eq!(claims.org_code, Claim::Malformed);
        assert_eq!(claims.scope, Claim::Malformed);
    }

    /// covers: C7
    #[test]
    fn null_means_the_same_as_absent_in_authorization_claims() {
        let claims = ParsedClaims::parse(r#"{"permissions":null,"roles":null,"org_code":null}"#).unwrap();
        assert_eq!((claims.permissions, claims.roles), (Claim::Absent, Claim::Absent));
        assert_eq!(claims.org_code, Claim::Absent);
    }

    #[test]
    fn hasura_name_is_read_where_the_plain_name_is_absent() {
        let claims =
            ParsedClaims::parse(r#"{"x-hasura-permissions":["a"],"x-hasura-org-code":"org_1"}"#).unwrap();
        assert_eq!(claims.permissions, Claim::Present(Texts::from_iter(["a"])));
        assert_eq!(claims.org_code, Claim::Present("org_1".into()));
        let both = ParsedClaims::parse(r#"{"x-hasura-permissions":["a"],"permissions":[]}"#).unwrap();
        assert_eq!(both.permissions, Claim::Present(Texts::default()));
        let malformed = ParsedClaims::parse(r#"{"x-hasura-permissions":["a"],"permissions":7}"#).unwrap();
        assert_eq!(malformed.permissions, Claim::Malformed);
    }

    #[test]
    fn scopes_are_the_union_of_both_claims() {
        let mut claims = ParsedClaims::parse(r#"{"scp":["a","b"],"scope":"b c"}"#).unwrap();
        assert_eq!(claims.take_scopes().granted.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        let mut empty = ParsedClaims::parse(r#"{"scp":[],"scope":""}"#).unwrap();
        assert!(empty.take_scopes().granted.is_empty());
    }
}
