//! Decides whether a browser came to sign in by an address that tokens can be compared with.

use http::{HeaderMap, StatusCode, header};

use axum::response::Response;

use crate::{
    provider::Provider,
    routes::{answer, pages},
};

/// Answers a browser that came by another name of this computer, such as localhost for 127.0.0.1.
///
/// Its application would compare the issuer of the tokens with its own setting letter by letter, as Kinde's Next.js
/// SDK does, and ask for another sign-in without end. Machines may use any name: they compare nothing with it.
pub(super) fn correct(provider: &Provider, headers: &HeaderMap) -> Option<Response> {
    let host = headers.get(header::HOST)?.to_str().unwrap_or_default();
    let is_known = [&provider.issuer, &provider.url].into_iter().any(|url| is_host_of(url, host));
    (!is_known).then(|| answer::html(StatusCode::BAD_REQUEST, &pages::wrong_address(host, &provider.issuer)))
}

fn is_host_of(url: &str, host: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let usual_port = if scheme == "https" { ":443" } else { ":80" };
    let without = |text: &str| text.strip_suffix(usual_port).unwrap_or(text).to_ascii_lowercase();
    without(authority) == without(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_that_of_a_url_whatever_the_letters_and_with_the_usual_port_or_without() {
        let rows = [
            ("http://127.0.0.1:4100", "127.0.0.1:4100", true),
            ("http://127.0.0.1:4100", "localhost:4100", false),
            ("http://127.0.0.1:4100", "127.0.0.1:4101", false),
            ("http://127.0.0.1:4100", "127.0.0.1", false),
            ("http://127.0.0.1:80", "127.0.0.1", true),
            ("https://Kinde.example.test", "kinde.example.test:443", true),
            ("https://kinde.example.test/base", "kinde.example.test", true),
            ("https://kinde.example.test", "kinde.example.test:80", false),
            ("http://[::1]:4100", "[::1]:4100", true),
            ("no url", "no url", false),
            ("http://127.0.0.1:4100", "", false),
        ];
        for (url, host, expected) in rows {
            assert_eq!(is_host_of(url, host), expected, "{url} {host}");
        }
    }
}
