use std::{path::PathBuf, process::Command};

use super::{table::TABLE, *};

const ISSUER_LINE: (&str, &str) = ("KINDE_ISSUER_URL", "https://acme.kinde.com");

/// Reads the issuer and `more`.
fn acme(more: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    Settings::from_variables([ISSUER_LINE].iter().chain(more).copied())
}

/// Gives the code and the setting of each problem.
fn codes(outcome: &Result<Settings, ConfigError>) -> Vec<(&str, &str)> {
    match outcome {
        Ok(_) => Vec::new(),
        Err(error) => error.problems().iter().map(|problem| (problem.code(), problem.setting())).collect(),
    }
}

fn fix_of(outcome: &Result<Settings, ConfigError>) -> &str {
    outcome.as_ref().unwrap_err().problems().first().unwrap().fix()
}

#[test]
fn issuer_alone_gives_safe_defaults() {
    let settings = acme(&[]).unwrap();
    assert_eq!(settings.issuer().as_str(), "https://acme.kinde.com");
    assert_eq!(settings.scopes(), ["openid", "profile", "email", "offline"]);
    assert_eq!(settings.auth_api_path(), "/api/auth");
    assert_eq!(settings.auth_routes().name(AuthRoute::CreateOrg), "create_org");
    assert!(settings.audiences().is_empty() && settings.unrecognised().is_empty());
    assert!(settings.client_id().is_none() && settings.client_secret().is_none());
    assert_eq!((settings.site_url(), settings.redirect_uri()), (None, None));
}

#[test]
fn every_setting_is_read_from_its_first_name() {
    let settings = acme(&[
        ("KINDE_CLIENT_ID", "0123abcd"),
        ("KINDE_CLIENT_SECRET", "s3cr3t"),
        ("KINDE_AUDIENCE", "https://api.acme.example, urn:acme:%2F+é https://api.acme.example"),
        ("KINDE_SITE_URL", "http://localhost:3000/"),
        ("KINDE_SCOPE", "openid,offline"),
        ("KINDE_POST_LOGIN_REDIRECT_URL", "http://localhost:3000/#/home?a=%2F"),
        ("KINDE_POST_LOGOUT_REDIRECT_URL", "https://www.acme.example"),
        ("KINDE_AUTH_API_PATH", "/app/auth/"),
        ("KINDE_AUTH_LOGIN_ROUTE", "sign-in"),
        ("SESSION_SECRET", "keyboard cat"),
        ("KINDE_COOKIE_MAX_AGE", "3600"),
        ("KINDE_LANG", "en-GB"),
        ("KINDE_ORG_CODE", "org_1a2b"),
    ])
    .unwrap();
    assert_eq!(settings.client_id(), Some("0123abcd"));
    assert_eq!(settings.client_secret().map(Secret::expose), Some("s3cr3t"));
    assert_eq!(settings.audiences(), ["https://api.acme.example", "urn:acme:%2F+é"]);
    assert_eq!(settings.site_url(), Some("http://localhost:3000"));
    assert_eq!(settings.scopes(), ["openid", "offline"]);
    assert_eq!(settings.post_login_redirect_url(), Some("http://localhost:3000/#/home?a=%2F"));
    assert_eq!(settings.post_logout_redirect_url(), Some("https://www.acme.example"));
    assert_eq!(settings.redirect_uri(), Some("http://localhost:3000/app/auth/kinde_callback"));
    assert_eq!(settings.auth_routes().find("sign-in"), Some(AuthRoute::Login));
    assert_eq!(settings.auth_routes().find("login"), None);
    assert_eq!(settings.session_secret().map(Secret::expose), Some("keyboard cat"));
    assert_eq!(settings.cookie_max_age(), Some(Duration::from_secs(3600)));
    assert_eq!((settings.lang(), settings.org_code()), (Some("en-GB"), Some("org_1a2b")));
}

#[test]
fn missing_issuer_and_bad_scope_are_reported_together() {
    let outcome = Settings::from_variables([("KINDE_SCOPE", "openid offline_access")]);
    assert_eq!(codes(&outcome), [("env_missing", "KINDE_ISSUER_URL"), ("env_invalid", "KINDE_SCOPE")]);
    let message = outcome.unwrap_err().to_string();
    assert!(message.contains("KINDE_ISSUER_URL=https://acme.kinde.com"), "{message}");
    assert!(message.contains("offline instead of offline_access"), "{message}");
}

