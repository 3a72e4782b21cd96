//! Decides whether a code, a refresh token or a machine's request is good for tokens.

use aws_lc_rs::digest;

use crate::{
    application::{Application, ApplicationKind},
    base64url,
    device_grants::Wait,
    directory::Directory,
    fields::Fields,
    provider::Provider,
    refresh_tokens::RefreshToken,
    routes::OAuthError,
    sessions::{Grant, IssuedCode},
};

/// Takes an authorization code: once, by the application it was given to, with its redirect URI and verifier.
pub(crate) fn code(
    provider: &Provider,
    application: &Application,
    form: &Fields,
) -> Result<Grant, OAuthError> {
    let value = required(form, "code")?;
    let redirect_uri = required(form, "redirect_uri")?;
    let now = provider.clock.now();
    let mut sessions = provider.sessions.lock();
    let issued = sessions.code(value).cloned();
    let issued = issued.ok_or_else(|| OAuthError::new("invalid_grant", "The code is not known."))?;
    check_code(&issued, application, redirect_uri, form.get("code_verifier"), now).inspect_err(|_| {
        if issued.is_used {
            sessions.use_code(value);
        }
    })?;
    sessions.use_code(value);
    Ok(issued.grant)
}

fn check_code(
    issued: &IssuedCode,
    application: &Application,
    redirect_uri: &str,
    code_verifier: Option<&str>,
    now: u64,
) -> Result<(), OAuthError> {
    let refuse = |description: &str| Err(OAuthError::new("invalid_grant", description));
    if issued.is_used {
        return refuse("The code was used before.");
    }
    if issued.grant.client_id != application.client_id {
        return refuse("The code was given to another application.");
    }
    if now >= issued.expires_at {
        return refuse("The code has expired.");
    }
    // RFC 6749 §4.1.3: identical values.
    if issued.redirect_uri != redirect_uri {
        return refuse("The redirect_uri is not the one of the authorization request.");
    }
    match (&issued.code_challenge, code_verifier) {
        (None, None) => Ok(()),
        // RFC 7636 §4.6: base64url of the verifier's SHA-256.
        (Some(challenge), Some(verifier)) => {
            let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
            if base64url::encode(digest) == *challenge {
                Ok(())
            } else {
                refuse("The code_verifier does not match the code_challenge.")
            }
        }
        (Some(_), None) => refuse("The code_verifier is missing."),
        // RFC 9700 §4.8.2: a verifier without a challenge is a downgrade attack.
        (None, Some(_)) => refuse("There was no code_challenge for this code_verifier."),
    }
}

/// Takes a refresh token, which is replaced by using it; returns it and the scopes asked for.
pub(crate) fn refresh(
    provider: &Provider,
    application: &Application,
    value: &str,
    form: &Fields,
) -> Result<(RefreshToken, Vec<String>), OAuthError> {
    let refused =
        || OAuthError::new("invalid_grant", "The refresh token is expired, was rotated, or was revoked.");
    let now = provider.clock.now();
    let rules = provider.lifetimes_of(&application.client_id).rotation();
    let mut sessions = provider.sessions.lock();
    let asked = form.words("scope");
    // What cannot be answered uses nothing up.
    if let Some(known) = sessions.refresh_tokens.find(value)
        && let Some(more) = asked.iter().find(|scope| !known.grant.scopes.contains(scope))
    {
        return Err(OAuthError::new("invalid_scope", format!("The scope \"{more}\" was not granted.")));
    }
    let token = sessions.refresh_tokens.rotate(value, &application.client_id, now, rules);
    let token = token.ok_or_else(refused)?;
    let scopes = if asked.is_empty() { token.grant.scopes.clone() } else { asked };
    Ok((token, scopes))
}

