//! What an application needs to ask again after an e-mail link expired, and which of it may come back.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use serde_json::{Map, Value};

use crate::fields::Fields;

/// Writes `reauth_state`: base64 of a JSON object of parameters, as Kinde's SDKs read it.
///
/// Kinde's documentation calls it encrypted, which its SDKs contradict. What belongs to one request and no other
/// (`state`, `nonce`, `code_challenge`, `redirect_uri`, `client_id`) is left out.
pub(crate) fn write(fields: &Fields) -> String {
    let mut members = Map::new();
    for name in REPLAYED {
        let words = if name == "audience" { fields.words(name).join(" ") } else { String::new() };
        let value = if name == "audience" { Some(words.as_str()) } else { fields.get(name) };
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            members.insert(name.to_owned(), Value::from(value));
        }
    }
    STANDARD.encode(Value::Object(members).to_string())
}

/// Adds to an authorization request what its `reauth_state` says and the request itself does not.
///
/// # Security
///
/// Anybody can write one, so it can set only what anybody may ask for.
pub(crate) fn replayed(fields: Fields) -> Result<Fields, Unreadable> {
    let Some(text) = fields.get("reauth_state") else { return Ok(fields) };
    // A plus that was not encoded arrives as a space.
    let text = text.replace([' ', '-'], "+").replace('_', "/");
    let bytes = LENIENT.decode(text).map_err(|_| Unreadable)?;
    let Ok(Value::Object(members)) = serde_json::from_slice(&bytes) else { return Err(Unreadable) };
    let mut fields = fields;
    for name in REPLAYED {
        let value = match members.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(fact)) => fact.to_string(),
            _ => continue,
        };
        if fields.get(name).is_none() {
            fields.0.push((name.to_owned(), value));
        }
    }
    Ok(fields)
}

/// The text is not base64 of a JSON object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const REPLAYED: [&str; 16] = [
    "audience",
    "connection_id",
    "has_success_page",
    "invitation_code",
    "is_create_org",
    "is_invitation",
    "is_use_auth_success_page",
    "lang",
    "login_hint",
    "org_code",
    "org_name",
    "plan_interest",
    "pricing_table_key",
    "prompt",
    "scope",
    "start_page",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(query: &str) -> Fields {
        Fields::of_uri(&format!("/?{query}").parse().unwrap())
    }

    #[test]
    fn what_was_asked_for_comes_back_in_the_form_the_sdks_read() {
        let asked =
            fields("client_id=web&state=s&org_code=org_7d21c9e04b6&prompt=login&audience=a&audience=b");
        let state = write(&asked);
        assert_eq!(
            STANDARD.decode(&state).unwrap(),
            br#"{"audience":"a b","org_code":"org_7d21c9e04b6","prompt":"login"}"#
        );
        let again = replayed(Fields(vec![("reauth_state".to_owned(), state)])).unwrap();
        assert_eq!((again.get("org_code"), again.get("prompt")), (Some("org_7d21c9e04b6"), Some("login")));
        assert_eq!(again.words("audience"), ["a", "b"]);
        assert_eq!((again.get("client_id"), again.get("state")), (None, None));
    }

    /// The row link-expired-hostile of Kinde's callbacks.
    #[test]
    fn hostile_state_sets_nothing_that_belongs_to_the_request() {
        let hostile = "eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZSIsImNsaWVudF9pZCI6ImV2aWwifQ%3D%3D";
        let read = replayed(fields(&format!("reauth_state={hostile}"))).unwrap();
        assert_eq!((read.get("redirect_uri"), read.get("client_id")), (None, None));
    }

    #[test]
    fn request_itself_goes_before_its_reauth_state() {
        let state = STANDARD.encode(r#"{"org_code":"org_2","is_create_org":true,"lang":7}"#);
        let mut asked = fields("org_code=org_1");
        asked.0.push(("reauth_state".to_owned(), state));
        let read = replayed(asked).unwrap();
        assert_eq!(
            (read.get("org_code"), read.is_true("is_create_org"), read.get("lang")),
            (Some("org_1"), true, None)
        );
    }

    #[test]
    fn unreadable_state_is_told() {
        for state in ["%25%25", "bm90IGpzb24", "WzFd"] {
            assert_eq!(replayed(fields(&format!("reauth_state={state}"))), Err(Unreadable), "{state}");
        }
    }
}