#[test]
fn each_spelling_of_the_issuer_is_accepted() {
    for (name, value, issuer) in [
        ("KINDE_ISSUER_URL", "https://acme.kinde.com/", "https://acme.kinde.com"),
        ("NEXT_PUBLIC_KINDE_ISSUER_URL", "https://acme.kinde.com", "https://acme.kinde.com"),
        ("KINDE_DOMAIN", "https://acme.kinde.com", "https://acme.kinde.com"),
        ("KINDE_DOMAIN", "acme.kinde.com", "https://acme.kinde.com"),
        ("KINDE_HOST", "account.acme.example:8443/", "https://account.acme.example:8443"),
        ("KINDE_HOST", "http://localhost:4100", "http://localhost:4100"),
    ] {
        let settings = Settings::from_variables([(name, value)]);
        assert_eq!(
            settings.map(|settings| settings.issuer().to_string()).as_deref(),
            Ok(issuer),
            "{name}={value}"
        );
    }
}

/// A scheme is guessed only where one scheme is possible, and only for the names of SDKs that guess.
#[test]
fn bare_host_is_refused_where_a_scheme_would_be_a_guess() {
    for (name, value) in [
        ("KINDE_ISSUER_URL", "acme.kinde.com"),
        ("NEXT_PUBLIC_KINDE_ISSUER_URL", "acme.kinde.com"),
        ("KINDE_DOMAIN", "localhost:4100"),
        ("KINDE_DOMAIN", "127.0.0.1:4100"),
        ("KINDE_HOST", "[::1]:4100"),
        ("KINDE_HOST", "http://acme.kinde.com"),
    ] {
        assert_eq!(
            codes(&Settings::from_variables([(name, value)])),
            [("env_invalid", name)],
            "{name}={value}"
        );
    }
}

#[test]
fn spellings_that_agree_are_accepted() {
    for more in [
        [("KINDE_DOMAIN", "acme.kinde.com"), ("KINDE_HOST", "https://acme.kinde.com/")],
        [("KINDE_SCOPE", "openid offline"), ("KINDE_SCOPES", "openid,offline")],
        [
            ("KINDE_POST_LOGIN_REDIRECT_URL", "https://a.example"),
            ("KINDE_POST_LOGIN_URL_REDIRECT_URL", "https://a.example"),
        ],
        [("KINDE_AUTH_API_PATH", "/auth"), ("NEXT_PUBLIC_KINDE_AUTH_API_PATH", "/auth/")],
        [("KINDE_CLIENT_SECRET", "same"), ("KINDE_CLIENT_SECRET", "same")],
    ] {
        assert_eq!(codes(&acme(&more)), [], "{more:?}");
    }
}

#[test]
fn spellings_that_differ_are_a_conflict_that_names_both() {
    for (first, second) in [
        (("KINDE_DOMAIN", "acme.kinde.com"), ("KINDE_HOST", "other.kinde.com")),
        (("KINDE_CLIENT_ID", "a"), ("NEXT_PUBLIC_KINDE_CLIENT_ID", "b")),
        (("KINDE_SITE_URL", "https://a.example"), ("NEXT_PUBLIC_KINDE_SITE_URL", "https://b.example")),
        (("KINDE_SCOPE", "openid"), ("KINDE_SCOPES", "openid email")),
        (
            ("KINDE_POST_LOGIN_REDIRECT_URL", "https://a.example"),
            ("KINDE_POST_LOGIN_URL_REDIRECT_URL", "https://a.example/"),
        ),
        (
            ("KINDE_POST_LOGOUT_REDIRECT_URL", "https://a.example"),
            ("KINDE_LOGOUT_REDIRECT_URI", "https://b.example"),
        ),
        (("KINDE_AUTH_API_PATH", "/a"), ("NEXT_PUBLIC_KINDE_AUTH_API_PATH", "/b")),
    ] {
        let issuer = (!first.0.contains("DOMAIN")).then_some(ISSUER_LINE);
        // The order of an environment is not defined.
        for pair in [[first, second], [second, first]] {
            let outcome = Settings::from_variables(issuer.into_iter().chain(pair));
            assert_eq!(codes(&outcome), [("env_conflict", second.0)], "{first:?}");
            assert!(fix_of(&outcome).contains(first.0), "{first:?}");
        }
    }
}

