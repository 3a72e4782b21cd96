//! What is wrong with the settings of sign-in: all at once, each under the name that has to be set.

use kinde_core::{ConfigError, ConfigProblem, Secret, Settings};

use crate::{
    return_to::{ReturnTo, Targets},
    seal::{SECRET_LEN, Sealer, UnusableSecrets},
};

/// The problems that were found so far.
#[derive(Debug)]
pub(crate) struct Problems {
    prefix: String,
    found: Option<ConfigError>,
}

impl Problems {
    /// Begins with none. Where settings were read under a prefix, it stands before the names.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { prefix: settings.prefix().to_owned(), found: None }
    }

    /// Gives a setting that sign-in cannot do without; a missing one is a problem.
    pub(crate) fn required(&mut self, value: Option<&str>, variable: &'static str) -> String {
        if value.is_none() {
            self.missing(variable);
        }
        value.unwrap_or_default().to_owned()
    }

    /// Notes that a variable is not set.
    pub(crate) fn missing(&mut self, variable: &'static str) {
        self.add(ConfigProblem::new("env_missing", self.named(variable), fix_of(variable)));
    }

    /// Takes the secrets of sessions: those that the application gives, or else the variable.
    pub(crate) fn sealer(
        &self,
        given: Option<&[Secret]>,
        variable: Option<&Secret>,
    ) -> Result<Sealer, ConfigProblem> {
        let (setting, secrets) = match given {
            Some(secrets) => ("with_secrets".to_owned(), secrets),
            None => (self.named("SESSION_SECRET"), variable.map_or(&[][..], std::slice::from_ref)),
        };
        Sealer::new(secrets).map_err(|problem| match problem {
            UnusableSecrets::None => {
                let fix = format!(
                    "give at least {SECRET_LEN} random characters, the same on every instance: openssl rand -base64 48"
                );
                ConfigProblem::new("env_missing", setting, fix)
            }
            UnusableSecrets::Short { bytes } => {
                let fix =
                    format!("use at least {SECRET_LEN} random characters, there are {bytes}: openssl rand -base64 48");
                ConfigProblem::new("session_secret_short", setting, fix)
            }
        })
    }

    /// Judges the domain of the session's cookie: a browser takes one that the site's host belongs to, and no other.
    pub(crate) fn cookie_domain(&mut self, domain: &str, site: &str) {
        // RFC 6265bis §5.7: what is not the host or the end of it after a dot is ignored, and so is a cookie for one label.
        let authority = site.split_once("://").map_or(site, |(_, authority)| authority);
        let host = authority.split(':').next().unwrap_or_default();
        let is_of_host = host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let is_label = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let is_address =
            domain.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        let is_name = domain.contains('.') && !is_address && domain.split('.').all(is_label);
        if !is_of_host || !is_name {
            let fix = "write the domain that the site's host ends with, in lower case and without a dot in front, for \
                       example acme.example for https://app.acme.example";
            let problem = ConfigProblem::new("env_invalid", "insecure_cookie_domain", fix);
            self.add(problem.with_found(domain));
        }
    }

    /// Takes the origins that the application allows, and the page for whoever asked for none.
    pub(crate) fn targets(
        &mut self,
        site: &str,
        origins: &[String],
        post_login: Option<&str>,
    ) -> (Targets, ReturnTo) {
        let mut targets = Targets::of_site(site);
        for origin in origins {
            if let Err(fix) = targets.allow_origin(origin) {
                self.add(ConfigProblem::new("env_invalid", "with_allowed_origin", fix).with_found(origin));
            }
        }
        let Some(page) = post_login else { return (targets, ReturnTo::home()) };
        let post_login = targets.allow_page(page).unwrap_or_else(|fix| {
            let setting = self.named("KINDE_POST_LOGIN_REDIRECT_URL");
            self.add(ConfigProblem::new("env_invalid", setting, fix).with_found(page));
            ReturnTo::home()
        });
        (targets, post_login)
    }

    /// Gives what was made last, unless there is a problem.
    pub(crate) fn unless_any<T>(self, last: Result<T, ConfigProblem>) -> Result<T, ConfigError> {
        match (self.found, last) {
            (None, last) => last.map_err(ConfigError::from),
            (Some(found), Ok(_)) => Err(found),
            (Some(mut found), Err(problem)) => {
                found.extend([problem]);
                Err(found)
            }
        }
    }

    fn add(&mut self, problem: ConfigProblem) {
        match &mut self.found {
            Some(found) => found.extend([problem]),
            None => self.found = Some(problem.into()),
        }
    }

    fn named(&self, variable: &str) -> String {
        format!("{}{variable}", self.prefix)
    }
}

