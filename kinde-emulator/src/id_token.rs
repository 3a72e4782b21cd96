//! The claims of an ID token.

use aws_lc_rs::digest;

use crate::{
    access_token::Envelope,
    base64url,
    claims::Claims,
    directory::{Directory, PersonRecord},
    draft::Draft,
};

/// Writes the claims set of the ID token that comes with `access_token`.
pub(crate) fn claims(
    directory: &Directory,
    person: &PersonRecord,
    draft: &Draft,
    envelope: &Envelope,
    access_token: &str,
) -> Claims {
    let mut claims = envelope.claims();
    claims.set("at_hash", at_hash(access_token));
    // Real ID tokens name the issuer beside the application.
    claims.set("aud", vec![envelope.issuer.clone(), envelope.client_id.clone()]);
    let requested_at = draft.requested_at.unwrap_or(envelope.issued_at);
    claims.set("auth_time", draft.auth_time.unwrap_or(requested_at));
    claims.set("rat", requested_at);
    claims.set("sub", person.id.as_str());
    claims.set_some("nonce", draft.nonce.as_deref());
    claims.set("org_codes", org_codes(person, draft));

    let granted = |scope: &str| draft.scopes.iter().any(|granted| granted == scope);
    if granted("profile") {
        claims.set("name", person.full_name());
        claims.set("given_name", person.given_name.as_str());
        claims.set("family_name", person.family_name.as_str());
        claims.set("picture", person.picture.as_str());
        claims.set("updated_at", person.updated_at);
        claims.set_some("preferred_username", person.username.as_deref());
    }
    if granted("email") && !person.email.is_empty() {
        claims.set("email", person.email.as_str());
        claims.set("email_verified", true);
    }
    claims.set_some("provided_id", person.provided_id.as_deref());

    if let Some(application) = directory.applications.get(&envelope.client_id) {
        application.customisation.apply_to_id(&mut claims, person, directory);
    }
    draft.finish(&mut claims);
    claims
}

/// OpenID Connect Core §3.1.3.6: the left half of the access token's SHA-256.
pub(crate) fn at_hash(access_token: &str) -> String {
    let digest = digest::digest(&digest::SHA256, access_token.as_bytes());
    base64url::encode(digest.as_ref().get(..16).unwrap_or_default())
}

fn org_codes(person: &PersonRecord, draft: &Draft) -> Vec<String> {
    let mut codes: Vec<_> = person.memberships.iter().map(|membership| membership.org_code.clone()).collect();
    if let crate::draft::Org::Code(code) = &draft.org
        && !codes.contains(code)
    {
        codes.push(code.clone());
    }
    codes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn claims_for(scopes: &[&str], nonce: Option<&str>) -> Claims {
        let envelope = Envelope {
            issuer: "https://larkspur-dev.kinde.com".to_owned(),
            client_id: "5e1c0b7a9d4f4c26b8f3a1720e6d9c45".to_owned(),
            token_id: "e0d2a7f4-19c3-4b8e-a6a1-5f3390c8b7d1".to_owned(),
            issued_at: 1_790_000_000,
            expires_at: 1_790_003_600,
        };
        let mut draft = Draft::with_scopes(scopes);
        draft.nonce = nonce.map(str::to_owned);
        claims(&Directory::default(), &PersonRecord::invent("mira", 0), &draft, &envelope, "access token")
    }

    #[test]
    fn ordinary_sign_in_gets_the_default_claims() {
        let claims = claims_for(&["openid", "profile", "email"], Some("9f2c1ab04e7d8835"));
        let expected = [
            "at_hash",
            "aud",
            "auth_time",
            "azp",
            "email",
            "email_verified",
            "exp",
            "family_name",
            "given_name",
            "iat",
            "iss",
            "jti",
            "name",
            "nonce",
            "org_codes",
            "picture",
            "rat",
            "sub",
            "updated_at",
        ];
        assert_eq!(claims.names(), BTreeSet::from(expected));
        assert_eq!(
            claims.get("aud"),
            Some(&json!(["https://larkspur-dev.kinde.com", "5e1c0b7a9d4f4c26b8f3a1720e6d9c45"]))
        );
    }

    #[test]
    fn sign_in_without_profile_email_and_nonce_gets_none_of_their_claims() {
        let claims = claims_for(&["openid"], None);
        for absent in ["name", "email", "nonce", "picture", "scp", "permissions", "feature_flags"] {
            assert!(claims.get(absent).is_none(), "{absent}");
        }
    }

    /// OpenID Connect Core, appendix A.4 has this pair.
    #[test]
    fn at_hash_is_the_left_half_of_the_digest() {
        assert_eq!(at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
