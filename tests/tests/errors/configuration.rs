//! Problems of a configuration: each code of `ConfigProblem` is provoked, through the public API alone.

use std::{collections::BTreeSet, time::Duration};

use kinde_core::{
    ConfigError, ConfigProblem, Issuer, Jwks, Kinde, Secret, Settings, UntrustedText, Verifier,
};

use crate::{document, login};

/// The problems of a configuration that must not be accepted.
fn problems<T>(built: Result<T, ConfigError>) -> Vec<ConfigProblem> {
    built.err().map(|error| error.problems().to_vec()).unwrap_or_default()
}

/// Provokes every code of a configuration, through the public API alone.
fn provoked_problems() -> Vec<(&'static str, Vec<ConfigProblem>)> {
    const ISSUER: &str = "https://acme.kinde.com";
    let issuer = || Issuer::new(ISSUER).unwrap();
    let keys = || Jwks::builder(issuer());
    let verifier = || Verifier::builder(keys().build().unwrap());
    let good = || verifier().with_audience("a").build().unwrap();
    let settings = |name: &str, value: &str| {
        problems(Settings::from_variables([("KINDE_ISSUER_URL", ISSUER), (name, value)]))
    };
    let from_json = |json: &str| problems(Jwks::from_static_json(issuer(), json));
    let other = Jwks::builder(Issuer::new("https://other.kinde.com").unwrap()).build().unwrap();
    let bare = || Settings::from_variables([("KINDE_ISSUER_URL", ISSUER)]).unwrap();
    vec![
        ("env_missing", problems(Settings::from_variables([("KINDE_CLIENT_ID", "app")]))),
        (
            "env_missing",
            problems(Kinde::with_jwks(bare(), keys().build().unwrap()).unwrap().id_token_verifier()),
        ),
        ("env_conflict", settings("KINDE_DOMAIN", "https://other.kinde.com")),
        ("env_refused", settings("KINDE_COOKIE_DOMAIN", "acme.example")),
        ("env_invalid", settings("KINDE_CLIENT_SECRET", SECRET)),
        ("env_unknown", settings("KINDE_CLIENT_SECRETT", SECRET)),
        ("verifier_unbound", problems(verifier().build())),
        ("audience_empty", problems(verifier().with_audience("").build())),
        (
            "audience_is_issuer",
            problems(verifier().with_audience(good().issuers().next().unwrap().as_str()).build()),
        ),
        ("org_code_empty", problems(verifier().with_audience("a").with_org_code("").build())),
        ("scope_empty", problems(verifier().with_audience("a").with_scope("").build())),
        ("application_empty", problems(verifier().with_application("").build())),
        (
            "leeway_too_long",
            problems(verifier().with_audience("a").with_leeway(Duration::from_secs(301)).build()),
        ),
        ("verifiers_empty", problems(Verifier::any_of([]))),
        ("issuer_repeated", problems(Verifier::any_of([good(), good()]))),
        ("jwks_url_malformed", problems(keys().with_url("jwks").build())),
        (
            "jwks_url_plain_http",
            problems(keys().with_url_on_another_origin("http://keys.example/jwks").build()),
        ),
        ("jwks_url_other_origin", problems(keys().with_url("https://keys.example/jwks").build())),
        ("jwks_soft_age_too_short", problems(keys().with_soft_age(Duration::ZERO).build())),
        ("jwks_deadline_zero", problems(keys().with_deadline(Duration::ZERO).build())),
        ("jwks_body_limit_zero", problems(keys().with_body_limit_bytes(0).build())),
        ("jwks_not_a_key_set", from_json("[]")),
        ("jwks_no_usable_key", from_json(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"},null]}"#)),
        ("jwks_issuer_mismatch", problems(Kinde::with_jwks(bare(), other))),
    ]
}

/// covers: I4
#[tokio::test]
async fn every_code_of_a_configuration_is_provoked_and_reads_well() {
    let mut provoked_codes = BTreeSet::new();
    for (code, problems) in provoked_problems().into_iter().chain(login::problems().await) {
        let [problem] = problems.as_slice() else { panic!("{code}: {problems:?}") };
        assert_eq!(problem.code(), code);
        assert!(!problem.setting().is_empty() && !problem.fix().is_empty(), "{problem}");
        let text = problem.to_string();
        assert!(text.starts_with(problem.setting()) && text.ends_with(&format!("[{code}]")), "{text}");
        assert!(text.contains(problem.fix()) && !problem.fix().ends_with('.'), "{text}");
        for text in [text, format!("{problem:?}"), format!("{}", ConfigError::from(problem.clone()))] {
            assert!(!text.contains(SECRET.trim()), "{text}");
        }
        provoked_codes.insert(code.to_owned());
    }
    // The first needs a build without a feature; the second a machine without root certificates, as which
    // examples/reference/tests/reference.rs makes this one look.
    provoked_codes.extend(["http_client_missing", "http_client_unusable"].map(str::to_owned));
    assert_eq!(provoked_codes, document::codes_of_problems());
}

#[test]
fn configuration_error_lists_every_problem_on_a_line_of_its_own() {
    let wrong =
        [("KINDE_ISSUER_URL", "acme\nforged"), ("KINDE_CLIENT_SECRET", SECRET), ("KINDE_SCOPE", "email")];
    let error = Settings::from_variables(wrong).unwrap_err();
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1 + error.problems().len(), "{text}");
    assert_eq!(error.problems().len(), 3, "{text}");
    assert_eq!(format!("{error:?}"), text, "a main that returns the error shows the same");
}

/// covers: I1 I5
#[test]
fn secrets_and_foreign_text_print_as_such() {
    assert_eq!(format!("{:?}", Secret::new(SECRET)), "[redacted]");
    assert_eq!(UntrustedText::new("a\r\nb\u{1b}").to_string(), r"a\r\nb\u{1b}");
}

const SECRET: &str = "a-secret-with-a-line-break\n";