#[test]
fn empty_values_count_as_unset() {
    let more: Vec<_> = TABLE.iter().filter(|row| row.name != ISSUER).map(|row| (row.name, "")).collect();
    let settings = acme(&more).unwrap();
    assert!(settings.unrecognised().is_empty() && settings.client_id().is_none());
    assert_eq!(
        codes(&Settings::from_variables([("KINDE_ISSUER_URL", "")])),
        [("env_missing", "KINDE_ISSUER_URL")]
    );
}

#[test]
fn values_of_the_wrong_shape_are_invalid() {
    for (name, value) in [
        ("KINDE_ISSUER_URL", "https://acme.kinde.com/oauth2"),
        ("KINDE_CLIENT_ID", "01 23"),
        ("KINDE_CLIENT_ID", "\"0123\""),
        ("KINDE_CLIENT_SECRET", "abc\n"),
        ("KINDE_CLIENT_SECRET", "ab c"),
        ("KINDE_CLIENT_SECRET", "'abc'"),
        ("KINDE_AUDIENCE", " , "),
        ("KINDE_AUDIENCE", "[\"a\",\"b\"]"),
        ("KINDE_AUDIENCE", "a\u{7}"),
        ("KINDE_SCOPE", "profile email"),
        ("KINDE_SCOPE", "openid caf\u{e9}"),
        ("KINDE_SITE_URL", "app.acme.example"),
        ("KINDE_SITE_URL", "http://app.acme.example"),
        ("KINDE_SITE_URL", "https://app.acme.example/app"),
        ("KINDE_SITE_URL", "https://App.acme.example"),
        ("KINDE_SITE_URL", "https://app.acme.example:"),
        ("KINDE_POST_LOGIN_REDIRECT_URL", "/dashboard"),
        ("KINDE_POST_LOGIN_REDIRECT_URL", "javascript://app.acme.example/%0aalert(1)"),
        ("KINDE_POST_LOGIN_REDIRECT_URL", "https://app.acme.example\\@evil.example"),
        ("KINDE_POST_LOGIN_REDIRECT_URL", "https://app.acme.example:70000/"),
        ("KINDE_POST_LOGOUT_REDIRECT_URL", "https://me:pw@app.acme.example"),
        ("KINDE_POST_LOGOUT_REDIRECT_URL", "https://a.example/\r\nSet-Cookie: a=b"),
        ("KINDE_POST_LOGOUT_REDIRECT_URL", "https:///path"),
        ("KINDE_POST_LOGOUT_REDIRECT_URL", "//evil.example"),
        ("KINDE_AUTH_API_PATH", "api/auth"),
        ("KINDE_AUTH_API_PATH", "/"),
        ("KINDE_AUTH_API_PATH", "//evil.example"),
        ("KINDE_AUTH_API_PATH", "/api/{auth}"),
        ("KINDE_AUTH_API_PATH", "/api/../auth"),
        ("KINDE_AUTH_LOGIN_ROUTE", "/login"),
        ("KINDE_AUTH_ENDSESSION_ROUTE", "end session"),
        ("KINDE_COOKIE_MAX_AGE", "0"),
        ("KINDE_COOKIE_MAX_AGE", "34560001"),
        ("KINDE_COOKIE_MAX_AGE", "15d"),
        ("KINDE_LANG", "en&prompt=none"),
        ("KINDE_ORG_CODE", "org 1"),
    ] {
        let issuer = (name != ISSUER).then_some(ISSUER_LINE);
        let outcome = Settings::from_variables(issuer.into_iter().chain([(name, value)]));
        assert_eq!(codes(&outcome), [("env_invalid", name)], "{name}={value}");
    }
}

