//! Decides what an authorization request asks for, or why it is refused.

use crate::{
    application::Application,
    callback::{Callback, ResponseMode},
    callback_urls,
    directory::Directory,
    fields::Fields,
    reauth_state,
};

/// An authorization request that may go on to signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: Option<String>,
    pub(crate) prompt: Prompt,
    pub(crate) org_code: Option<String>,
    /// A new organization and, perhaps, its name.
    pub(crate) new_org: Option<Option<String>>,
    pub(crate) login_hint: Option<String>,
    pub(crate) connection_id: Option<String>,
    pub(crate) invitation_code: Option<String>,
    pub(crate) mode: ResponseMode,
    /// Whether a page stands between signing in and going back, as native applications want it.
    pub(crate) has_success_page: bool,
    /// What an expired link brings back, when the application says that it understands it.
    pub(crate) reauth_state: Option<String>,
}

/// How much the person is to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// A page, unless they are signed in already.
    AsNeeded,
    /// Nothing, whatever happens.
    Silent,
    /// The sign-in page, signed in or not.
    SignIn,
    /// The registration page.
    Register,
}

/// Why an authorization request is refused, and who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A page for the person: where to send an answer is not known to be good.
    Page { code: u16, reason: String },
    /// The application, at its redirect URI.
    Callback(Callback),
}

impl AuthorizationRequest {
    /// Reads the parameters; unknown ones are ignored.
    pub(crate) fn read(fields: &Fields, directory: &Directory) -> Result<Self, Refusal> {
        let malformed = |reason: String| Refusal::Page { code: MALFORMED, reason };
        let reauth_state = fields.is_true("supports_reauth").then(|| reauth_state::write(fields));
        if let Some(name) = fields.first_repeated(&CORE_PARAMETERS) {
            return Err(malformed(format!("the parameter {name} is there more than once")));
        }
        let fields = &reauth_state::replayed(fields.clone())
            .map_err(|reauth_state::Unreadable| malformed("the reauth_state cannot be read".to_owned()))?;
        let client_id =
            fields.get("client_id").ok_or_else(|| malformed("client_id is missing".to_owned()))?;
        let application = directory
            .applications
            .get(client_id)
            .ok_or_else(|| malformed(format!("no application has the client_id {client_id}")))?;
        let redirect_uri =
            fields.get("redirect_uri").ok_or_else(|| malformed("redirect_uri is missing".to_owned()))?;
        if !callback_urls::is_allowed(&application.callbacks, redirect_uri, fields.get("org_code"), directory)
        {
            return Err(malformed(not_allowed(application, redirect_uri)));
        }

        if callback_urls::is_plain_http_elsewhere(redirect_uri) && !application.takes_plain_http {
            return Err(malformed(format!("{redirect_uri} is plain http, and not to this computer")));
        }

        // RFC 6749 §4.1.2.1: what is wrong with the way back is told to the person, the rest to the application.
        let mode = ResponseMode::read(fields.get("response_mode"));
        let refuse = |error, description: &str| {
            let mode = mode.unwrap_or_default();
            Refusal::Callback(refused(redirect_uri, mode, fields.get("state"), error, description))
        };
        if fields.get("response_type") != Some("code") {
            return Err(refuse("unsupported_response_type", "The response type must be code."));
        }
        let Some(mode) = mode else {
            return Err(refuse("invalid_request", "The response mode must be query, fragment or form_post."));
        };
        let code_challenge = fields.get("code_challenge");
        // RFC 7636 §4.3: without a method the challenge is a plain one, which Kinde does not list.
        if code_challenge.is_some() && fields.get("code_challenge_method") != Some("S256") {
            return Err(refuse("invalid_request", "The code challenge method must be S256."));
        }
        if code_challenge.is_none() && application.client_secret.is_none() {
            return Err(refuse(
                "invalid_request",
                "An application without a secret must send a code challenge.",
            ));
        }
        let audiences = fields.words("audience");
        if let Some(unknown) = audiences.iter().find(|audience| directory.api(audience).is_none()) {
            let reason = format!("Requested audience \"{unknown}\" is not a registered API.");
            return Err(refuse("invalid_request", &reason));
        }
        let scopes = granted_scopes(&fields.words("scope"), &audiences, directory)
            .map_err(|unknown| refuse("invalid_scope", &format!("The scope \"{unknown}\" is not known.")))?;

        let text = |name| fields.get(name).map(str::to_owned);
        Ok(Self {
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            scopes,
            audiences,
            state: text("state"),
            nonce: text("nonce"),
            code_challenge: code_challenge.map(str::to_owned),
            prompt: Prompt::read(fields),
            org_code: text("org_code"),
            new_org: fields.is_true("is_create_org").then(|| text("org_name")),
            login_hint: text("login_hint"),
            connection_id: text("connection_id"),
            invitation_code: text("invitation_code"),
            mode,
            // Two spellings of the same wish.
            has_success_page: fields.is_true("has_success_page")
                || fields.is_true("is_use_auth_success_page"),
            reauth_state,
        })
    }

