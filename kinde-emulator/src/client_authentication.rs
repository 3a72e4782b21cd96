//! Decides which application a request to the token endpoint comes from.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};

use crate::{application::Application, directory::Directory, fields::Fields, routes::OAuthError};

/// Returns the application whose credentials were presented, in the form or by HTTP Basic.
///
/// Discovery lists `client_secret_post` alone, yet Kinde's Java SDK sends Basic: both are accepted.
pub(crate) fn authenticate(
    directory: &Directory,
    headers: &HeaderMap,
    form: &Fields,
) -> Result<Application, OAuthError> {
    let refused = || OAuthError::new("invalid_client", "Client authentication failed.");
    let (client_id, client_secret) = match basic(headers) {
        Some(Some((client_id, client_secret))) => (client_id, Some(client_secret)),
        Some(None) => return Err(refused()),
        None => {
            let client_id = form
                .get("client_id")
                .ok_or_else(|| OAuthError::new("invalid_request", "The request is missing client_id."))?;
            (client_id.to_owned(), form.get("client_secret").map(str::to_owned))
        }
    };
    let application = directory.applications.get(&client_id).ok_or_else(refused)?;
    if application.accepts_secret(client_secret.as_deref()) {
        Ok(application.clone())
    } else {
        Err(refused())
    }
}

/// Reads Basic credentials: absent, unreadable (`Some(None)`) or an identifier and a secret.
fn basic(headers: &HeaderMap) -> Option<Option<(String, String)>> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let read = || {
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (client_id, client_secret) = decoded.split_once(':')?;
        Some((form_decoded(client_id)?, form_decoded(client_secret)?))
    };
    Some(read())
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn form_decoded(text: &str) -> Option<String> {
    let fields = Fields::of_uri(&format!("/?v={text}").parse().ok()?);
    fields.get("v").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn directory() -> Directory {
        let mut directory = Directory::default();
        let mut application = Application::web("web");
        application.client_id = "web".to_owned();
        application.client_secret = Some("s+ %\"cret".to_owned());
        directory.applications.insert("web".to_owned(), application);
        directory
    }

    fn with_basic(credentials: &str) -> HeaderMap {
        let value = format!("Basic {}", STANDARD.encode(credentials));
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::try_from(value).unwrap())])
    }

    fn form(client_id: &str, client_secret: &str) -> Fields {
        Fields(vec![
            ("client_id".to_owned(), client_id.to_owned()),
            ("client_secret".to_owned(), client_secret.to_owned()),
        ])
    }

    #[test]
    fn secret_is_accepted_in_the_form_and_by_basic() {
        let directory = directory();
        assert!(authenticate(&directory, &HeaderMap::new(), &form("web", "s+ %\"cret")).is_ok());
        let basic = with_basic("web:s%2B+%25%22cret");
        assert!(authenticate(&directory, &basic, &Fields::default()).is_ok());
    }

    #[test]
    fn wrong_credentials_are_an_invalid_client() {
        let directory = directory();
        let rows = [
            ("wrong secret", HeaderMap::new(), form("web", "wrong")),
            ("unknown client", HeaderMap::new(), form("else", "s+ %\"cret")),
            ("no secret", HeaderMap::new(), form("web", "")),
            ("wrong secret by basic", with_basic("web:wrong"), Fields::default()),
            ("unreadable basic", with_basic("web"), form("web", "s+ %\"cret")),
        ];
        for (name, headers, form) in rows {
            let error = authenticate(&directory, &headers, &form).unwrap_err();
            assert_eq!(error.error, "invalid_client", "{name}");
        }
    }
}
