//! Decides what an authorization request asks for, or why it is refused.

use crate::{directory::Directory, fields::Fields};

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
    Callback(CallbackError),
}

/// An error that travels back to the application (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallbackError {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) error: &'static str,
    pub(crate) description: String,
}

impl CallbackError {
    /// Writes the URL the browser is sent to.
    pub(crate) fn location(&self) -> String {
        let mut parameters = vec![("error", self.error), ("error_description", self.description.as_str())];
        parameters.extend(self.state.as_deref().map(|state| ("state", state)));
        crate::fields::with_query(&self.redirect_uri, &parameters)
    }
}

impl AuthorizationRequest {
    /// Reads the parameters; unknown ones are ignored.
    pub(crate) fn read(fields: &Fields, directory: &Directory) -> Result<Self, Refusal> {
        let malformed = |reason: String| Refusal::Page { code: MALFORMED, reason };
        if let Some(name) = fields.first_repeated(&CORE_PARAMETERS) {
            return Err(malformed(format!("the parameter {name} is there more than once")));
        }
        let client_id =
            fields.get("client_id").ok_or_else(|| malformed("client_id is missing".to_owned()))?;
        let application = directory
            .applications
            .get(client_id)
            .ok_or_else(|| malformed(format!("no application has the client_id {client_id}")))?;
        let redirect_uri =
            fields.get("redirect_uri").ok_or_else(|| malformed("redirect_uri is missing".to_owned()))?;
        // RFC 9700 §2.1: exact string matching.
        if !application.callbacks.iter().any(|allowed| allowed == redirect_uri) {
            return Err(malformed(format!(
                "{redirect_uri} is not an allowed callback URL of the application {}; allowed are: {}",
                application.name,
                application.callbacks.join(", ")
            )));
        }

        let refuse = |error, description: &str| {
            Refusal::Callback(CallbackError {
                redirect_uri: redirect_uri.to_owned(),
                state: fields.get("state").map(str::to_owned),
                error,
                description: description.to_owned(),
            })
        };
        if fields.get("response_type") != Some("code") {
            return Err(refuse("unsupported_response_type", "The response type must be code."));
        }
        if fields.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(refuse("invalid_request", "This emulator answers in the query only."));
        }
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
        })
    }

    /// Writes a refusal that goes to this request's redirect URI.
    pub(crate) fn refuse(&self, error: &'static str, description: &str) -> CallbackError {
        CallbackError {
            redirect_uri: self.redirect_uri.clone(),
            state: self.state.clone(),
            error,
            description: description.to_owned(),
        }
    }

    /// Writes the URL that carries a code back (order as in Kinde's callbacks).
    pub(crate) fn success(&self, code: &str) -> String {
        let scope = self.scopes.join(" ");
        let mut parameters = vec![("code", code), ("scope", scope.as_str())];
        parameters.extend(self.state.as_deref().map(|state| ("state", state)));
        crate::fields::with_query(&self.redirect_uri, &parameters)
    }
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
fn granted_scopes(
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
            assert_eq!((refusal.error, refusal.state.as_deref()), (expected, Some("s")), "{query}");
        }
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
