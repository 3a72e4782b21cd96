//! The authorization request: what sign-in asks Kinde for, and what a link may add to it.

use kinde_core::{Settings, UntrustedText};

use crate::{
    client::OAuthClient,
    error::{LoginError, LoginReason},
    flow::Flow,
};

/// What the person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    SignIn,
    Register,
    CreateOrg,
    /// Another organization, without a page if that is possible.
    SwitchOrg,
}

/// What is the same for every authorization request of an application.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub(crate) redirect_uri: String,
    pub(crate) scopes: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) lang: Option<String>,
    pub(crate) org_code: Option<String>,
}

impl Application {
    pub(crate) fn new(settings: &Settings, redirect_uri: &str) -> Self {
        Self {
            redirect_uri: redirect_uri.to_owned(),
            scopes: settings.scopes().join(" "),
            audiences: settings.audiences().to_vec(),
            lang: settings.lang().map(str::to_owned),
            org_code: settings.org_code().map(str::to_owned),
        }
    }

    /// Writes the URL to send the browser to, and notes in the flow what the answer has to be compared with.
    pub(crate) fn authorize(
        &self,
        client: &OAuthClient,
        intent: Intent,
        wishes: &Wishes,
        flow: &mut Flow,
    ) -> String {
        let (redirect_uri, challenge) = (&self.redirect_uri, flow.code_challenge());
        let mut query =
            client.authorization_query(redirect_uri, &self.scopes, &flow.state, &flow.nonce, &challenge);
        // With it an expired link of an e-mail comes back with what is needed to start again.
        query.append_pair("supports_reauth", "true");
        for audience in self.audiences.iter().filter(|_| wishes.get("audience").is_none()) {
            query.append_pair("audience", audience);
        }
        let decided: &[(&str, &str)] = match intent {
            Intent::SignIn => &[],
            Intent::Register => &[("prompt", "create")],
            Intent::CreateOrg => &[("prompt", "create"), ("is_create_org", "true")],
            Intent::SwitchOrg => &[("prompt", "none")],
        };
        query.extend_pairs(decided);
        let is_decided = intent != Intent::SignIn;
        for (name, value) in wishes.0.iter().filter(|(name, _)| *name != "prompt" || !is_decided) {
            query.append_pair(name, value);
        }
        for (name, value) in [("lang", &self.lang), ("org_code", &self.org_code)] {
            if let Some(value) =
                value.as_ref().filter(|_| wishes.get(name).is_none() && intent != Intent::CreateOrg)
            {
                query.append_pair(name, value);
            }
        }
        flow.is_silent = intent == Intent::SwitchOrg || (!is_decided && wishes.get("prompt") == Some("none"));
        if flow.is_silent {
            flow.wishes = wishes.kept();
        }
        // A new organization has a code that nobody knows yet.
        let wished =
            wishes.get("org_code").or(self.org_code.as_deref()).filter(|_| intent != Intent::CreateOrg);
        flow.org_code = wished.map(str::to_owned);
        format!("{}?{}", client.endpoints().authorization_endpoint(), query.finish())
    }
}

/// What a link adds to the authorization request: parameters of the allow-list, each judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes(Vec<(&'static str, String)>);

