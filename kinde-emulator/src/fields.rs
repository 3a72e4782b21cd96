//! Parameters of a query or a form, which may repeat.

use axum::extract::Query;
use http::Uri;

/// The parameters of a query or a form body, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    /// Reads the query of a URI; a URI without one has no parameters.
    pub(crate) fn of_uri(uri: &Uri) -> Self {
        Query::try_from_uri(uri).map(|Query(pairs)| Self(pairs)).unwrap_or_default()
    }

    /// Returns a parameter's first value; an empty one counts as absent, as RFC 6749 §3.1 has it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values(name).find(|value| !value.is_empty())
    }

    /// Returns every word of every value of a parameter: Kinde's SDKs repeat `audience` or join it by spaces.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        self.values(name).flat_map(str::split_whitespace).map(str::to_owned).collect()
    }

    /// Tells whether a parameter says `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Returns the first of these parameters that is there more than once.
    pub(crate) fn first_repeated(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().find(|name| self.values(name).count() > 1).copied()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Adds parameters to a URL: to its query, after those it has, or behind a `#`.
pub(crate) fn with_parameters(url: &str, parameters: &[(&str, &str)], in_fragment: bool) -> String {
    let mut url = url.to_owned();
    let mut separator = match (in_fragment, url.contains('?')) {
        (true, _) => '#',
        (false, true) => '&',
        (false, false) => '?',
    };
    for (name, value) in parameters {
        url.push(separator);
        url.push_str(&encoded(name));
        url.push('=');
        url.push_str(&encoded(value));
        separator = '&';
    }
    url
}

/// Writes `application/x-www-form-urlencoded` (WHATWG URL §5.2): a space is a plus.
fn encoded(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => written.push(byte.into()),
            b' ' => written.push('+'),
            other => written.push_str(&format!("%{other:02X}")),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_parameters_are_read_back_whatever_they_hold() {
        let value = "a b+c&d=e%\"<é>/";
        let url = with_parameters("http://localhost/cb?x=1", &[("state", value)], false);
        let fields = Fields::of_uri(&url.parse().unwrap());
        assert_eq!(fields.get("state"), Some(value));
        assert_eq!(fields.get("x"), Some("1"));
    }

    #[test]
    fn audience_is_read_repeated_or_joined() {
        for query in ["audience=a&audience=b", "audience=a+b", "audience=&audience=a%20b"] {
            let fields = Fields::of_uri(&format!("/oauth2/auth?{query}").parse().unwrap());
            assert_eq!(fields.words("audience"), ["a", "b"], "{query}");
        }
    }

    #[test]
    fn repeated_parameter_is_named() {
        let fields = Fields::of_uri(&Uri::from_static("/?state=a&state=a&nonce=b"));
        assert_eq!(fields.first_repeated(&["nonce", "state"]), Some("state"));
        assert_eq!(fields.first_repeated(&["nonce"]), None);
    }

    #[test]
    fn empty_parameter_is_absent() {
        assert_eq!(Fields::of_uri(&Uri::from_static("/?org_code=")).get("org_code"), None);
        assert_eq!(Fields::of_uri(&Uri::from_static("/")).get("org_code"), None);
    }
}