    /// Writes a refusal that goes to this request's redirect URI.
    pub(crate) fn refuse(&self, error: &str, description: &str) -> Callback {
        let mut callback = refused(&self.redirect_uri, self.mode, self.state.as_deref(), error, description);
        if error == "login_link_expired"
            && let Some(reauth_state) = &self.reauth_state
        {
            callback.parameters.push(("reauth_state", reauth_state.clone()));
        }
        callback
    }

    /// Writes the answer that carries a code back (order as in Kinde's callbacks).
    pub(crate) fn success(&self, code: String) -> Callback {
        let mut parameters = vec![("code", code), ("scope", self.scopes.join(" "))];
        parameters.extend(self.state.clone().map(|state| ("state", state)));
        Callback { redirect_uri: self.redirect_uri.clone(), mode: self.mode, parameters }
    }

    /// Returns the name by which the application hints at a person: an address, a phone number or a username.
    pub(crate) fn hinted_name(&self) -> &str {
        let hint = self.login_hint.as_deref().unwrap_or_default();
        if let Some(phone) = hint.strip_prefix("phone:") {
            // `phone:<E164>:<country>`
            return phone.split(':').next().unwrap_or_default();
        }
        hint.strip_prefix("username:").unwrap_or(hint)
    }
}

/// Writes an error that travels back to the application (RFC 6749 §4.1.2.1).
fn refused(
    redirect_uri: &str,
    mode: ResponseMode,
    state: Option<&str>,
    error: &str,
    description: &str,
) -> Callback {
    let mut parameters = vec![("error", error.to_owned()), ("error_description", description.to_owned())];
    parameters.extend(state.map(|state| ("state", state.to_owned())));
    Callback { redirect_uri: redirect_uri.to_owned(), mode, parameters }
}

/// Names what is allowed, and which of it Kinde would not have taken.
fn not_allowed(application: &Application, redirect_uri: &str) -> String {
    let allowed = application.callbacks.join(", ");
    let mut reason = format!(
        "{redirect_uri} is not an allowed callback URL of the application {}; allowed are: {allowed}",
        application.name
    );
    for callback in &application.callbacks {
        if let Some(mistake) = callback_urls::mistake(callback) {
            reason.push_str(&format!("; {callback} matches nothing: {mistake}"));
        }
    }
    reason
}

impl Prompt {
    fn read(fields: &Fields) -> Self {
        match (fields.get("prompt"), fields.get("start_page")) {
            (Some("none"), _) => Self::Silent,
            // `start_page` is the older spelling, which the TypeScript SDK still sends.
            (Some("create"), _) | (None, Some("registration")) => Self::Register,
            (Some("login"), _) => Self::SignIn,
            _ => Self::AsNeeded,
        }
    }
}

/// Keeps what is granted, in the order asked for; an unknown scope is returned as the error.
pub(crate) fn granted_scopes(
    asked: &[String],
    audiences: &[String],
    directory: &Directory,
) -> Result<Vec<String>, String> {
    let mut granted: Vec<String> = Vec::new();
    for scope in asked {
        let is_of_an_api =
            audiences.iter().filter_map(|audience| directory.api(audience)).any(|api| api.offers(scope));
        // The standard's spelling is accepted and yields no refresh token, which is a trap worth keeping.
        if scope == "offline_access" || granted.contains(scope) {
            continue;
        }
        if !OPENID_SCOPES.contains(&scope.as_str()) && !is_of_an_api {
            return Err(scope.clone());
        }
        granted.push(scope.clone());
    }
    Ok(granted)
}

/// Kinde's code for a malformed, missing or duplicated parameter.
pub(crate) const MALFORMED: u16 = 1656;

const CORE_PARAMETERS: [&str; 10] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
];

