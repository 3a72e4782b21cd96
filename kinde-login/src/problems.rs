//! What is wrong with the settings of sign-in: all at once, each under the name that has to be set.

use kinde_core::{ConfigError, ConfigProblem, Secret, Settings};

use crate::seal::Sealer;

/// The problems that were found so far.
#[derive(Debug)]
pub(crate) struct Problems {
    prefix: String,
    found: Vec<ConfigProblem>,
}

impl Problems {
    /// Begins with none. Where settings were read under a prefix, it stands before the names.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { prefix: settings.prefix().to_owned(), found: Vec::new() }
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
        self.add("env_missing", variable, fix_of(variable));
    }

    /// Takes the secrets of sessions.
    pub(crate) fn sealer(&mut self, secrets: &[Secret]) -> Option<Sealer> {
        match Sealer::new(secrets) {
            Ok(sealer) => Some(sealer),
            Err(error) => {
                for problem in error.problems() {
                    self.add(problem.code(), problem.setting(), problem.fix());
                }
                None
            }
        }
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
            self.found.push(problem.with_found(domain));
        }
    }

    /// Gives a value unless there is a problem.
    pub(crate) fn unless_any<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        let Self { prefix, found } = self;
        let mut found = found.into_iter();
        match (found.next(), value) {
            (None, Some(value)) => Ok(value),
            (first, _) => {
                // Without a value there is a problem.
                let first = first.unwrap_or_else(|| {
                    ConfigProblem::new("env_missing", format!("{prefix}SESSION_SECRET"), "set it")
                });
                let mut error = ConfigError::from(first);
                error.extend(found);
                Err(error)
            }
        }
    }

    fn add(&mut self, code: &'static str, variable: &str, fix: &str) {
        self.found.push(ConfigProblem::new(code, format!("{}{variable}", self.prefix), fix.to_owned()));
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
            let judged = problems.unless_any(Some(()));
            assert_eq!(judged.is_ok(), is_good, "{domain:?} for {site}: {judged:?}");
        }
    }

    #[test]
    fn problem_names_the_variable_under_its_prefix() {
        let mut problems = Problems { prefix: "DEV_".to_owned(), found: Vec::new() };
        problems.required(None, "KINDE_SITE_URL");
        problems.missing("KINDE_CLIENT_SECRET");
        let sealer = problems.sealer(&[]);
        let error = problems.unless_any(sealer).unwrap_err();
        let named: Vec<_> =
            error.problems().iter().map(|problem| (problem.code(), problem.setting())).collect();
        let expected = ["DEV_KINDE_SITE_URL", "DEV_KINDE_CLIENT_SECRET", "DEV_SESSION_SECRET"];
        assert_eq!(named, expected.map(|name| ("env_missing", name)));
        let mut problems = Problems { prefix: "DEV_".to_owned(), found: Vec::new() };
        let sealer = problems.sealer(&[Secret::new("short")]);
        let error = problems.unless_any(sealer).unwrap_err();
        assert_eq!(error.problems()[0].setting(), "DEV_SESSION_SECRET");
    }
}
