//! Decides whether a redirect URI is allowed: an exact match, or a pattern for one label of the host.

use std::net::IpAddr;

use http::Uri;

use crate::directory::Directory;

/// Tells whether an application that lists these callbacks may be answered at this URL.
///
/// `*` stands for letters, digits and hyphens inside the left-most label, and `{organization.handle}` for the handle
/// of an organization (of the one asked for, where one was).
pub(crate) fn is_allowed(
    callbacks: &[String],
    url: &str,
    org_code: Option<&str>,
    directory: &Directory,
) -> bool {
    callbacks.iter().any(|allowed| {
        allowed == url || matches_wildcard(allowed, url) || matches_handle(allowed, url, org_code, directory)
    })
}

/// Tells whether a URL is on the origin of one of these URLs, which may have the patterns of callbacks.
pub(crate) fn is_on_origin<'a>(
    urls: impl IntoIterator<Item = &'a String>,
    url: &str,
    directory: &Directory,
) -> bool {
    let good = urls.into_iter().filter(|url| mistake(url).is_none());
    let origins: Vec<_> = good.filter_map(|url| origin_of_pattern(url)).collect();
    origin(url).is_some_and(|origin| is_allowed(&origins, &origin, None, directory))
}

/// Writes a URL's origin as a browser does, but for default ports, which nobody writes.
fn origin(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?).to_ascii_lowercase())
}

/// The same for what is no URL until its pattern is filled in.
fn origin_of_pattern(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    Some(format!("{scheme}://{authority}").to_ascii_lowercase())
}

/// Tells whether a URL is plain http to another computer, which Kinde refuses.
pub(crate) fn is_plain_http_elsewhere(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    !(is_loopback || host == "localhost" || host.ends_with(".localhost"))
}

/// Returns why Kinde would not take a callback with a wildcard; `None` for a good one, and for one without.
pub(crate) fn mistake(callback: &str) -> Option<&'static str> {
    if !callback.contains('*') {
        return None;
    }
    let Some(host) = host(callback) else { return Some("a wildcard needs an http or https URL") };
    let (label, domain) = host.split_once('.').unwrap_or((host, ""));
    let before_port = domain.split(':').next().unwrap_or_default();
    if callback.matches('*').count() != 1 || !label.contains('*') {
        Some("one * may stand in the left-most label of the host, and nowhere else")
    } else if !before_port.contains('.') && before_port != "localhost" {
        // A guess for localhost, which Kinde does not speak of and which harms nobody.
        Some("a * may not stand in a root domain")
    } else if label == "*" && SHARED_HOSTING.contains(&before_port) {
        Some("a * alone in front of a domain that strangers share is refused")
    } else {
        None
    }
}

fn matches_wildcard(callback: &str, url: &str) -> bool {
    let Some((before, after)) = callback.split_once('*') else { return false };
    mistake(callback).is_none() && between(before, after, url).is_some_and(is_part_of_a_label)
}

fn matches_handle(callback: &str, url: &str, org_code: Option<&str>, directory: &Directory) -> bool {
    let Some((before, after)) = callback.split_once(HANDLE) else { return false };
    let is_left_most = matches!(before, "https://" | "http://") && after.starts_with('.');
    let handle = between(before, after, url).filter(|_| is_left_most && !after.contains('{'));
    handle.is_some_and(|handle| {
        is_part_of_a_label(handle)
            && directory.organizations.values().any(|organization| {
                organization.handle == handle && org_code.is_none_or(|asked| organization.code == asked)
            })
    })
}

fn between<'a>(before: &str, after: &str, url: &'a str) -> Option<&'a str> {
    url.strip_prefix(before)?.strip_suffix(after)
}

/// No dot, no slash, no `@`: what stands there can end neither the label nor the host.
fn is_part_of_a_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next().filter(|host| !host.contains('@'))
}

const HANDLE: &str = "{organization.handle}";