#[test]
fn boundary_values_are_accepted() {
    for (name, value) in [
        ("KINDE_COOKIE_MAX_AGE", "1"),
        ("KINDE_COOKIE_MAX_AGE", "34560000"),
        ("KINDE_CLIENT_SECRET", "short-and_odd.but~whole"),
        ("KINDE_AUDIENCE", "https://acme.kinde.com/api"),
        ("KINDE_POST_LOGIN_REDIRECT_URL", "http://intranet:8080/x"),
        ("KINDE_POST_LOGIN_REDIRECT_URL", "https://[::1]:3000/x?y=https://z"),
        ("KINDE_AUTH_API_PATH", "/a.b~c-d_e/F"),
    ] {
        assert_eq!(codes(&acme(&[(name, value)])), [], "{name}={value}");
    }
}

/// covers: G3
#[test]
fn settings_without_a_safe_meaning_are_refused_by_name() {
    for (name, value) in [
        ("KINDE_COOKIE_DOMAIN", ".acme.example"),
        ("KINDE_POST_LOGIN_ALLOWED_URL_REGEX", "acme"),
        ("KINDE_DEBUG_MODE", "true"),
        ("KINDE_DEBUG", "1"),
        ("KINDE_OPENID_ENDPOINT", "https://evil.example"),
        ("KINDE_AUTHORIZATION_ENDPOINT", "https://evil.example"),
        ("KINDE_TOKEN_ENDPOINT", "https://evil.example"),
        ("KINDE_LOGOUT_ENDPOINT", "https://evil.example"),
        ("KINDE_PROTOCOL", "http"),
        ("KINDE_GRANT_TYPE", "client_credentials"),
        ("KINDE_AUTH_WITH_PKCE", "false"),
        ("KINDE_HAS_SUCCESS_PAGE", "true"),
        ("KINDE_FORCE_API", "true"),
        ("KINDE_WEBHOOK_SECRET", "whsec_1"),
        ("NEXT_PUBLIC_KINDE_CLIENT_SECRET", "s3cr3t"),
        ("VITE_KINDE_CLIENT_SECRET", "s3cr3t"),
    ] {
        assert_eq!(codes(&acme(&[(name, value)])), [("env_refused", name)], "{name}");
    }
}

#[test]
fn refused_settings_that_ask_for_what_happens_anyway_are_accepted() {
    for (name, value) in [
        ("KINDE_DEBUG_MODE", "false"),
        ("KINDE_DEBUG", "0"),
        ("KINDE_PROTOCOL", "https"),
        ("KINDE_GRANT_TYPE", "CODE"),
        ("KINDE_GRANT_TYPE", "authorization_code"),
        ("KINDE_AUTH_WITH_PKCE", "True"),
        ("KINDE_HAS_SUCCESS_PAGE", "false"),
        ("KINDE_FORCE_API", "FALSE"),
    ] {
        assert_eq!(codes(&acme(&[(name, value)])), [], "{name}={value}");
    }
}

#[test]
fn redirect_uri_of_another_sdk_must_be_the_one_that_is_derived() {
    let site = ("KINDE_SITE_URL", "https://app.acme.example");
    let same = "https://app.acme.example/api/auth/kinde_callback";
    for (name, value, with_site, expected) in [
        ("KINDE_REDIRECT_URI", same, true, None),
        ("KINDE_REDIRECT_URL", same, true, None),
        ("KINDE_REDIRECT_URI", "https://app.acme.example/callback", true, Some("env_conflict")),
        (
            "KINDE_REDIRECT_URL",
            "https://app.acme.example/api/auth/kinde_callback/",
            true,
            Some("env_conflict"),
        ),
        ("KINDE_REDIRECT_URI", same, false, Some("env_refused")),
    ] {
        let more: Vec<_> = with_site.then_some(site).into_iter().chain([(name, value)]).collect();
        let expected: Vec<_> = expected.map(|code| (code, name)).into_iter().collect();
        assert_eq!(codes(&acme(&more)), expected, "{name}={value}");
    }
}

