//! The answer to an authorization request, on its way back to the application.

use crate::fields::with_parameters;

/// Parameters that travel to a redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Callback {
    pub(crate) redirect_uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) parameters: Vec<(&'static str, String)>,
}

impl Callback {
    /// Writes the URL to go to. Parameters for a form are in its query: who asks for the URL has no form to send.
    pub(crate) fn location(&self) -> String {
        let parameters: Vec<_> =
            self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        with_parameters(&self.redirect_uri, &parameters, self.mode == ResponseMode::Fragment)
    }

    /// Returns a parameter's value.
    #[cfg(test)]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Where the parameters travel; discovery lists all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// After a `#`.
    Fragment,
    /// In a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// Reads the parameter `response_mode`; `None` for a value that is none of the three.
    pub(crate) fn read(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("query") => Some(Self::Query),
            Some("fragment") => Some(Self::Fragment),
            Some("form_post") => Some(Self::FormPost),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_travel_in_the_query_or_after_a_number_sign() {
        let callback = |mode| Callback {
            redirect_uri: "http://localhost:3000/cb?x=1".to_owned(),
            mode,
            parameters: vec![("code", "a b".to_owned()), ("state", "#&".to_owned())],
        };
        let rows = [
            (ResponseMode::Query, "http://localhost:3000/cb?x=1&code=a+b&state=%23%26"),
            (ResponseMode::Fragment, "http://localhost:3000/cb?x=1#code=a+b&state=%23%26"),
            (ResponseMode::FormPost, "http://localhost:3000/cb?x=1&code=a+b&state=%23%26"),
        ];
        for (mode, expected) in rows {
            assert_eq!(callback(mode).location(), expected, "{mode:?}");
        }
    }
}
