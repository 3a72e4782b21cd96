//! The shape of each value: what is accepted, and what to write instead.

use std::time::Duration;

use http::Uri;

use super::variables::{Value, items};
use crate::{
    ConfigProblem, Secret,
    issuer::{Issuer, IssuerProblem},
};

pub(super) fn issuer(value: &Value) -> Result<Issuer, ConfigProblem> {
    Issuer::new(value.text()).map_err(|invalid| value.invalid(invalid.problem().to_string()))
}

pub(super) fn client_id(value: &Value) -> Result<String, ConfigProblem> {
    if !is_visible_ascii(value.text()) {
        return Err(value.invalid("holds white space or a character outside ASCII: copy it again from Kinde"));
    }
    Ok(value.text().to_owned())
}

/// Kinde's SDKs expect 40 to 60 letters and digits, but no page promises it: other shapes are accepted. White
/// space is not, because it is the line break of a file and would be refused at the token endpoint only.
pub(super) fn client_secret(value: &Value) -> Result<Secret, ConfigProblem> {
    if !is_visible_ascii(value.text()) {
        return Err(value.invalid(
            "holds white space, a line break or a character outside ASCII (the value is not shown): copy it again \
             from Kinde; a secret is 40 to 60 letters and digits",
        ));
    }
    Ok(Secret::new(value.text()))
}

pub(super) fn session_secret(value: &Value) -> Result<Secret, ConfigProblem> {
    Ok(Secret::new(value.text()))
}

pub(super) fn audiences(value: &Value) -> Result<Vec<String>, ConfigProblem> {
    let audiences = list(value)?;
    if audiences
        .iter()
        .any(|audience| audience.contains(['"', '[', ']']) || audience.contains(char::is_control))
    {
        return Err(value.invalid(
            "separate the audiences by spaces or commas, without quotes and brackets: \
             https://api.acme.example https://billing.acme.example",
        ));
    }
    Ok(audiences)
}

pub(super) fn scopes(value: &Value) -> Result<Vec<String>, ConfigProblem> {
    let scopes = list(value)?;
    // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    if !scopes.iter().all(|scope| is_visible_ascii(scope) && !scope.contains(['"', '\\'])) {
        return Err(value.invalid("write the scopes separated by spaces: openid profile email offline"));
    }
    if scopes.iter().any(|scope| scope == "offline_access") {
        return Err(value.invalid("write offline instead of offline_access: Kinde calls that scope so"));
    }
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err(value.invalid("add openid: without it Kinde issues no ID token and nobody is signed in"));
    }
    Ok(scopes)
}

/// The site's origin, under the rules of the issuer: others are compared with it byte for byte.
pub(super) fn site_url(value: &Value) -> Result<String, ConfigProblem> {
    Issuer::new(value.text()).map(|origin| origin.to_string()).map_err(|invalid| match invalid.problem() {
        IssuerProblem::PlainHttp => value.invalid("use https; plain http is accepted for a loopback host only"),
        _ => value.invalid(
            "write scheme and host only, in lower case, for example https://app.acme.example: a path belongs in \
             KINDE_AUTH_API_PATH",
        ),
    })
}

pub(super) fn absolute_url(value: &Value) -> Result<String, ConfigProblem> {
    let text = value.text();
    let is_good = (text.starts_with("https://") || text.starts_with("http://"))
        && is_visible_ascii(text)
        && !text.contains('\\')
        && text.parse().is_ok_and(|uri: Uri| has_plain_authority(&uri));
    if !is_good {
        return Err(value.invalid(
            "write an absolute URL with https:// (or http://) and a host, without user information, white space \
             and characters outside ASCII, for example https://app.acme.example/welcome",
        ));
    }
    Ok(text.to_owned())
}

/// A path of plain segments. One trailing slash is dropped.
pub(super) fn path(value: &Value) -> Result<String, ConfigProblem> {
    let path = value.text().strip_suffix('/').unwrap_or(value.text());
    let is_plain = |segment: &str| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
    };
    match path.strip_prefix('/') {
        Some(segments) if segments.split('/').all(is_plain) => Ok(path.to_owned()),
        _ => Err(value.invalid(
            "write a path that begins with a slash and has plain segments (letters, digits, - _ . ~), for example \
             /api/auth",
        )),
    }
}

/// A name in a path or a parameter: letters, digits, `-` and `_`, as the Next.js SDK demands of its route names.
pub(super) fn name(value: &Value) -> Result<String, ConfigProblem> {
    let is_good =
        value.text().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !is_good {
        return Err(value.invalid("write letters, digits, - and _ only, without a slash"));
    }
    Ok(value.text().to_owned())
}

pub(super) fn cookie_max_age(value: &Value) -> Result<Duration, ConfigProblem> {
    match value.text().parse::<u32>() {
        Ok(seconds) if (1..=MAX_COOKIE_AGE_SECONDS).contains(&seconds) => Ok(Duration::from_secs(seconds.into())),
        _ => Err(value.invalid(
            "write whole seconds from 1 to 34560000 (400 days, where browsers cut), for example 1296000 for 15 days",
        )),
    }
}

fn list(value: &Value) -> Result<Vec<String>, ConfigProblem> {
    let mut list: Vec<String> = Vec::new();
    for item in items(value.text()) {
        if !list.iter().any(|known| known == item) {
            list.push(item.to_owned());
        }
    }
    // A list of nothing was meant to say something: to take it for unset would loosen a check silently.
    if list.is_empty() {
        Err(value.invalid("names nothing: write at least one entry or remove it"))
    } else {
        Ok(list)
    }
}

/// Tells whether the authority is a host, or a host and a port: no user information, no bad port.
fn has_plain_authority(uri: &Uri) -> bool {
    let (Some(authority), Some(host)) = (uri.authority(), uri.host()) else { return false };
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    !host.is_empty() && authority.as_str() == format!("{host}{port}")
}

fn is_visible_ascii(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 6265bis §5.5: user agents limit Max-Age to 400 days.
const MAX_COOKIE_AGE_SECONDS: u32 = 400 * 24 * 60 * 60;