#[test]
fn two_routes_cannot_have_one_name() {
    for (more, blamed) in [
        (&[("KINDE_AUTH_LOGIN_ROUTE", "logout")][..], "KINDE_AUTH_LOGIN_ROUTE"),
        (&[("KINDE_AUTH_SETUP_ROUTE", "me")], "KINDE_AUTH_SETUP_ROUTE"),
        (&[("KINDE_AUTH_PORTAL_ROUTE", "kinde_callback")], "KINDE_AUTH_PORTAL_ROUTE"),
        (
            &[("KINDE_AUTH_LOGIN_ROUTE", "go"), ("KINDE_AUTH_REGISTER_ROUTE", "go")],
            "KINDE_AUTH_REGISTER_ROUTE",
        ),
    ] {
        assert_eq!(codes(&acme(more)), [("env_conflict", blamed)], "{more:?}");
    }
    let swapped =
        acme(&[("KINDE_AUTH_LOGIN_ROUTE", "logout"), ("KINDE_AUTH_LOGOUT_ROUTE", "login")]).unwrap();
    assert_eq!(swapped.auth_routes().find("logout"), Some(AuthRoute::Login));
}

#[test]
fn mistyped_name_is_a_problem_that_suggests_the_right_one() {
    let outcome = Settings::from_variables([("KINDE_ISUER_URL", "https://acme.kinde.com")]);
    assert_eq!(codes(&outcome), [("env_unknown", "KINDE_ISUER_URL"), ("env_missing", "KINDE_ISSUER_URL")]);
    assert!(fix_of(&outcome).contains("did you mean KINDE_ISSUER_URL (the issuer"));
}

#[test]
fn names_that_may_be_the_applications_own_are_listed_without_values() {
    let settings = acme(&[
        ("KINDE_GITHUB_CONNECTION_ID", "conn_1"),
        ("NEXT_PUBLIC_KINDE_GOOGLE_CONNECTION_ID", "conn_2"),
        ("VITE_KINDE_DOMAIN", "https://acme.kinde.com"),
        ("KINDE_MANAGEMENT_CLIENT_SECRET", "s3cr3t"),
        ("KINDE_\n", "x"),
        ("DATABASE_URL", "postgres://localhost"),
        ("MY_KINDE_ISSUER_URL", "https://my.kinde.com"),
    ])
    .unwrap();
    assert_eq!(
        settings.unrecognised(),
        [
            "KINDE_MANAGEMENT_CLIENT_SECRET",
            "VITE_KINDE_DOMAIN",
            r"KINDE_\n",
            "KINDE_GITHUB_CONNECTION_ID",
            "NEXT_PUBLIC_KINDE_GOOGLE_CONNECTION_ID",
        ]
    );
}

#[test]
fn value_that_is_not_utf_8_is_a_problem_and_not_a_panic() {
    let not_utf_8 = |name: &str| (name.to_owned(), None);
    let outcome = Settings::read("", [not_utf_8("KINDE_ISSUER_URL"), not_utf_8("DATABASE_URL")]);
    assert_eq!(codes(&outcome), [("env_invalid", "KINDE_ISSUER_URL")]);
    let outcome = Settings::read("", [not_utf_8("KINDE_DEBUG"), not_utf_8("KINDE_ISUER_URL")]);
    assert_eq!(
        codes(&outcome),
        [
            ("env_refused", "KINDE_DEBUG"),
            ("env_unknown", "KINDE_ISUER_URL"),
            ("env_missing", "KINDE_ISSUER_URL")
        ]
    );
}

#[test]
fn prefix_separates_two_environments_of_one_process() {
    let variables = || {
        [
            ("KINDE_ISSUER_URL", "https://acme.kinde.com"),
            ("KINDE_CLIENT_SECRET", "of-production"),
            ("DEV_KINDE_ISSUER_URL", "https://acme-dev.kinde.com"),
            ("DEV_KINDE_SCOPES", "openid"),
        ]
        .map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
    };
    let (production, development) =
        (Settings::read("", variables()).unwrap(), Settings::read("DEV_", variables()).unwrap());
    assert_eq!(production.issuer().as_str(), "https://acme.kinde.com");
    assert_eq!(production.scopes().len(), 4);
    assert_eq!(development.issuer().as_str(), "https://acme-dev.kinde.com");
    assert_eq!(development.scopes(), ["openid"]);
    assert!(development.client_secret().is_none(), "borrowed from the environment without a prefix");
    assert_eq!((production.prefix(), development.prefix()), ("", "DEV_"));
}