/// Answers a device that asks whether its person has decided.
pub(crate) fn device(
    provider: &Provider,
    application: &Application,
    form: &Fields,
) -> Result<Grant, OAuthError> {
    let value = required(form, "device_code")?;
    let mut sessions = provider.sessions.lock();
    sessions.devices.poll(value, &application.client_id, provider.clock.now()).map_err(|wait| {
        let (error, description) = match wait {
            Wait::Pending => ("authorization_pending", "The user has not finished yet"),
            Wait::TooFast => ("slow_down", "Polling too fast"),
            Wait::Denied => ("access_denied", "The user refused"),
            Wait::Expired => ("expired_token", "The device code has expired"),
            Wait::Unknown => ("invalid_grant", "The device code is not known."),
        };
        OAuthError::new(error, description)
    })
}

/// Decides the audiences and scopes of a machine's token.
pub(crate) fn machine(
    directory: &Directory,
    application: &Application,
    form: &Fields,
) -> Result<(Vec<String>, Vec<String>), OAuthError> {
    let refuse = |description: String| Err(OAuthError::new("unauthorized_client", description));
    if application.kind == ApplicationKind::Public {
        return refuse("An application without a secret cannot use client credentials.".to_owned());
    }
    let audiences = form.words("audience");
    if audiences.is_empty() {
        return refuse("The request names no audience.".to_owned());
    }
    let client_id = application.client_id.as_str();
    let is_closed = |audience: &&String| !directory.api(audience).is_some_and(|api| api.admits(client_id));
    if let Some(unknown) = audiences.iter().find(is_closed) {
        return refuse(format!("The application is not authorized for the audience \"{unknown}\"."));
    }
    let apis: Vec<_> = audiences.iter().filter_map(|audience| directory.api(audience)).collect();
    let asked = form.words("scope");
    let is_offered = |scope: &String| apis.iter().any(|api| api.grants(client_id, scope));
    if let Some(unknown) = asked.iter().find(|scope| !is_offered(scope)) {
        return Err(OAuthError::new("invalid_scope", format!("The scope \"{unknown}\" is not allowed.")));
    }
    // Without a choice a machine gets everything its APIs offer.
    let usual = || apis.iter().flat_map(|api| api.usual_scopes(client_id)).collect();
    let scopes = if asked.is_empty() { usual() } else { asked };
    Ok((audiences, scopes))
}

fn required<'a>(form: &'a Fields, name: &str) -> Result<&'a str, OAuthError> {
    form.get(name)
        .ok_or_else(|| OAuthError::new("invalid_request", format!("The request is missing {name}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let mut directory = Directory::default();
        directory.open_api("https://api.example", ["read:invoices"]);
        directory.open_api::<&str>("https://open.example", []);
        directory
    }

    fn ask(application: &Application, pairs: &[(&str, &str)]) -> Result<(Vec<String>, Vec<String>), String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        machine(&directory(), application, &Fields(pairs)).map_err(|error| error.error.into_owned())
    }

    #[test]
    fn machine_needs_an_audience_that_is_registered_and_requested() {
        let billing = Application::machine("billing");
        assert_eq!(ask(&billing, &[]), Err("unauthorized_client".to_owned()));
        assert_eq!(
            ask(&billing, &[("audience", "https://other.example")]),
            Err("unauthorized_client".to_owned())
        );
        assert!(ask(&billing, &[("audience", "https://api.example")]).is_ok());
    }

    #[test]
    fn machine_gets_the_scopes_its_api_offers() {
        let billing = Application::machine("billing");
        let api = ("audience", "https://api.example");
        assert_eq!(ask(&billing, &[api]).unwrap().1, ["read:invoices"]);
        assert_eq!(ask(&billing, &[api, ("scope", "write:invoices")]), Err("invalid_scope".to_owned()));
        let open = ("audience", "https://open.example");
        assert_eq!(ask(&billing, &[open, ("scope", "any:thing")]).unwrap().1, ["any:thing"]);
    }

    #[test]
    fn application_without_a_secret_cannot_act_for_itself() {
        let audience = ("audience", "https://api.example");
        assert_eq!(ask(&Application::public("spa"), &[audience]), Err("unauthorized_client".to_owned()));
    }
}
