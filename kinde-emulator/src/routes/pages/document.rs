//! What every page has: landmarks, one heading, the style, and the word that this is an emulator.

use crate::html::Html;

/// Writes a whole page.
pub(crate) fn document(title: &str, main: &Html) -> Html {
    framed(title, &Html::default(), main)
}

/// Writes a whole page that goes elsewhere by itself after a second, and has a link for whoever does not want to wait.
pub(crate) fn document_that_leaves(title: &str, location: &str, main: &Html) -> Html {
    let refresh = Html::of("<meta http-equiv=\"refresh\" content=\"1;url=").text(location).and("\">");
    framed(title, &refresh, main)
}

fn framed(title: &str, head: &Html, main: &Html) -> Html {
    Html::of("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .and("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .and("<meta name=\"color-scheme\" content=\"light dark\">\n<title>")
        .text(title)
        .and(" - Kinde emulator</title>\n")
        .part(head)
        .and("<style>")
        .and(STYLE)
        .and("</style>\n</head>\n<body>\n<header><p><strong>Emulator.</strong> This page is for development on this ")
        .and("computer. It is not Kinde: never enter a real password.</p></header>\n<main>\n<h1>")
        .text(title)
        .and("</h1>\n")
        .part(main)
        .and("</main>\n<footer><p>kinde-emulator</p></footer>\n</body>\n</html>\n")
}

/// Writes what went wrong with the form before, so that a screen reader says it first. Fields refer to it by `notice`.
pub(crate) fn notice(text: Option<&str>) -> Html {
    text.map_or_else(Html::default, |text| {
        Html::of("<p id=\"notice\" role=\"alert\" class=\"notice\">").text(text).and("</p>\n")
    })
}

/// Writes the beginning of a form that belongs to an interaction.
pub(crate) fn form(action: &'static str, interaction: &str) -> Html {
    Html::of("<form method=\"post\" action=\"")
        .and(action)
        .and("\">\n<input type=\"hidden\" name=\"interaction\" value=\"")
        .text(interaction)
        .and("\">\n")
}

/// Writes the button that everybody means.
pub(crate) fn primary(label: &'static str) -> Html {
    Html::of("<button class=\"primary\" data-kinde-button-variant=\"primary\">").and(label).and("</button>\n")
}

/// Writes the form that goes back to the application without signing in.
pub(crate) fn cancel(action: &'static str, interaction: &str) -> Html {
    form(action, interaction)
        .and("<button name=\"decision\" value=\"deny\" class=\"quiet\">Cancel and go back</button></form>\n")
}

/// Writes the line that says where this leads.
pub(crate) fn to_continue(application: &str) -> Html {
    Html::of("<p class=\"lead\">to continue to <strong>").text(application).and("</strong></p>\n")
}

const STYLE: &str = include_str!("pages.css");
