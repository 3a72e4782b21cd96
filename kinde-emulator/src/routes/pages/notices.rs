//! Pages that only tell something.

use super::document::{document, document_that_leaves, primary};
use crate::{callback::Callback, html::Html};

/// Writes a page that says what went wrong, with Kinde's number for it.
pub(crate) fn error(code: u16, reason: &str) -> Html {
    let main = Html::of("<p class=\"lead\">Error code <strong class=\"number\">")
        .text(&code.to_string())
        .and("</strong></p>\n<p role=\"alert\" class=\"notice\">")
        .text(reason)
        .and("</p>\n<p>")
        .and(meaning(code))
        .and("</p>\n");
    document("Something went wrong", &main)
}

/// Writes the page for a browser that came by a name that tokens do not have.
pub(crate) fn wrong_address(host: &str, issuer: &str) -> Html {
    let main = Html::of("<p role=\"alert\" class=\"notice\">Your application came here as <strong>")
        .text(host)
        .and("</strong>, and the tokens of this emulator say <strong>")
        .text(issuer)
        .and("</strong>. It would refuse them.</p>\n<p>Give the application this address:</p>\n<p><code>KINDE_ISSUER_URL=")
        .text(issuer)
        .and("</code></p>\n<p>Or start the emulator with the address that the application has: <code>--issuer URL</code>.</p>\n");
    document("Another address", &main)
}

/// Writes the page for a link, or a page, that was left open too long.
pub(crate) fn expired() -> Html {
    let main = Html::of("<p role=\"alert\" class=\"notice\">This link has expired.</p>\n")
        .and("<p>Go back to the application and sign in again.</p>\n");
    document("Link expired", &main)
}

/// Writes a page with one sentence.
pub(crate) fn message(title: &str, text: &str) -> Html {
    document(title, &Html::of("<p>").text(text).and("</p>\n"))
}

/// Writes the page at the end of a sign-out that leads nowhere.
pub(crate) fn signed_out() -> Html {
    document("Signed out", &Html::of("<p>You are signed out. You can close this page.</p>\n"))
}

/// Writes the page at the end of a sign-in on another device.
pub(crate) fn device_connected(is_allowed: bool) -> Html {
    if is_allowed {
        document(
            "Device connected",
            &Html::of("<p>You are signed in on your device. You can close this page.</p>\n"),
        )
    } else {
        document("Device not connected", &Html::of("<p>Nobody was signed in. You can close this page.</p>\n"))
    }
}

/// Writes the page that an application asks for with `has_success_page`.
pub(crate) fn success(location: &str) -> Html {
    let main = Html::of(
        "<p>You are signed in and can go back to the application.</p>\n<a class=\"button primary\" href=\"",
    )
    .text(location)
    .and("\">Go back to the application</a>\n");
    document_that_leaves("You are signed in", location, &main)
}

/// Writes a form with the answer to an authorization request. It has a button, as there is no script to press it.
pub(crate) fn posted(callback: &Callback) -> Html {
    let main = Html::of("<form method=\"post\" action=\"")
        .text(&callback.redirect_uri)
        .and("\">\n")
        .each(&callback.parameters, |(name, value)| {
            Html::of("<input type=\"hidden\" name=\"").text(name).and("\" value=\"").text(value).and("\">\n")
        })
        .part(&primary("Continue to the application"))
        .and("</form>\n");
    document("One more step", &main)
}

/// Says what Kinde documents about a number.
fn meaning(code: u16) -> &'static str {
    match code {
        1656 => "A parameter of the authorization request is malformed, missing or there twice.",
        1706 => "A workflow that runs after authentication came to a stop.",
        1794 => "The state of a social sign-in cannot be read.",
        2201 => "A workflow denied access.",
        4030 => "The identity provider said access_denied.",
        4031 => "The identity provider needs interaction, sign-in or consent.",
        4032 => "The identity provider is not available.",
        4033 => "The identity provider answered with an unknown error.",
        4034 => "The identity provider answered with neither a code nor an error.",
        4321 => "The sign-in was entered half-way, by a bookmark or the back button.",
        8809 => "The sign-in was begun in another tab or on another device.",
        8998 => "The transfer to the organization or environment failed.",
        9697 => "Addresses of this e-mail provider are refused.",
        _ => "",
    }
}
