//! The authorization request: what sign-in asks Kinde for, and whether it got the organization that it asked for.

mod wishes;

use kinde_core::{Settings, UntrustedText};

use crate::{
    client::OAuthClient,
    error::{LoginError, LoginReason},
    flow::Flow,
};

pub(crate) use wishes::Wishes;

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
        for (name, value) in wishes.iter().filter(|(name, _)| *name != "prompt" || !is_decided) {
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
    fn wishes_are_passed_on_encoded() {
        let (query, flow) = asked(
            Intent::SignIn,
            &[("org_code", "org_1"), ("login_hint", "a+b@example.test&prompt=none"), ("lang", "fr")],
        );
        assert_eq!(values(&query, "org_code"), ["org_1"]);
        assert_eq!(values(&query, "login_hint"), ["a+b@example.test&prompt=none"]);
        assert_eq!(values(&query, "lang"), ["fr"]);
        assert_eq!(flow.org_code.as_deref(), Some("org_1"));
    }

    #[test]
    fn flow_keeps_the_wishes_for_a_second_try_if_it_is_silent() {
        for (name, pairs, kept) in [
            ("not silent", vec![("lang", "de")], vec![]),
            ("silent", vec![("prompt", "none"), ("lang", "de"), ("utm_source", "x")], vec!["lang"]),
        ] {
            let (_, flow) = asked(Intent::SignIn, &pairs);
            let names: Vec<_> = flow.wishes().map(|(name, _)| name).collect();
            assert_eq!(names, kept, "{name}");
        }
    }

    #[test]
    fn second_try_asks_for_the_organization_which_the_flow_has_once() {
        let (code, hint) = ("o".repeat(128), "\"".repeat(183));
        let wished = [("prompt", "none"), ("org_code", code.as_str()), ("login_hint", &hint)];
        for (name, intent, pairs) in
            [("sign in", Intent::SignIn, wished.as_slice()), ("switch", Intent::SwitchOrg, &wished[1..])]
        {
            let (_, flow) = asked(intent, pairs);
            assert_eq!(flow.org_code.as_deref(), Some(code.as_str()), "{name}");
            let kept: Vec<_> = flow.wishes.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(kept, ["login_hint"], "{name}: the organization takes no room of another wish");
            let again: Vec<_> = flow.wishes().collect();
            let (query, second) = asked(Intent::SignIn, &again);
            assert_eq!(values(&query, "org_code"), [code.as_str()], "{name}");
            assert_eq!(values(&query, "login_hint"), [hint.as_str()], "{name}");
            assert_eq!((second.org_code, second.is_silent), (flow.org_code, false), "{name}");
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
    fn other_organization_than_asked_for_is_a_mismatch() {
        assert!(check_org(None, None).is_ok() && check_org(None, Some("a")).is_ok());
        assert!(check_org(Some("a"), Some("a")).is_ok());
        assert_eq!(check_org(Some("a"), Some("b")).unwrap_err().code(), "org_mismatch");
        assert_eq!(check_org(Some("a"), None).unwrap_err().code(), "org_mismatch");
    }
}
