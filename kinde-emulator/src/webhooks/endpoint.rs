//! Where webhooks are sent, and which ones.

use std::net::Ipv4Addr;

use http::Uri;

use crate::error::EndpointError;

/// A webhook endpoint to add: a URL, and the event types it wants.
///
/// The words are those of Kinde's management API. A URL alone is an endpoint for every event:
///
/// ```
/// use kinde_emulator::WebhookEndpoint;
///
/// let all = WebhookEndpoint::from("http://127.0.0.1:3000/hooks/kinde");
/// let people = WebhookEndpoint::new("http://127.0.0.1:3000/hooks/kinde")
///     .with_event_types(["user.created", "user.updated", "user.deleted"])
///     .with_name("people");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct WebhookEndpoint {
    pub(crate) endpoint: String,
    pub(crate) event_types: Vec<String>,
    pub(crate) name: String,
    pub(crate) description: String,
}

impl WebhookEndpoint {
    /// Describes an endpoint at this URL, which wants every event.
    ///
    /// The URL has to be `http` on this computer; it is checked when the endpoint is added.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            event_types: Vec::new(),
            name: String::new(),
            description: String::new(),
        }
    }

    /// Sends only events of these types.
    ///
    /// Default: every type; an empty list means the same.
    pub fn with_event_types<S: Into<String>>(mut self, event_types: impl IntoIterator<Item = S>) -> Self {
        self.event_types = event_types.into_iter().map(Into::into).collect();
        self
    }

    /// Gives the endpoint a name for people.
    ///
    /// Default: empty.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Says what the endpoint is for.
    ///
    /// Default: empty.
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    pub(crate) fn wants(&self, event_type: &str) -> bool {
        self.event_types.is_empty() || self.event_types.iter().any(|wanted| wanted == event_type)
    }
}

impl From<&str> for WebhookEndpoint {
    fn from(endpoint: &str) -> Self {
        Self::new(endpoint)
    }
}

impl From<String> for WebhookEndpoint {
    fn from(endpoint: String) -> Self {
        Self::new(endpoint)
    }
}

/// Where a request goes, taken from an endpoint's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port as the URL spells them.
    pub(crate) authority: String,
    pub(crate) path_and_query: String,
}

impl Target {
    /// Reads a URL; only `http` on this computer is one the emulator sends to.
    pub(crate) fn read(url: &str) -> Result<Self, EndpointError> {
        let not_a_url = || EndpointError::NotAUrl { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| not_a_url())?;
        let authority = uri.authority().ok_or_else(not_a_url)?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(EndpointError::Https { url: url.to_owned() }),
            _ => return Err(not_a_url()),
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if authority.as_str().contains('@') {
            return Err(not_a_url());
        }
        let is_loopback = host == "localhost"
            || host == "::1"
            || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        if !is_loopback {
            return Err(EndpointError::Elsewhere { host: host.to_owned() });
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.to_string(),
            path_and_query: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_on_this_computer_is_taken_apart() {
        let target = Target::read("http://[::1]:3000/hooks/kinde?tenant=a%2Fb").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("::1", 3000));
        assert_eq!(
            (target.authority.as_str(), target.path_and_query.as_str()),
            ("[::1]:3000", "/hooks/kinde?tenant=a%2Fb")
        );
        let target = Target::read("http://localhost").unwrap();
        assert_eq!((target.port, target.path_and_query.as_str()), (80, "/"));
    }

    #[test]
    fn url_the_emulator_cannot_send_to_is_refused() {
        let https = Target::read("https://localhost/hook").unwrap_err();
        assert!(https.to_string().starts_with("not emulated: https"), "{https}");
        for url in ["http://app.larkspur.example/hook", "http://10.0.0.1/", "http://localhost.example/"] {
            assert!(matches!(Target::read(url), Err(EndpointError::Elsewhere { .. })), "{url}");
        }
        for url in ["", "/hook", "localhost:3000", "ftp://localhost/", "http://user:pass@localhost/"] {
            assert!(matches!(Target::read(url), Err(EndpointError::NotAUrl { .. })), "{url}");
        }
    }

    #[test]
    fn endpoint_wants_what_it_lists_and_everything_when_it_lists_nothing() {
        let people = WebhookEndpoint::new("http://localhost").with_event_types(["user.created"]);
        assert!(people.wants("user.created") && !people.wants("user.updated"));
        assert!(WebhookEndpoint::from("http://localhost").wants("galaxy.exploded"));
    }
}
