//! One parse of the claims: protocol claims strictly, Kinde's authorization claims tolerantly.

use std::{fmt, time::Duration};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{Claim, FeatureFlags, Roles};
use crate::{
    AuthReason,
    strict_json::{self, Keep, Names, Skip},
};

/// The claims of a token whose signature is verified and whose claims are not yet judged.
#[derive(Debug, Default)]
pub(crate) struct ParsedClaims {
    // The protocol: absent or of the right type (requirement C4).
    pub(crate) iss: Option<Box<str>>,
    pub(crate) sub: Option<Box<str>>,
    pub(crate) aud: Option<Box<[Box<str>]>>,
    pub(crate) azp: Option<Box<str>>,
    pub(crate) exp: Option<Duration>,
    pub(crate) nbf: Option<Duration>,
    pub(crate) iat: Option<Duration>,
    pub(crate) scp: Option<Box<[Box<str>]>>,
    pub(crate) gty: Option<Box<[Box<str>]>>,
    // Device-flow and machine tokens name their scopes here, joined by spaces.
    pub(crate) scope: Claim<Box<[Box<str>]>>,
    // What tells the kinds apart.
    pub(crate) markers: Markers,
    pub(crate) nonce: Option<Box<str>>,
    pub(crate) at_hash: Option<Box<str>>,
    // Kinde's authorization claims: malformed ones never grant and never refuse the token (C7).
    pub(crate) org_code: Claim<Box<str>>,
    pub(crate) org_name: Claim<Box<str>>,
    pub(crate) permissions: Claim<Box<[Box<str>]>>,
    pub(crate) roles: Claim<Roles>,
    pub(crate) feature_flags: Claim<FeatureFlags>,
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
    pub(crate) fn scopes(&mut self) -> Box<[Box<str>]> {
        let mut scopes = self.scp.take().unwrap_or_default().into_vec();
        if let Claim::Present(more) = std::mem::take(&mut self.scope) {
            for scope in more {
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
        scopes.into()
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
    permissions: Claim<Box<[Box<str>]>>,
    roles: Claim<Roles>,
    feature_flags: Claim<FeatureFlags>,
}

#[derive(Default)]
struct Parser {
    claims: ParsedClaims,
    hasura: Hasura,
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
            if is_read(&name) {
                let value = members.next_value_seed(Keep)?;
                self.take(&name, value);
            } else {
                members.next_value_seed(Skip)?;
            }
        }
        Ok(())
    }
}

impl Parser {
    fn take(&mut self, name: &str, value: Value) {
        let claims = &mut self.claims;
        match name {
            "iss" => claims.iss = self.wrong_type.check("iss", text(value), A_STRING),
            "sub" => claims.sub = self.wrong_type.check("sub", text(value), A_STRING),
            "azp" => claims.azp = self.wrong_type.check("azp", text(value), A_STRING),
            "aud" => claims.aud = self.wrong_type.check("aud", one_or_many(value), STRINGS),
            "gty" => claims.gty = self.wrong_type.check("gty", one_or_many(value), STRINGS),
            "scp" => claims.scp = self.wrong_type.check("scp", texts(value), A_LIST),
            "exp" => claims.exp = self.wrong_type.check("exp", numeric_date(&value), A_DATE),
            "nbf" => claims.nbf = self.wrong_type.check("nbf", numeric_date(&value), A_DATE),
            "iat" => claims.iat = self.wrong_type.check("iat", numeric_date(&value), A_DATE),
            "scope" => claims.scope = Claim::read(value, scope),
            "nonce" => {
                claims.markers.has_nonce = true;
                claims.nonce = text(value);
            }
            "at_hash" => {
                claims.markers.has_at_hash = true;
                claims.at_hash = text(value);
            }
            "auth_time" => claims.markers.has_auth_time = true,
            "rat" => claims.markers.has_rat = true,
            "type" => claims.markers.has_type = true,
            "data" => claims.markers.has_data = true,
            "event_id" => claims.markers.has_event_id = true,
            "events" => claims.markers.has_events = true,
            "org_code" => claims.org_code = Claim::read(value, non_empty),
            "org_name" => claims.org_name = Claim::read(value, text),
            "permissions" => claims.permissions = Claim::read(value, texts),
            "roles" => claims.roles = Claim::read(value, Roles::read),
            "feature_flags" => claims.feature_flags = Claim::read(value, FeatureFlags::read),
            "x-hasura-org-code" => self.hasura.org_code = Claim::read(value, non_empty),
            "x-hasura-org-name" => self.hasura.org_name = Claim::read(value, text),
            "x-hasura-permissions" => self.hasura.permissions = Claim::read(value, texts),
            "x-hasura-roles" => self.hasura.roles = Claim::read(value, Roles::read),
            "x-hasura-feature-flags" => self.hasura.feature_flags = Claim::read(value, FeatureFlags::read),
            _ => {}
        }
    }
}

/// Tells whether [`Parser::take`] has an arm for the name; every other value is checked and dropped.
fn is_read(name: &str) -> bool {
    matches!(
        name,
        "iss"
            | "sub"
            | "azp"
            | "aud"
            | "gty"
            | "scp"
            | "exp"
            | "nbf"
            | "iat"
            | "scope"
            | "nonce"
            | "at_hash"
            | "auth_time"
            | "rat"
            | "type"
            | "data"
            | "event_id"
            | "events"
            | "org_code"
            | "org_name"
            | "permissions"
            | "roles"
            | "feature_flags"
    ) || name.starts_with("x-hasura-")
}

/// Remembers the first protocol claim of a wrong type.
trait FirstWrongType {
    fn check<T>(&mut self, claim: &'static str, value: Option<T>, expected: &'static str) -> Option<T>;
}

impl FirstWrongType for Option<(&'static str, &'static str)> {
    fn check<T>(&mut self, claim: &'static str, value: Option<T>, expected: &'static str) -> Option<T> {
        if value.is_none() && self.is_none() {
            *self = Some((claim, expected));
        }
        value
    }
}

pub(super) fn text(value: Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(text.into_boxed_str()),
        _ => None,
    }
}

