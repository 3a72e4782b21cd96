//! Where a browser may be sent after sign-in or sign-out: the only place that decides it.

use std::fmt;

use http::Uri;
use kinde_core::Issuer;

use crate::default_port;

/// A target that may be redirected to: a path of this site, or a URL of an origin on the allow-list.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnTo(Box<str>);

impl ReturnTo {
    /// Gives the target as it is written into `Location`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The site's root.
    pub(crate) fn home() -> Self {
        Self("/".into())
    }
}

impl fmt::Debug for ReturnTo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The origins that targets may have beside the site's own.
#[derive(Clone, Debug)]
pub(crate) struct Targets {
    site: Box<str>,
    allowed: Vec<Box<str>>,
}

impl Targets {
    /// Allows the paths of `site`, an origin without a trailing slash.
    pub(crate) fn of_site(site: &str) -> Self {
        Self { site: default_port::without(site).into(), allowed: Vec::new() }
    }

    /// Allows another origin, or says what to write instead.
    pub(crate) fn allow_origin(&mut self, configured: &str) -> Result<(), &'static str> {
        // Written otherwise than a browser does, it would match nothing, or more than one site.
        let origin = Issuer::new(configured).map_err(|_| ORIGIN)?;
        if default_port::without(origin.as_str()) != configured {
            return Err(ORIGIN);
        }
        self.allowed.push(configured.into());
        Ok(())
    }

    /// Allows the origin of a page, for every link, and gives the page; or says what to write instead.
    pub(crate) fn allow_page(&mut self, configured: &str) -> Result<ReturnTo, &'static str> {
        let (scheme, rest) = configured.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        self.allow_origin(&format!("{scheme}://{authority}")).map_err(|_| PAGE)?;
        self.parse(configured).ok_or(PAGE)
    }

    /// Reads a target that somebody wrote into a link. `None` for one that must not be followed.
    ///
    /// What a browser would quietly repair is refused, because the repair can name another host: `\` is read as `/`,
    /// tabs and line breaks are dropped (WHATWG URL §4.4), and `//host` takes only the scheme from the page.
    pub(crate) fn parse(&self, untrusted_target: &str) -> Option<ReturnTo> {
        let is_plain = untrusted_target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !is_plain || untrusted_target.len() > LONGEST_TARGET {
            return None;
        }
        if untrusted_target.starts_with('/') {
            // RFC 3986 §4.2: two slashes begin an authority.
            return (!untrusted_target.starts_with("//")).then(|| ReturnTo(untrusted_target.into()));
        }
        if let Some(path) = after_origin(untrusted_target, &self.site) {
            // Its own site is written as a path, so that a proxy's idea of the host has no part in it.
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            return (!path.starts_with("//")).then(|| ReturnTo(path.into()));
        }
        let is_allowed = self.allowed.iter().any(|origin| after_origin(untrusted_target, origin).is_some());
        (is_allowed && untrusted_target.parse::<Uri>().is_ok()).then(|| ReturnTo(untrusted_target.into()))
    }
}

/// Gives what follows an origin: a path, a query, a fragment or nothing. A longer host is another origin.
fn after_origin<'a>(target: &'a str, origin: &str) -> Option<&'a str> {
    let rest = target.strip_prefix(origin)?;
    (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
}

const ORIGIN: &str = "write scheme, host and port only, as a browser shows them: in lower case and without :443, for example \
                      https://docs.example.com; plain http is for a loopback host only";
const PAGE: &str = "write an absolute URL of at most 1,024 characters as a browser shows it: scheme and host in lower case, no \
                    :443 and one slash before the path, for example https://app.example.com/welcome; plain http is for a \
                    loopback host only";