const OPENID_SCOPES: [&str; 7] = ["address", "email", "event_hooks", "offline", "openid", "phone", "profile"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Application;

    fn directory() -> Directory {
        let mut directory = Directory::default();
        let mut application = Application::web("web");
        application.client_id = "web".to_owned();
        application.callbacks.push("http://localhost:3000/cb".to_owned());
        directory.applications.insert("web".to_owned(), application);
        directory.open_api("https://api.example", ["read:invoices"]);
        directory
    }

    fn read(query: &str) -> Result<AuthorizationRequest, Refusal> {
        AuthorizationRequest::read(
            &Fields::of_uri(&format!("/oauth2/auth?{query}").parse().unwrap()),
            &directory(),
        )
    }

    const GOOD: &str = "client_id=web&redirect_uri=http://localhost:3000/cb&response_type=code&state=s";

    #[test]
    fn refusals_before_the_redirect_uri_is_known_are_pages() {
        let rows = [
            ("no client", "redirect_uri=http://localhost:3000/cb"),
            ("unknown client", "client_id=else&redirect_uri=http://localhost:3000/cb"),
            ("no redirect", "client_id=web"),
            ("unknown redirect", "client_id=web&redirect_uri=http://localhost:3000/cb2"),
            ("redirect with a query", "client_id=web&redirect_uri=http://localhost:3000/cb%3Fx"),
            ("repeated state", &format!("{GOOD}&state=t")),
        ];
        for (name, query) in rows {
            assert!(matches!(read(query), Err(Refusal::Page { code: 1656, .. })), "{name}");
        }
    }

    #[test]
    fn later_refusals_go_to_the_application_with_its_state() {
        let rows = [
            ("unsupported_response_type", "client_id=web&redirect_uri=http://localhost:3000/cb&state=s"),
            ("invalid_request", &format!("{GOOD}&code_challenge=abc&code_challenge_method=plain")),
            ("invalid_request", &format!("{GOOD}&audience=https://other.example")),
            ("invalid_scope", &format!("{GOOD}&scope=openid+read:invoices")),
        ];
        for (expected, query) in rows {
            let Err(Refusal::Callback(refusal)) = read(query) else { panic!("{query}") };
            assert_eq!((refusal.get("error"), refusal.get("state")), (Some(expected), Some("s")), "{query}");
        }
    }

    #[test]
    fn hint_is_an_address_a_phone_number_or_a_username() {
        let rows = [
            ("ada@example.test", "ada@example.test"),
            ("phone:%2B61412345678:au", "+61412345678"),
            ("username:ada", "ada"),
        ];
        for (hint, name) in rows {
            assert_eq!(read(&format!("{GOOD}&login_hint={hint}")).unwrap().hinted_name(), name, "{hint}");
        }
    }

    #[test]
    fn expired_link_brings_back_what_was_asked_for_only_where_that_is_understood() {
        let asked = format!("{GOOD}&org_code=org_1");
        let refusal = |query: &str| read(query).unwrap().refuse("login_link_expired", "The link has expired");
        assert_eq!(refusal(&asked).get("reauth_state"), None);
        let callback = refusal(&format!("{asked}&supports_reauth=true"));
        let again = read(&format!("{GOOD}&reauth_state={}", callback.get("reauth_state").unwrap())).unwrap();
        assert_eq!(again.org_code.as_deref(), Some("org_1"));
    }

    #[test]
    fn response_mode_decides_how_the_answer_travels() {
        let modes = [
            ("query", ResponseMode::Query),
            ("fragment", ResponseMode::Fragment),
            ("form_post", ResponseMode::FormPost),
        ];
        for (text, mode) in modes {
            assert_eq!(read(&format!("{GOOD}&response_mode={text}")).unwrap().mode, mode, "{text}");
        }
        let Err(Refusal::Callback(refusal)) = read(&format!("{GOOD}&response_mode=okay")) else { panic!() };
        assert_eq!(refusal.get("error"), Some("invalid_request"));
    }

    #[test]
    fn standard_spelling_of_offline_is_accepted_and_not_granted() {
        let request = read(&format!("{GOOD}&scope=openid+offline_access")).unwrap();
        assert_eq!(request.scopes, ["openid"]);
    }

    #[test]
    fn api_scope_is_granted_with_its_audience() {
        let request =
            read(&format!("{GOOD}&scope=openid+read:invoices&audience=https://api.example")).unwrap();
        assert_eq!(request.scopes, ["openid", "read:invoices"]);
        assert_eq!(request.audiences, ["https://api.example"]);
    }

    #[test]
    fn registration_is_recognised_in_both_spellings() {
        for query in ["prompt=create", "start_page=registration"] {
            assert_eq!(read(&format!("{GOOD}&{query}")).unwrap().prompt, Prompt::Register, "{query}");
        }
        assert_eq!(read(GOOD).unwrap().prompt, Prompt::AsNeeded);
    }
}
