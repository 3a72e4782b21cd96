//! Under which address a browser opened the site: said in messages, never trusted.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, header};
use kinde_core::UntrustedText;

use crate::{
    default_port,
    error::{LoginError, LoginReason},
};

/// The address that a request names: a host, and a scheme where a proxy tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenedAt {
    untrusted_scheme: Option<String>,
    untrusted_host: String,
}

impl OpenedAt {
    /// Reads what the browser, or the proxy before us, says.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        // HTTP/2 names the host in the request itself (RFC 9113 §8.3.1).
        let named = request.uri().authority().map(http::uri::Authority::as_str);
        let host = named.or_else(|| header(header::HOST.as_str()))?;
        let scheme = header("x-forwarded-proto").map(str::to_ascii_lowercase);
        let scheme = scheme.filter(|scheme| matches!(scheme.as_str(), "http" | "https"));
        (!host.is_empty() && host.len() <= LONGEST_HOST)
            .then(|| Self { untrusted_scheme: scheme, untrusted_host: host.to_ascii_lowercase() })
    }

    /// Tells whether this may be the site: nothing it says is different.
    fn is_of(&self, site: &str) -> bool {
        self.has_host_of(site) && self.has_scheme_of(site)
    }

    fn has_host_of(&self, site: &str) -> bool {
        let (scheme, _) = split(site);
        let untrusted_origin = format!("{scheme}://{}", self.untrusted_host);
        default_port::without(&untrusted_origin).eq_ignore_ascii_case(default_port::without(site))
    }

    fn has_scheme_of(&self, site: &str) -> bool {
        self.untrusted_scheme.as_deref().is_none_or(|scheme| scheme == split(site).0)
    }

    fn text(&self) -> String {
        match &self.untrusted_scheme {
            Some(scheme) => format!("{scheme}://{}", self.untrusted_host),
            None => self.untrusted_host.clone(),
        }
    }
}

/// Notes in a state where the sign-in began, if that is not the site: the answer comes back to the site, where the
/// browser has no cookie of it, and nothing else would tell why.
pub(crate) fn note<B>(state: &mut String, request: &Request<B>, site: &str) {
    if let Some(elsewhere) = OpenedAt::of(request).filter(|opened| !opened.is_of(site)) {
        state.push('.');
        state.push_str(&URL_SAFE_NO_PAD.encode(elsewhere.text()));
    }
}

/// Says why no flow of this browser has the state of an answer.
pub(crate) fn explain<B>(untrusted_state: Option<&str>, request: &Request<B>, site: &str) -> LoginError {
    match mismatch(untrusted_state, request, site) {
        Some(reason) => reason.into(),
        None => LoginReason::FlowUnknown.into(),
    }
}

fn mismatch<B>(untrusted_state: Option<&str>, request: &Request<B>, site: &str) -> Option<LoginReason> {
    let untrusted_state = untrusted_state?;
    let here = OpenedAt::of(request);
    let began = match untrusted_state.split_once('.') {
        Some((_, noted)) => {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(noted).ok()?).ok()?;
            let (scheme, host) = split(&text);
            let untrusted_scheme = (!scheme.is_empty()).then(|| scheme.to_owned());
            let began = OpenedAt { untrusted_scheme, untrusted_host: host.to_owned() };
            // A proxy that writes another host writes it into both requests: then the host tells nothing.
            Some(began).filter(|began| here.as_ref() != Some(began) && !began.is_of(site))?
        }
        // It began at the site, and the answer came elsewhere.
        None => here.filter(|here| !here.is_of(site))?,
    };
    let (site_text, found) = (site.to_owned(), UntrustedText::new(&began.text()));
    Some(if began.has_host_of(site) {
        LoginReason::SchemeMismatch { site: site_text, found }
    } else {
        LoginReason::HostMismatch { site: site_text, found }
    })
}

fn split(url: &str) -> (&str, &str) {
    url.split_once("://").unwrap_or(("", url))
}

/// A name of DNS has 253 characters.
const LONGEST_HOST: usize = 260;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::get("/api/auth/login");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    /// covers: F4
    #[test]
    fn address_is_noted_where_it_differs_and_explained_where_it_tells_something() {
        let site = "https://app.example.com";
        let plain = ("x-forwarded-proto", "http");
        let (app, other, inner) =
            (("host", "APP.example.com:443"), ("host", "localhost:3000"), ("host", "backend:8080"));
        for (name, start, back, code) in [
            ("as it should be", vec![app], vec![app], "flow_unknown"),
            ("opened elsewhere", vec![other], vec![app], "host_mismatch"),
            ("answered elsewhere", vec![app], vec![other], "host_mismatch"),
            ("proxy that writes its own host", vec![inner], vec![inner], "flow_unknown"),
            ("proxy beside a direct way in", vec![other], vec![inner], "host_mismatch"),
            (
                "opened without https",
                vec![app, plain],
                vec![app, ("x-forwarded-proto", "https")],
                "scheme_mismatch",
            ),
            ("no host at all", vec![], vec![], "flow_unknown"),
            ("unknown scheme", vec![app, ("x-forwarded-proto", "gopher")], vec![app], "flow_unknown"),
        ] {
            let mut state = "s".repeat(43);
            note(&mut state, &request(&start), site);
            let error = explain(Some(&state), &request(&back), site);
            assert_eq!(error.code(), code, "{name}: {error}");
            let names_both = error.to_string().contains("app.example.com") && !error.to_string().is_empty();
            assert!(code == "flow_unknown" || names_both, "{name}: {error}");
        }
    }

    #[test]
    fn state_of_strangers_explains_nothing() {
        for state in [None, Some(""), Some("a.!"), Some("a."), Some("a._w"), Some(".."), Some("a.b.c")] {
            let asked = request(&[("host", "app.example.com")]);
            let code = explain(state, &asked, "https://app.example.com").code();
            assert!(matches!(code, "flow_unknown" | "host_mismatch"), "{state:?} {code}");
        }
    }
}