/// Enough for a page with filters; a cookie has to keep it.
const LONGEST_TARGET: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Targets {
        let mut targets = Targets::of_site("https://app.example.com");
        targets.allow_origin("https://docs.example.com").unwrap();
        targets
    }

    /// covers: F9
    #[test]
    fn origin_is_allowed_as_browsers_write_it_alone() {
        for (origin, is_good) in [
            ("https://www.example.com", true),
            ("https://www.example.com:8443", true),
            ("http://localhost:3000", true),
            ("http://localhost:443", true),
            ("https://www.example.com:443", false),
            ("http://localhost:80", false),
            ("https://WWW.example.com", false),
            ("HTTPS://www.example.com", false),
            ("https://www.example.com/", false),
            ("https://www.example.com/a", false),
            ("https://a@www.example.com", false),
            ("http://www.example.com", false),
            ("www.example.com", false),
            ("https://", false),
            ("*", false),
        ] {
            let mut targets = targets();
            assert_eq!(
                targets.allow_origin(origin),
                if is_good { Ok(()) } else { Err(ORIGIN) },
                "{origin:?}"
            );
            assert_eq!(targets.parse(&format!("{origin}/a?b")).is_some(), is_good, "{origin:?}");
        }
    }

    /// covers: F9
    #[test]
    fn page_that_is_configured_allows_its_origin_as_browsers_write_it() {
        let long = format!("https://www.example.com/{}", "a".repeat(1_024));
        for (page, followed) in [
            ("https://app.example.com/a?b", Some("/a?b")),
            ("https://app.example.com", Some("/")),
            ("https://www.example.com/a?b#c", Some("https://www.example.com/a?b#c")),
            ("https://www.example.com?b", Some("https://www.example.com?b")),
            ("http://localhost:3000/#/home", Some("http://localhost:3000/#/home")),
            ("https://www.example.com:443/a", None),
            ("https://WWW.example.com/a", None),
            ("https://APP.example.com/a", None),
            ("http://www.example.com/a", None),
            ("https://app.example.com//evil.example", None),
            ("/a", None),
            ("", None),
            (&long, None),
        ] {
            let mut targets = targets();
            let allowed = targets.allow_page(page).map(|page| page.to_string());
            assert_eq!(allowed, followed.map(str::to_owned).ok_or(PAGE), "{page}");
            let is_elsewhere = page.starts_with("https://www.") && !page.contains(":443");
            assert_eq!(targets.parse("https://www.example.com/z").is_some(), is_elsewhere, "{page}");
        }
    }

    /// covers: F9
    #[test]
    fn bypasses_of_open_redirect_checks_are_refused() {
        for target in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "http://app.example.com",
            "https://app.example.com.evil.example",
            "https://app.example.com@evil.example",
            "https://app.example.com:443@evil.example/",
            "https://app.example.com:8443/",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\t/evil.example",
            "\t//evil.example",
            "/\n/evil.example",
            " //evil.example",
            "evil.example",
            "?next=x",
            "/caf\u{e9}",
            "https://app.example.com//evil.example",
            "HTTPS://app.example.com/",
            "https://docs.example.com.evil.example/",
            "https://docs.example.com@evil.example",
            "/\u{0}",
        ] {
            assert_eq!(targets().parse(target), None, "{target:?}");
        }
        assert_eq!(targets().parse(&format!("/{}", "a".repeat(1_024))), None);
        assert!(targets().parse(&format!("/{}", "a".repeat(1_023))).is_some(), "the longest");
    }

    /// covers: F9
    #[test]
    fn path_of_the_site_and_url_of_an_allowed_origin_are_followed() {
        for (target, followed) in [
            ("/", "/"),
            ("/a/b?c=%2F%2Fevil.example#d", "/a/b?c=%2F%2Fevil.example#d"),
            ("/@evil.example", "/@evil.example"),
            ("https://app.example.com", "/"),
            ("https://app.example.com/a?b", "/a?b"),
            ("https://app.example.com?b", "/?b"),
            ("https://docs.example.com/a", "https://docs.example.com/a"),
        ] {
            assert_eq!(
                targets().parse(target).map(|target| target.to_string()).as_deref(),
                Some(followed),
                "{target}"
            );
        }
    }
}