impl Wishes {
    /// Reads the parameters of a request to one of our routes. What is not on the list is not passed on: a link can
    /// never decide what the protocol needs (requirement F1).
    pub(crate) fn read<'a>(untrusted: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, LoginError> {
        let mut wishes = Self::default();
        for (name, value) in untrusted {
            let Some(parameter) = PARAMETERS.iter().find(|parameter| parameter.name == name) else {
                continue;
            };
            // Kinde's clients send an empty value for "not set".
            if value.is_empty() {
                continue;
            }
            let is_other = wishes.get(parameter.name).is_some_and(|known| known != value);
            if is_other || !(parameter.shape.accepts)(value) {
                // What an advertisement adds to a link decides nothing, and keeps nobody from signing in.
                if std::ptr::eq(parameter.shape, &MARKETING) {
                    continue;
                }
                return Err(invalid(parameter.name, parameter.shape.is));
            }
            if wishes.get(parameter.name).is_none() {
                wishes.0.push((parameter.name, value.to_owned()));
            }
        }
        Ok(wishes)
    }

    /// Reads the state that Kinde hands back with an expired link: base64 of a JSON object. Whoever wrote the link wrote
    /// it, so it passes the same list; what is wrong with it is left out.
    pub(crate) fn of_reauth_state(untrusted_state: &str) -> Self {
        use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
        let text = untrusted_state.trim_end_matches('=').replace('-', "+").replace('_', "/");
        let decoded = STANDARD_NO_PAD.decode(text).unwrap_or_default();
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&decoded).unwrap_or_default();
        let mut wishes = Self::default();
        for (name, value) in &members {
            let one = value.as_str().map(|value| Self::read(std::iter::once((name.as_str(), value))));
            if let Some(Ok(one)) = one {
                wishes.0.extend(one.0);
            }
        }
        // A silent retry would fail the same way.
        wishes.0.retain(|(name, value)| *name != "prompt" || value != "none");
        wishes
    }

    /// Narrows the audiences of the tokens to some of those that the application is configured for: once for each, or
    /// separated by spaces, as Kinde's clients write them.
    pub(crate) fn ask_for_audiences<'a>(
        &mut self,
        untrusted: impl Iterator<Item = (&'a str, &'a str)>,
        configured: &[String],
    ) -> Result<(), LoginError> {
        let asked = untrusted.filter(|(name, _)| *name == "audience");
        let asked: Vec<_> =
            asked.flat_map(|(_, value)| value.split(' ')).filter(|one| !one.is_empty()).collect();
        if asked.iter().any(|one| configured.iter().all(|known| known != one)) {
            return Err(invalid("audience", "among those of KINDE_AUDIENCE"));
        }
        let chosen = configured.iter().filter(|known| asked.contains(&known.as_str()));
        self.0.extend(chosen.map(|audience| ("audience", audience.clone())));
        Ok(())
    }

    /// Gives what a second try of a silent flow asks for again, as far as the flow's cookie has room for it.
    fn kept(&self) -> Vec<(String, String)> {
        let mut room = KEPT_BYTES;
        let wishes = self.0.iter().filter(|(name, _)| *name != "prompt" && !is_marketing(name));
        let fitting = wishes.filter(|(name, value)| {
            // Both are written with quotes, a comma and brackets; a control character or quote as more than one letter.
            let written = serde_json::to_string(value).map_or(usize::MAX, |value| value.len());
            let bytes = written.saturating_add(name.len()).saturating_add(6);
            let fits = bytes <= room;
            room = if fits { room - bytes } else { room };
            fits
        });
        fitting.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    /// Tells whether this can have a session begin in another organization, or without a page.
    pub(crate) fn act_unseen(&self) -> bool {
        let names_an_organization =
            ["org_code", "invitation_code"].iter().any(|name| self.get(name).is_some());
        names_an_organization || self.get("prompt") == Some("none")
    }

    /// Has Kinde ask who it is, even where it knows.
    pub(crate) fn ask_for_a_page(&mut self) {
        self.0.retain(|(name, _)| *name != "prompt");
        self.0.push(("prompt", "login".to_owned()));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Tells whether the session has the organization that was asked for.
pub(crate) fn check_org(asked: Option<&str>, found: Option<&str>) -> Result<(), LoginError> {
    match asked {
        Some(asked) if found != Some(asked) => Err(LoginReason::OrgMismatch {
            expected: UntrustedText::new(asked),
            found: UntrustedText::new(found.unwrap_or("none")),
        }
        .into()),
        Some(_) | None => Ok(()),
    }
}

fn is_marketing(name: &str) -> bool {
    PARAMETERS.iter().any(|known| known.name == name && std::ptr::eq(known.shape, &MARKETING))
}

fn invalid(name: &'static str, expected: &'static str) -> LoginError {
    LoginReason::ParameterInvalid { name, expected }.into()
}

/// One parameter that a link may hold.
struct Parameter {
    name: &'static str,
    shape: &'static Shape,
}

struct Shape {
    is: &'static str,
    accepts: fn(&str) -> bool,
}

/// With it and the longest way back, a flow's cookie stays below the 4,096 bytes that a browser must keep.
const KEPT_BYTES: usize = 384;

const fn parameter(name: &'static str, shape: &'static Shape) -> Parameter {
    Parameter { name, shape }
}

static NAME: Shape = Shape {
    is: "1 to 128 letters, digits, - and _",
    accepts: |value| {
        value.len() <= 128
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    },
};
static TEXT: Shape = Shape {
    is: "at most 256 characters without control characters",
    accepts: |value| value.chars().count() <= 256 && !value.contains(char::is_control),
};
/// As [`TEXT`]; what is longer, or said twice, is left out.
static MARKETING: Shape = Shape { is: TEXT.is, accepts: TEXT.accepts };
static PROMPT: Shape =
    Shape { is: "login, create or none", accepts: |value| matches!(value, "login" | "create" | "none") };
static TRUTH: Shape = Shape { is: "true or false", accepts: |value| matches!(value, "true" | "false") };

/// Everything that may be passed on (endpoints and marketing parameters as Kinde's SDKs know them).
static PARAMETERS: [Parameter; 43] = [
    parameter("org_code", &NAME),
    parameter("org_name", &TEXT),
    parameter("login_hint", &TEXT),
    parameter("connection_id", &NAME),
    parameter("lang", &NAME),
    parameter("prompt", &PROMPT),
    parameter("plan_interest", &NAME),
    parameter("pricing_table_key", &NAME),
    parameter("workflow_deployment_id", &NAME),
    parameter("invitation_code", &NAME),
    parameter("is_invitation", &TRUTH),
    parameter("utm_source", &MARKETING),
    parameter("utm_medium", &MARKETING),
    parameter("utm_campaign", &MARKETING),
    parameter("utm_content", &MARKETING),
    parameter("utm_term", &MARKETING),
    parameter("gclid", &MARKETING),
    parameter("click_id", &MARKETING),
    parameter("hsa_acc", &MARKETING),
    parameter("hsa_cam", &MARKETING),
    parameter("hsa_grp", &MARKETING),
    parameter("hsa_ad", &MARKETING),
    parameter("hsa_src", &MARKETING),
    parameter("hsa_tgt", &MARKETING),
    parameter("hsa_kw", &MARKETING),
    parameter("hsa_mt", &MARKETING),
    parameter("hsa_net", &MARKETING),
    parameter("hsa_ver", &MARKETING),
    parameter("match_type", &MARKETING),
    parameter("keyword", &MARKETING),
    parameter("device", &MARKETING),
    parameter("ad_group_id", &MARKETING),
    parameter("campaign_id", &MARKETING),
    parameter("creative", &MARKETING),
    parameter("network", &MARKETING),
    parameter("ad_position", &MARKETING),
    parameter("fbclid", &MARKETING),
    parameter("li_fat_id", &MARKETING),
    parameter("msclkid", &MARKETING),
    parameter("twclid", &MARKETING),
    parameter("ttclid", &MARKETING),
    parameter("is_use_auth_success_page", &TRUTH),
    parameter("has_success_page", &TRUTH),
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kinde_core::{Endpoints, FetchError, FetchErrorKind, FetchFuture, HttpFetch, Issuer};

    use super::*;
    use crate::random::SystemRandomness;

    fn application() -> Application {
        Application {
            redirect_uri: "https://app.example.com/api/auth/kinde_callback".to_owned(),
            scopes: "openid offline".to_owned(),
            audiences: vec!["https://api.example.com".to_owned(), "b".to_owned()],
            lang: Some("de".to_owned()),
            org_code: None,
        }
    }

    /// Nothing is sent here.
    #[derive(Debug)]
    struct NoNetwork;

    impl HttpFetch for NoNetwork {
        fn fetch(&self, _: http::Request<bytes::Bytes>, _: usize) -> FetchFuture<'_> {
            Box::pin(async { Err(FetchError::new(FetchErrorKind::Deadline)) })
        }
    }

    fn client() -> OAuthClient {
        let issuer = Issuer::new("https://a.kinde.com").unwrap();
        OAuthClient::new(Endpoints::new(&issuer), "client", None, NoNetwork)
    }

    fn asked(intent: Intent, pairs: &[(&str, &str)]) -> (Vec<(String, String)>, Flow) {
        let mut flow = Flow::start(&SystemRandomness, Duration::ZERO);
        let wishes = Wishes::read(pairs.iter().copied()).unwrap();
        let url = application().authorize(&client(), intent, &wishes, &mut flow);
        let query = url.strip_prefix("https://a.kinde.com/oauth2/auth?").unwrap();
        (form_urlencoded::parse(query.as_bytes()).into_owned().collect(), flow)
    }

    fn values<'a>(query: &'a [(String, String)], name: &str) -> Vec<&'a str> {
        query.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// covers: F1
    #[test]
    fn link_cannot_decide_what_the_protocol_needs() {
        let hostile: Vec<_> = [
            "response_type",
            "client_id",
            "redirect_uri",
            "state",
            "nonce",
            "code_challenge",
            "code_challenge_method",
            "scope",
            "response_mode",
            "request",
            "request_uri",
            "reauth_state",
            "supports_reauth",
        ]
        .map(|name| (name, "evil"))
        .to_vec();
        let (query, flow) = asked(Intent::SignIn, &hostile);
        assert!(!query.iter().any(|(_, value)| value == "evil"));
        assert_eq!(values(&query, "state"), [flow.state.as_str()]);
        assert_eq!(values(&query, "code_challenge"), [flow.code_challenge().as_str()]);
        assert_eq!(values(&query, "audience"), ["https://api.example.com", "b"]);
        let mut names: Vec<_> =
            query.iter().map(|(name, _)| name).filter(|name| *name != "audience").collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "nothing is there twice");
    }

    /// covers: F18
    #[test]
    fn wishes_are_passed_on_encoded_or_refused() {
        let (query, flow) = asked(
            Intent::SignIn,
            &[("org_code", "org_1"), ("login_hint", "a+b@example.test&prompt=none"), ("lang", "fr")],
        );
        assert_eq!(values(&query, "org_code"), ["org_1"]);
        assert_eq!(values(&query, "login_hint"), ["a+b@example.test&prompt=none"]);
        assert_eq!(values(&query, "lang"), ["fr"]);
        assert_eq!(flow.org_code.as_deref(), Some("org_1"));
        for (name, value) in [
            ("org_code", "a b"),
            ("org_code", "\u{df}"),
            ("prompt", "consent"),
            ("login_hint", "a\nb"),
            ("is_invitation", "1"),
        ] {
            assert_eq!(
                Wishes::read([(name, value)].into_iter()).unwrap_err().code(),
                "parameter_invalid",
                "{name}={value}"
            );
        }
        assert!(Wishes::read([("org_code", "a"), ("org_code", "b")].into_iter()).is_err());
        assert_eq!(Wishes::read([("org_code", "")].into_iter()).unwrap(), Wishes::default());
    }

    /// covers: F18
    #[test]
    fn marketing_is_passed_on_or_left_out_and_refuses_nobody() {
        let long = "x".repeat(257);
        let (query, _) = asked(
            Intent::SignIn,
            &[
                ("utm_source", "news letter"),
                ("utm_medium", "a"),
                ("utm_medium", "b"),
                ("fbclid", &long),
                ("gclid", "a\nb"),
                ("plan_interest", "pro"),
                ("pricing_table_key", "main"),
                ("invitation_code", "inv_1"),
                ("is_invitation", "true"),
            ],
        );
        assert_eq!(values(&query, "utm_source"), ["news letter"]);
        assert_eq!(values(&query, "utm_medium"), ["a"], "the first");
        assert!(values(&query, "fbclid").is_empty() && values(&query, "gclid").is_empty());
        for (name, value) in [
            ("plan_interest", "pro"),
            ("pricing_table_key", "main"),
            ("invitation_code", "inv_1"),
            ("is_invitation", "true"),
        ] {
            assert_eq!(values(&query, name), [value]);
        }
        assert!(Wishes::read([("login_hint", long.as_str())].into_iter()).is_err(), "it means something");
    }

    #[test]
    fn second_try_of_a_silent_flow_asks_for_all_that_there_is_room_for() {
        let hint = |length: usize| "\"".repeat(length);
        for (name, pairs, kept) in [
            ("not silent", vec![("lang", "de")], vec![]),
            ("silent", vec![("prompt", "none"), ("lang", "de"), ("utm_source", "x")], vec!["lang"]),
            ("just fits", vec![("prompt", "none"), ("login_hint", &hint(183))], vec!["login_hint"]),
            ("too long", vec![("prompt", "none"), ("login_hint", &hint(184)), ("lang", "de")], vec!["lang"]),
        ] {
            let (_, flow) = asked(Intent::SignIn, &pairs);
            let names: Vec<_> = flow.wishes().map(|(name, _)| name).collect();
            assert_eq!(names, kept, "{name}");
        }
    }

    #[test]
    fn audience_is_narrowed_to_some_of_the_configured_and_never_widened() {
        let audiences = |asked: &[&str]| {
            let application = application();
            let pairs: Vec<_> = asked.iter().map(|value| ("audience", *value)).collect();
            let mut wishes = Wishes::read(pairs.iter().copied()).unwrap();
            wishes
                .ask_for_audiences(pairs.iter().copied(), &application.audiences)
                .map_err(|error| error.code())?;
            let mut flow = Flow::start(&SystemRandomness, Duration::ZERO);
            let url = application.authorize(&client(), Intent::SignIn, &wishes, &mut flow);
            let query = form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes()).into_owned();
            Ok(query.filter(|(name, _)| name == "audience").map(|(_, value)| value).collect::<Vec<_>>())
        };
        let all = vec!["https://api.example.com".to_owned(), "b".to_owned()];
        for (asked, expected) in [
            (&[] as &[&str], Ok(all.clone())),
            (&[""], Ok(all.clone())),
            (&["b"], Ok(vec!["b".to_owned()])),
            (&["b", "b"], Ok(vec!["b".to_owned()])),
            (&["b https://api.example.com"], Ok(all.clone())),
            (&["b", "https://api.example.com"], Ok(all)),
            (&["https://evil.example"], Err("parameter_invalid")),
            (&["b", "https://evil.example"], Err("parameter_invalid")),
            (&["b,c"], Err("parameter_invalid")),
        ] {
            assert_eq!(audiences(asked), expected, "{asked:?}");
        }
    }

    #[test]
    fn each_intent_has_its_prompt_whatever_the_link_says() {
        let prompt = |intent| {
            let (query, flow) = asked(intent, &[("prompt", "login"), ("org_name", "Acme & Co")]);
            (values(&query, "prompt").join(","), flow.is_silent)
        };
        assert_eq!(prompt(Intent::SignIn), ("login".to_owned(), false));
        assert_eq!(prompt(Intent::Register), ("create".to_owned(), false));
        assert_eq!(prompt(Intent::CreateOrg), ("create".to_owned(), false));
        assert_eq!(prompt(Intent::SwitchOrg), ("none".to_owned(), true));
    }

    #[test]
    fn hostile_reauth_state_brings_back_only_what_a_link_may_say() {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let state = |json: &str| Wishes::of_reauth_state(&STANDARD.encode(json));
        let good = state(
            r#"{"org_code":"org_1","redirect_uri":"https://evil.example","client_id":"evil","state":"x","prompt":"none","login_hint":1}"#,
        );
        assert_eq!(good, Wishes(vec![("org_code", "org_1".to_owned())]));
        for text in ["", "!", "bnVsbA==", "W10="] {
            assert_eq!(Wishes::of_reauth_state(text), Wishes::default(), "{text}");
        }
    }

    #[test]
    fn other_organization_than_asked_for_is_a_mismatch() {
        assert!(check_org(None, None).is_ok() && check_org(None, Some("a")).is_ok());
        assert!(check_org(Some("a"), Some("a")).is_ok());
        assert_eq!(check_org(Some("a"), Some("b")).unwrap_err().code(), "org_mismatch");
        assert_eq!(check_org(Some("a"), None).unwrap_err().code(), "org_mismatch");
    }
}
