//! The token response for what a person allowed an application.

use serde_json::{Value, json};

use crate::{
    draft::{Draft, Org},
    identifiers,
    on_demand::WrongAnswer,
    provider::Provider,
    refresh_tokens::RefreshToken,
    routes::OAuthError,
    sessions::Grant,
};

/// Why tokens are issued, which a few members of the answer show.
pub(crate) enum Occasion {
    SignIn,
    Refresh { kept_access_token: Option<String> },
    Device,
}

/// Writes the token response for a grant; what the person may do is read anew each time.
pub(crate) fn issue(
    provider: &Provider,
    grant: &Grant,
    scopes: &[String],
    occasion: Occasion,
) -> Result<Value, OAuthError> {
    let (person, application) = {
        let directory = provider.directory.lock();
        let application = directory.applications.get(&grant.client_id).cloned();
        (directory.people.get(&grant.person_id).cloned(), application)
    };
    // Deleting somebody ends their grants, so this is for the moment between the two.
    let person = person.ok_or_else(|| OAuthError::new("invalid_grant", "The user does not exist."))?;
    let wrong = provider.on_demand.take_for_tokens();
    let mut draft = Draft::with_scopes(&[]);
    draft.scopes = scopes.to_vec();
    // Who left the organization meanwhile gets tokens without one: a guess.
    let org_code = grant.org_code.clone().filter(|code| person.membership(code).is_some());
    draft.org = org_code.map_or(Org::Without, Org::Code);
    draft.audiences.clone_from(&grant.audiences);
    draft.client_id = Some(grant.client_id.clone());
    draft.auth_time = Some(grant.authenticated_at);
    draft.requested_at = Some(grant.requested_at);
    draft.hasura = application.as_ref().is_some_and(|known| known.hasura);
    // OpenID Connect Core §12.2: an ID token from a refresh should have no nonce.
    if matches!(occasion, Occasion::SignIn) {
        draft.nonce.clone_from(&grant.nonce);
    }
    wrong.iter().for_each(|wrong| spoil(&mut draft, *wrong));

    let mut access_draft = draft.clone();
    if let Some(is_persistent) = application.and_then(|known| known.pages.persistent_session) {
        access_draft.overrides.insert("ksp".to_owned(), Some(json!({ "persistent": is_persistent })));
    }
    let is_for_a_device = matches!(occasion, Occasion::Device);
    if is_for_a_device {
        // Kinde's documentation has the granted scopes in `scope` here; every other access token has `scp`.
        access_draft.overrides.insert("scope".to_owned(), Some(Value::from(scopes.join(" "))));
    }
    let access_token = match occasion {
        Occasion::Refresh { kept_access_token: Some(kept) } => kept,
        _ => provider.sign(&provider.access_claims(&person, &access_draft), &access_draft),
    };
    // Kinde answers one second less than the token has left, and for a device all of it, in small letters.
    let left = provider.seconds_left(&access_token);
    let mut body = json!({
        "expires_in": if is_for_a_device { left } else { left.saturating_sub(1) },
        "scope": scopes.join(" "),
        "token_type": if is_for_a_device { "bearer" } else { "Bearer" },
    });
    let granted = |scope: &str| scopes.iter().any(|granted| granted == scope);
    if granted("openid") && !wrong.contains(&WrongAnswer::MissingIdToken) {
        let claims = provider.id_claims(&person, &draft, &access_token);
        insert(&mut body, "id_token", provider.sign(&claims, &draft));
    }
    if granted("offline") {
        let lifetime_seconds = provider.lifetimes_of(&grant.client_id).refresh_token.as_secs();
        // It is long, and only who keeps it needs it again.
        let kept = if provider.lifetimes.keeps_access_token { access_token.as_str() } else { "" };
        let token = RefreshToken::new(grant.clone(), kept, provider.clock.now(), lifetime_seconds);
        let value = provider.sessions.lock().refresh_tokens.issue(token);
        insert(&mut body, "refresh_token", value);
    }
    if !wrong.contains(&WrongAnswer::MissingAccessToken) {
        insert(&mut body, "access_token", access_token);
    }
    Ok(body)
}

/// Makes one thing wrong with tokens before they are signed.
fn spoil(draft: &mut Draft, wrong: WrongAnswer) {
    match wrong {
        WrongAnswer::WrongNonce => draft.nonce = Some("0000000000000000".to_owned()),
        WrongAnswer::MissingNonce => draft.nonce = None,
        WrongAnswer::ForeignIssuer => {
            draft.overrides.insert("iss".to_owned(), Some(json!("https://somebody-else.kinde.com")));
        }
        WrongAnswer::ForeignAudience => {
            let audience = json!(["https://api.somebody-else.example"]);
            draft.overrides.insert("aud".to_owned(), Some(audience));
            draft.client_id = Some(identifiers::client_id("somebody else"));
        }
        // The answer around the tokens is wrong, or the callback was.
        WrongAnswer::MissingIdToken
        | WrongAnswer::MissingAccessToken
        | WrongAnswer::WrongState
        | WrongAnswer::MissingState
        | WrongAnswer::RepeatedState
        | WrongAnswer::MissingCode
        | WrongAnswer::ForeignCode => {}
    }
}

fn insert(body: &mut Value, name: &str, value: String) {
    if let Value::Object(members) = body {
        members.insert(name.to_owned(), Value::String(value));
    }
}
