//! The claims of a machine's access token (client credentials).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    access_token::{Envelope, feature_flags, properties},
    claims::Claims,
    draft::{Draft, Org},
};

/// Writes the claims set of a machine's access token: never a `sub`, never `permissions`.
pub(crate) fn claims(draft: &Draft, envelope: &Envelope) -> Claims {
    let mut claims = envelope.claims();
    claims.set("aud", draft.audiences.clone());
    claims.set("gty", vec!["client_credentials"]);
    claims.set("scope", draft.scopes.join(" "));
    claims.set("scp", draft.scopes.clone());
    claims.set("v", "2");
    if let Org::Code(code) = &draft.org {
        claims.set("org_code", code.as_str());
    }
    if !draft.flags.is_empty() {
        claims.set("feature_flags", Value::Object(feature_flags(&BTreeMap::new(), &draft.flags)));
    }
    if !draft.user_properties.is_empty() {
        claims.set("application_properties", Value::Object(properties(&draft.user_properties)));
    }
    draft.finish(&mut claims);
    claims
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn machine_gets_no_subject_and_no_permissions() {
        let envelope = Envelope {
            issuer: "https://larkspur-dev.kinde.com".to_owned(),
            client_id: "b07f6a1d3c8e4529a4d10f92e7c65b38".to_owned(),
            token_id: "7c55d1a2-0e9b-4c7f-8a3d-b6f10e94c2a7".to_owned(),
            issued_at: 1_790_000_000,
            expires_at: 1_790_086_400,
        };
        let mut draft = Draft::with_scopes(&["read:invoices", "create:invoices"]);
        let expected = ["aud", "azp", "exp", "gty", "iat", "iss", "jti", "scope", "scp", "v"];
        assert_eq!(claims(&draft, &envelope).names(), BTreeSet::from(expected));

        draft.org = Org::Code("org_7d21c9e04b6".to_owned());
        let scoped = claims(&draft, &envelope);
        assert_eq!(scoped.get("org_code"), Some(&json!("org_7d21c9e04b6")));
        assert_eq!(scoped.get("scope"), Some(&json!("read:invoices create:invoices")));
    }
}
