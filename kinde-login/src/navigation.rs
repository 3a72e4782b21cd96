//! What a browser wants with a request: to go somewhere, to look ahead, or to run a script.

use http::{HeaderMap, Method, Request, header};

/// How a request was made, as far as a browser says so (Fetch Metadata; older browsers say nothing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Somebody follows a link, sends a form or types an address; or nothing is known.
    Navigation,
    /// The browser, or a script of Next.js, looks ahead: nobody has decided anything.
    Prefetch,
    /// A script or an element of a page asks.
    Subresource,
}

/// Tells how a request was made.
pub(crate) fn manner(headers: &HeaderMap) -> Manner {
    let has = |name: &str, value: &str| {
        headers
            .get(name)
            .is_some_and(|found| found.as_bytes().to_ascii_lowercase().starts_with(value.as_bytes()))
    };
    let looks_ahead =
        ["purpose", "x-purpose", "x-moz", "sec-purpose"].iter().any(|name| has(name, "prefetch"));
    if looks_ahead || has("next-router-prefetch", "1") {
        return Manner::Prefetch;
    }
    let is_navigation = match headers.get("sec-fetch-mode") {
        None => true,
        // A frame navigates, too, and shall sign nobody in or out. Only frames are named: a service worker that passes
        // a navigation on keeps its mode and leaves the destination empty (Fetch §5.4, constructor of Request).
        Some(mode) => {
            let is_frame = |dest| FRAMES.iter().any(|frame| dest == frame);
            mode == "navigate" && !headers.get_all("sec-fetch-dest").iter().any(is_frame)
        }
    };
    if is_navigation { Manner::Navigation } else { Manner::Subresource }
}

/// Tells whether a script or an element of a page asked. What it is told may come late: the browser can have signed in
/// anew since, so that such an answer removes no cookie (requirement G7).
pub(crate) fn may_come_late(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate")
}

/// Tells whether another site led the browser here. Absent metadata says no: old browsers must be able to sign out.
pub(crate) fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}

/// Tells whether a page of another origin led the browser here, be it a sibling host of the same site.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}

/// Tells whether a page of this origin may have asked: a browser that says something says so. Somebody who types the
/// address gets no more than a page of another site.
pub(crate) fn is_of_this_origin(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin")
}

/// Tells whether somebody looks at the answer: a page for them, and problem+json for programs.
pub(crate) fn wants_page<B>(request: &Request<B>) -> bool {
    let accepts_html = || {
        let accepted =
            request.headers().get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        accepted
            .flat_map(|value| value.split(','))
            .any(|range| range.trim_ascii_start().starts_with("text/html"))
    };
    matches!(*request.method(), Method::GET | Method::HEAD | Method::POST)
        && manner(request.headers()) == Manner::Navigation
        && accepts_html()
}

/// The destinations of a navigation that is not of the whole page (Fetch §2.2.5).
const FRAMES: [&str; 5] = ["iframe", "frame", "embed", "object", "fencedframe"];

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    /// covers: G9
    #[test]
    fn manner_is_told_by_what_browsers_send() {
        for (name, headers, expected) in [
            ("curl", vec![], Manner::Navigation),
            (
                "link",
                vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
                Manner::Navigation,
            ),
            (
                "link through a service worker",
                vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "empty")],
                Manner::Navigation,
            ),
            ("no destination", vec![("sec-fetch-mode", "navigate")], Manner::Navigation),
            (
                "iframe",
                vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
                Manner::Subresource,
            ),
            ("frame", vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "frame")], Manner::Subresource),
            ("embed", vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "embed")], Manner::Subresource),
            (
                "object",
                vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "object")],
                Manner::Subresource,
            ),
            (
                "fenced frame",
                vec![("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "fencedframe")],
                Manner::Subresource,
            ),
            (
                "frame that says it twice",
                vec![
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                    ("sec-fetch-dest", "iframe"),
                ],
                Manner::Subresource,
            ),
            ("script", vec![("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")], Manner::Subresource),
            ("image", vec![("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")], Manner::Subresource),
            (
                "chromium",
                vec![("sec-purpose", "prefetch;prerender"), ("sec-fetch-mode", "navigate")],
                Manner::Prefetch,
            ),
            ("safari", vec![("purpose", "prefetch")], Manner::Prefetch),
            ("firefox", vec![("x-moz", "prefetch")], Manner::Prefetch),
            ("next", vec![("next-router-prefetch", "1")], Manner::Prefetch),
        ] {
            assert_eq!(manner(request(&headers).headers()), expected, "{name}");
        }
    }

    #[test]
    fn page_is_for_somebody_who_navigates_and_reads_html() {
        let html = ("accept", "text/html,application/xhtml+xml;q=0.9");
        assert!(wants_page(&request(&[html])));
        assert!(!wants_page(&request(&[("accept", "application/json")])));
        assert!(!wants_page(&request(&[])));
        assert!(!wants_page(&request(&[html, ("sec-fetch-mode", "cors")])));
    }
}