#[test]
fn problems_of_a_prefixed_environment_name_the_variables_as_set() {
    let variables =
        [("DEV_KINDE_DOMAIN", "a.example"), ("DEV_KINDE_HOST", "b.example"), ("DEV_KINDE_LANGS", "en")]
            .map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
    let outcome = Settings::read("DEV_", variables);
    assert_eq!(codes(&outcome), [("env_conflict", "DEV_KINDE_HOST"), ("env_unknown", "DEV_KINDE_LANGS")]);
    assert!(fix_of(&outcome).contains("DEV_KINDE_DOMAIN"));
    let outcome = Settings::from_env_with_prefix("NO_SUCH_");
    assert!(fix_of(&outcome).contains("NO_SUCH_KINDE_ISSUER_URL=https://acme.kinde.com"));
}

/// The environment of a process cannot be changed safely, so the test runs itself again with another one.
#[test]
fn from_env_reads_the_environment_of_the_process() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "settings::tests::child_reads_its_environment", "--ignored"]);
    child.env("CHILD_KINDE_ISSUER_URL", "https://acme.kinde.com").env("CHILD_KINDE_AUDIENCE", "todos");
    #[cfg(unix)]
    child.env("CHILD_KINDE_OWN", <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\xfe"));
    let output = child.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
#[ignore = "run by from_env_reads_the_environment_of_the_process"]
fn child_reads_its_environment() {
    let settings = Settings::from_env_with_prefix("CHILD_").unwrap();
    assert_eq!(settings.issuer().as_str(), "https://acme.kinde.com");
    assert_eq!(settings.audiences(), ["todos"]);
    #[cfg(unix)]
    assert_eq!(settings.unrecognised(), ["CHILD_KINDE_OWN"]);
}

/// covers: I1 I4
#[test]
fn client_secret_is_never_shown() {
    const CANARY: &str = "canary7f3a";
    let settings = acme(&[("KINDE_CLIENT_SECRET", CANARY), ("SESSION_SECRET", CANARY)]).unwrap();
    assert!(!format!("{settings:?} {settings:#?}").contains(CANARY));
    for (name, value) in [
        ("KINDE_CLIENT_SECRET", format!("{CANARY}\n")),
        ("KINDE_CLIENT_SECRET", format!("\"{CANARY}\"")),
        ("KINDE_CLIENT_SECRET", format!("{CANARY}é")),
        ("KINDE_CLIENT_SECRT", CANARY.to_owned()),
        ("SESSION_SECRET", format!("'{CANARY}'")),
        ("KINDE_WEBHOOK_SECRET", CANARY.to_owned()),
        ("NEXT_PUBLIC_KINDE_CLIENT_SECRET", CANARY.to_owned()),
        ("KINDE_ISSUER_URL", format!("https://acme:{CANARY}@acme.kinde.com")),
        ("KINDE_TOKEN_ENDPOINT", format!("https://acme:{CANARY}@acme.kinde.com")),
        ("KINDE_POST_LOGIN_REDIRECT_URL", format!("https://acme:{CANARY}@acme.kinde.com")),
    ] {
        // The good value of another spelling makes each bad one a conflict too, where it can.
        let others = [("KINDE_CLIENT_SECRET", "other"), ("SESSION_SECRET", "other")];
        let error = Settings::from_variables(others.into_iter().chain([(name, value.as_str())])).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.problems());
        assert!(shown.contains(name), "{shown}");
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

#[test]
fn table_names_each_variable_once_and_aliases_lead_to_settings() {
    for (index, variable) in TABLE.iter().enumerate() {
        assert!(!TABLE[..index].iter().any(|earlier| earlier.name == variable.name), "{}", variable.name);
        if let Role::AliasOf(setting) | Role::HostAliasOf(setting) = variable.role {
            let target = table::find(setting).map(|row| &row.role);
            assert!(matches!(target, Some(Role::Honoured { .. })), "{}", variable.name);
        }
    }
}

/// The table and the documentation name the same variables. A packaged crate has no `docs` beside it.
#[test]
fn documentation_lists_every_variable_of_the_table_and_no_other() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if !path.exists() {
        return;
    }
    let text = std::fs::read_to_string(path).unwrap();
    let first_cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut documented: Vec<&str> = first_cells.collect();
    let mut named: Vec<&str> = TABLE.iter().map(|variable| variable.name).collect();
    documented.sort_unstable();
    named.sort_unstable();
    assert_eq!(documented, named);
}