fn fix_of(variable: &str) -> &'static str {
    match variable {
        "KINDE_SITE_URL" => {
            "set it to the origin under which browsers see the site, for example https://app.example.com"
        }
        "KINDE_CLIENT_SECRET" => {
            "set it to the application's client secret, or call public_client() for an application without one"
        }
        _ => "set it to what Kinde shows for the application (Settings, Applications)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: G3
    #[test]
    fn cookie_has_a_domain_that_its_site_belongs_to() {
        let settings = Settings::from_variables([("KINDE_ISSUER_URL", "https://acme.kinde.com")]).unwrap();
        for (site, domain, is_good) in [
            ("https://app.acme.example", "acme.example", true),
            ("https://app.acme.example:8443", "acme.example", true),
            ("https://acme.example", "acme.example", true),
            ("https://a.b.acme.example", "b.acme.example", true),
            ("https://app.acme.example", ".acme.example", false),
            ("https://app.acme.example", "Acme.example", false),
            ("https://app.acme.example", "app.acme.example:443", false),
            ("https://app.acme.example", "cme.example", false),
            ("https://app.acme.example", "other.example", false),
            ("https://app.acme.example", "docs.acme.example", false),
            ("https://app.acme.example", "example", false),
            ("https://app.acme.example", "", false),
            ("https://app.acme.example", "acme.example; Path=/x", false),
            ("http://localhost:3000", "localhost", false),
            ("http://127.0.0.1:3000", "0.0.1", false),
            ("http://127.0.0.1:3000", "127.0.0.1", false),
        ] {
            let mut problems = Problems::of(&settings);
            problems.cookie_domain(domain, site);
            let judged = problems.unless_any(Ok(()));
            assert_eq!(judged.is_ok(), is_good, "{domain:?} for {site}: {judged:?}");
        }
    }

    #[test]
    fn problem_names_the_variable_under_its_prefix() {
        let mut problems = Problems { prefix: "DEV_".to_owned(), found: None };
        problems.required(None, "KINDE_SITE_URL");
        problems.missing("KINDE_CLIENT_SECRET");
        let sealer = problems.sealer(None, None);
        let error = problems.unless_any(sealer).unwrap_err();
        let named: Vec<_> =
            error.problems().iter().map(|problem| (problem.code(), problem.setting())).collect();
        let expected = ["DEV_KINDE_SITE_URL", "DEV_KINDE_CLIENT_SECRET", "DEV_SESSION_SECRET"];
        assert_eq!(named, expected.map(|name| ("env_missing", name)));
    }

    #[test]
    fn secrets_that_cannot_be_used_are_named_by_where_they_come_from() {
        let problems = Problems { prefix: "DEV_".to_owned(), found: None };
        let (short, long) = (Secret::new("a".repeat(31)), Secret::new("a".repeat(32)));
        let one = std::slice::from_ref(&short);
        for (given, variable, code, setting) in [
            (None, None, "env_missing", "DEV_SESSION_SECRET"),
            (None, Some(&short), "session_secret_short", "DEV_SESSION_SECRET"),
            (Some(one), Some(&long), "session_secret_short", "with_secrets"),
            // An empty list is no wish for the variable.
            (Some(&[][..]), Some(&long), "env_missing", "with_secrets"),
        ] {
            let problem = problems.sealer(given, variable).unwrap_err();
            assert_eq!((problem.code(), problem.setting()), (code, setting));
        }
        assert!(problems.sealer(None, Some(&long)).is_ok());
    }
}
