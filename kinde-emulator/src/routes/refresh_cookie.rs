//! The cookie that holds a refresh token for an application that lives in a browser.

use http::{HeaderMap, header};

use crate::application::{Application, RefreshCookie};

/// Returns the refresh token in the application's cookie; the shared cookie is the second choice of both kinds.
pub(crate) fn read(application: &Application, headers: &HeaderMap) -> Option<String> {
    let own = name(application)?;
    let value = |wanted: &str| {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, value)| *known == wanted && !value.is_empty())
            .map(|(_, value)| value.to_owned())
    };
    value(&own).or_else(|| value(SHARED))
}

/// Writes the headers that set it: the token for the token endpoint alone, and a flag that scripts can see.
///
/// The flag's value is a guess; Kinde's packages ask only whether the cookie is there.
pub(crate) fn set(application: &Application, refresh_token: &str, lifetime_seconds: u64) -> Vec<String> {
    let Some(name) = name(application) else { return Vec::new() };
    vec![
        format!(
            "{name}={refresh_token}; Path=/oauth2/token; HttpOnly; SameSite=Lax; Max-Age={lifetime_seconds}"
        ),
        format!("_kbrte=1; Path=/; SameSite=Lax; Max-Age={lifetime_seconds}"),
    ]
}

fn name(application: &Application) -> Option<String> {
    match application.refresh_cookie {
        RefreshCookie::Absent => None,
        RefreshCookie::Shared => Some(SHARED.to_owned()),
        RefreshCookie::OfApplication => {
            let start: String = application.client_id.chars().take(6).collect();
            Some(format!("{SHARED}_{start}"))
        }
    }
}

const SHARED: &str = "refresh_token";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn application(refresh_cookie: RefreshCookie) -> Application {
        let mut application = Application::public("spa");
        application.client_id = "5e1c0b7a9d4f4c26b8f3a1720e6d9c45".to_owned();
        application.refresh_cookie = refresh_cookie;
        application
    }

    fn cookies(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))])
    }

    #[test]
    fn cookie_of_the_application_goes_before_the_shared_one() {
        let both = cookies("refresh_token=shared; refresh_token_5e1c0b=own");
        assert_eq!(read(&application(RefreshCookie::OfApplication), &both).as_deref(), Some("own"));
        assert_eq!(read(&application(RefreshCookie::Shared), &both).as_deref(), Some("shared"));
        assert_eq!(read(&application(RefreshCookie::Absent), &both), None);
        let other = cookies("refresh_token=shared; refresh_token_ffffff=other");
        assert_eq!(read(&application(RefreshCookie::OfApplication), &other).as_deref(), Some("shared"));
    }

    #[test]
    fn script_sees_the_flag_and_not_the_token() {
        let set = set(&application(RefreshCookie::OfApplication), "secret", 60);
        assert!(set[0].starts_with("refresh_token_5e1c0b=secret; Path=/oauth2/token; HttpOnly"));
        assert!(set[1].starts_with("_kbrte=") && !set[1].contains("HttpOnly") && !set[1].contains("secret"));
        assert!(super::set(&application(RefreshCookie::Absent), "secret", 60).is_empty());
    }
}
