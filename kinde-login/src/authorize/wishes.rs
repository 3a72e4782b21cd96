//! What a link may add to the authorization request.

use crate::error::{LoginError, LoginReason};

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

    /// Gives what a second try of a silent flow asks for again, as far as the flow's cookie has room for it. The flow
    /// has the organization anyway.
    pub(super) fn kept(&self) -> Vec<(String, String)> {
        let mut room = KEPT_BYTES;
        let is_kept = |name: &str| !matches!(name, "prompt" | "org_code") && !is_marketing(name);
        let wishes = self.0.iter().filter(|(name, _)| is_kept(name));
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
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
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
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Wishes, LoginError> {
        Wishes::read(pairs.iter().copied())
    }

    fn values<'a>(wishes: &'a Wishes, name: &str) -> Vec<&'a str> {
        wishes.iter().filter(|(known, _)| *known == name).map(|(_, value)| value).collect()
    }

    /// covers: F18
    #[test]
    fn wish_of_another_shape_or_said_twice_is_refused() {
        for (name, value) in [
            ("org_code", "a b"),
            ("org_code", "\u{df}"),
            ("prompt", "consent"),
            ("login_hint", "a\nb"),
            ("is_invitation", "1"),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap_err().code(), "parameter_invalid", "{name}={value}");
        }
        assert!(read(&[("org_code", "a"), ("org_code", "b")]).is_err());
        assert_eq!(read(&[("org_code", "")]).unwrap(), Wishes::default());
    }

    /// covers: F18
    #[test]
    fn longest_wish_is_passed_on_and_one_letter_more_refused_or_left_out() {
        let passes = |name, value: &str| {
            let wishes = Wishes::read([(name, value)].into_iter()).map_err(|error| error.code())?;
            Ok(wishes.get(name).map(str::to_owned).is_some_and(|kept| kept == value))
        };
        for (shape, longest, letters, more) in [
            (&NAME, 128, ["a", "_"], Err("parameter_invalid")),
            // Characters, however many bytes each has.
            (&TEXT, 256, ["a", "\u{1f600}"], Err("parameter_invalid")),
            (&MARKETING, 256, [" ", "\u{df}"], Ok(false)),
        ] {
            let of_shape = PARAMETERS.iter().filter(|parameter| std::ptr::eq(parameter.shape, shape));
            let names: Vec<_> = of_shape.map(|parameter| parameter.name).collect();
            assert!(names.len() >= 2, "{}", shape.is);
            for (name, letter) in names.iter().flat_map(|name| letters.map(|letter| (*name, letter))) {
                assert_eq!(passes(name, &letter.repeat(longest)), Ok(true), "{name} of {letter:?}");
                assert_eq!(passes(name, &letter.repeat(longest + 1)), more, "{name} of {letter:?}");
            }
        }
    }

    /// covers: F18
    #[test]
    fn marketing_is_passed_on_or_left_out_and_refuses_nobody() {
        let long = "x".repeat(257);
        let wishes = read(&[
            ("utm_source", "news letter"),
            ("utm_medium", "a"),
            ("utm_medium", "b"),
            ("fbclid", &long),
            ("gclid", "a\nb"),
            ("plan_interest", "pro"),
            ("pricing_table_key", "main"),
            ("invitation_code", "inv_1"),
            ("is_invitation", "true"),
        ])
        .unwrap();
        assert_eq!(values(&wishes, "utm_source"), ["news letter"]);
        assert_eq!(values(&wishes, "utm_medium"), ["a"], "the first");
        assert!(values(&wishes, "fbclid").is_empty() && values(&wishes, "gclid").is_empty());
        for (name, value) in [
            ("plan_interest", "pro"),
            ("pricing_table_key", "main"),
            ("invitation_code", "inv_1"),
            ("is_invitation", "true"),
        ] {
            assert_eq!(values(&wishes, name), [value]);
        }
        assert!(read(&[("login_hint", &long)]).is_err(), "it means something");
    }

    #[test]
    fn second_try_of_a_silent_flow_asks_for_all_that_there_is_room_for() {
        let hint = |length: usize| "\"".repeat(length);
        for (name, pairs, kept) in [
            ("no advertisement", vec![("prompt", "none"), ("lang", "de"), ("utm_source", "x")], vec!["lang"]),
            ("just fits", vec![("prompt", "none"), ("login_hint", &hint(183))], vec!["login_hint"]),
            ("too long", vec![("prompt", "none"), ("login_hint", &hint(184)), ("lang", "de")], vec!["lang"]),
        ] {
            let wishes = read(&pairs).unwrap().kept();
            let names: Vec<_> = wishes.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, kept, "{name}");
        }
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
}