fn non_empty(value: Value) -> Option<Box<str>> {
    text(value).filter(|text| !text.is_empty())
}

fn texts(value: Value) -> Option<Box<[Box<str>]>> {
    match value {
        Value::Array(elements) => elements.into_iter().map(text).collect(),
        _ => None,
    }
}

fn one_or_many(value: Value) -> Option<Box<[Box<str>]>> {
    match value {
        Value::String(one) => Some([one.into_boxed_str()].into()),
        many => texts(many),
    }
}

/// Reads `scope`: a string joined by spaces (RFC 6749 §3.3), or a list as some workflows write it.
fn scope(value: Value) -> Option<Box<[Box<str>]>> {
    match value {
        Value::String(joined) => {
            Some(joined.split(' ').filter(|scope| !scope.is_empty()).map(Box::from).collect())
        }
        list => texts(list),
    }
}

/// Reads a `NumericDate` (RFC 7519 §2): seconds since 1970, fractions allowed, never negative.
fn numeric_date(value: &Value) -> Option<Duration> {
    let Value::Number(number) = value else { return None };
    match number.as_u64() {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
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
        assert_eq!(claims.permissions, Claim::Present(["a".into()].into()));
        assert_eq!(claims.org_code, Claim::Present("org_1".into()));
        let both = ParsedClaims::parse(r#"{"x-hasura-permissions":["a"],"permissions":[]}"#).unwrap();
        assert_eq!(both.permissions, Claim::Present([].into()));
        let malformed = ParsedClaims::parse(r#"{"x-hasura-permissions":["a"],"permissions":7}"#).unwrap();
        assert_eq!(malformed.permissions, Claim::Malformed);
    }

    #[test]
    fn scopes_are_the_union_of_both_claims() {
        let mut claims = ParsedClaims::parse(r#"{"scp":["a","b"],"scope":"b c"}"#).unwrap();
        assert_eq!(claims.scopes().join(" "), "a b c");
        let mut empty = ParsedClaims::parse(r#"{"scp":[],"scope":""}"#).unwrap();
        assert!(empty.scopes().is_empty());
    }
}