/// Kinde names vercel.app; the others are of the same kind: a guess.
const SHARED_HOSTING: [&str; 16] = [
    "vercel.app",
    "netlify.app",
    "herokuapp.com",
    "github.io",
    "gitlab.io",
    "pages.dev",
    "workers.dev",
    "web.app",
    "firebaseapp.com",
    "azurewebsites.net",
    "azurestaticapps.net",
    "onrender.com",
    "fly.dev",
    "ngrok.io",
    "ngrok-free.app",
    "amplifyapp.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(callback: &str, url: &str) -> bool {
        is_allowed(&[callback.to_owned()], url, None, &Directory::default())
    }

    #[test]
    fn wildcard_stands_for_one_label_and_nothing_more() {
        let callback = "https://pre-*-post.ex.com:8443/cb?x=1";
        let rows = [
            ("https://pre-a1-post.ex.com:8443/cb?x=1", true),
            ("https://pre--post.ex.com:8443/cb?x=1", false),
            ("https://pre-a.b-post.ex.com:8443/cb?x=1", false),
            ("https://pre-a@b-post.ex.com:8443/cb?x=1", false),
            ("https://pre-a/b-post.ex.com:8443/cb?x=1", false),
            ("https://pre-a-post.ex.com:8443/cb?x=2", false),
            ("https://pre-a-post.ex.com/cb?x=1", false),
            ("http://pre-a-post.ex.com:8443/cb?x=1", false),
            ("https://pre-é-post.ex.com:8443/cb?x=1", false),
        ];
        for (url, expected) in rows {
            assert_eq!(allows(callback, url), expected, "{url}");
        }
        assert!(allows("https://*.ex.com/cb", "https://tenant.ex.com/cb"));
        assert!(!allows("https://*.ex.com/cb", "https://ex.com/cb"));
        assert!(!allows("https://*.ex.com/cb", "https://a.b.ex.com/cb"));
    }

    #[test]
    fn origin_is_scheme_host_and_port_with_the_patterns_filled_in() {
        let mut directory = Directory::default();
        directory.find_or_create_organization("acme");
        let urls = [
            "http://localhost:3000/callback?x=1",
            "https://app.example.test",
            "https://pr-*.ex.com/cb",
            "https://{organization.handle}.ex.com/cb",
            "https://refused.ex.com/*",
        ]
        .map(str::to_owned);
        let rows = [
            ("http://localhost:3000", true),
            ("http://LOCALHOST:3000/account?tab=1#top", true),
            ("https://app.example.test/", true),
            ("https://pr-7.ex.com/me", true),
            ("https://acme.ex.com/me", true),
            ("https://globex.ex.com/me", false),
            ("https://pr-7.evil.test/.ex.com/", false),
            ("https://pr-7@evil.ex.com/", false),
            ("https://refused.ex.com/", false),
            ("http://localhost", false),
            ("http://localhost:3001/", false),
            ("https://localhost:3000/", false),
            ("http://localhost:3000@example.test/", false),
            ("http://me@localhost:3000/", false),
            ("http://localhost:3000.example.test/", false),
            ("//localhost:3000/", false),
            ("/account", false),
            ("javascript:alert(1)", false),
            ("null", false),
            ("", false),
        ];
        for (url, expected) in rows {
            assert_eq!(is_on_origin(&urls, url, &directory), expected, "{url}");
        }
    }

    #[test]
    fn wildcard_that_kinde_refuses_matches_nothing_but_itself() {
        let rows = [
            "https://*.com/cb",
            "https://*/cb",
            "https://ex.com/*",
            "https://a.*.ex.com/cb",
            "https://*.*.ex.com/cb",
            "https://*.vercel.app/cb",
            "myapp://*.ex.com/cb",
            "https://u@*.ex.com/cb",
        ];
        for callback in rows {
            assert!(mistake(callback).is_some(), "{callback}");
            assert!(!allows(callback, &callback.replace('*', "x")), "{callback}");
        }
        for callback in ["https://*-team.vercel.app/cb", "http://*.localhost:3000/cb", "https://ex.com/cb"] {
            assert_eq!(mistake(callback), None, "{callback}");
        }
    }

    #[test]
    fn plain_http_is_for_this_computer() {
        let rows = [
            ("http://localhost:3000/cb", false),
            ("http://acme.localhost:3000/cb", false),
            ("http://127.0.0.1:3000/cb", false),
            ("http://[::1]:3000/cb", false),
            ("https://app.example/cb", false),
            ("myapp://callback", false),
            ("http://app.example/cb", true),
            ("http://localhost.evil.example/cb", true),
            ("http://localhost@evil.example/cb", true),
            ("http://192.168.0.7:3000/cb", true),
        ];
        for (url, expected) in rows {
            assert_eq!(is_plain_http_elsewhere(url), expected, "{url}");
        }
    }

    #[test]
    fn handle_is_that_of_an_organization_and_of_the_one_asked_for() {
        let mut directory = Directory::default();
        let acme = directory.find_or_create_organization("acme");
        directory.find_or_create_organization("globex");
        let callbacks = ["https://{organization.handle}.ex.com/cb".to_owned()];
        let rows = [
            ("https://acme.ex.com/cb", None, true),
            ("https://globex.ex.com/cb", None, true),
            ("https://acme.ex.com/cb", Some(acme.as_str()), true),
            ("https://globex.ex.com/cb", Some(acme.as_str()), false),
            ("https://initech.ex.com/cb", None, false),
            ("https://acme.evil.ex.com/cb", None, false),
        ];
        for (url, org_code, expected) in rows {
            assert_eq!(is_allowed(&callbacks, url, org_code, &directory), expected, "{url} {org_code:?}");
        }
    }
}
