//! The pages between signing in and going back: which organization, its name, and consent.

use super::document::{cancel, document, form, notice, primary, to_continue};
use crate::html::Html;

/// Writes the organization picker, as `(code, name)`.
pub(crate) fn organizations(interaction: &str, application: &str, choices: &[(String, String)]) -> Html {
    let main = to_continue(application)
        .and("<p id=\"question\">You are a member of more than one organization.</p>\n<ul aria-labelledby=\"question\">\n")
        .each(choices, |(code, name)| {
            Html::of("<li>")
                .part(&form(ORGANIZATION, interaction))
                .and("<button name=\"org_code\" value=\"")
                .text(code)
                .and("\" class=\"tile\"><span class=\"initials\" aria-hidden=\"true\">")
                .text(&name.chars().take(1).flat_map(char::to_uppercase).collect::<String>())
                .and("</span><span class=\"name\">")
                .text(name)
                .and("</span> <span class=\"detail\">")
                .text(code)
                .and("</span></button></form></li>\n")
        })
        .and("</ul>\n")
        .part(&cancel(ORGANIZATION, interaction));
    document("Choose an organization", &main)
}

/// Writes the page that asks for the name of a new organization.
pub(crate) fn new_organization(interaction: &str, application: &str, problem: Option<&str>) -> Html {
    let invalid = if problem.is_some() { " aria-invalid=\"true\" aria-describedby=\"notice\"" } else { "" };
    let main = to_continue(application)
        .part(&notice(problem))
        .part(&form(ORGANIZATION, interaction))
        .and("<label for=\"org_name\">Name of the organization</label>\n")
        .and("<input id=\"org_name\" name=\"org_name\" autocomplete=\"organization\" required autofocus")
        .and(invalid)
        .and(">\n")
        .part(&primary("Create the organization"))
        .and("</form>\n")
        .part(&cancel(ORGANIZATION, interaction));
    document("Create an organization", &main)
}

/// What somebody is asked to agree to.
#[derive(Clone, Copy)]
pub(crate) struct ConsentPage<'a> {
    pub(crate) interaction: &'a str,
    pub(crate) application: &'a str,
    pub(crate) person: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) audiences: &'a [String],
    /// The code that a device shows, when this is for one.
    pub(crate) user_code: Option<&'a str>,
}

impl ConsentPage<'_> {
    /// Writes the page.
    pub(crate) fn write(self) -> Html {
        let mut main = Html::of("<p class=\"lead\">You are signed in as <strong>")
            .text(self.person)
            .and("</strong></p>\n");
        if let Some(user_code) = self.user_code {
            main = main
                .and("<p>Allow this only if your device shows the code <strong class=\"number\">")
                .text(user_code)
                .and("</strong>.</p>\n");
        }
        main = main.and("<p id=\"question\"><strong>").text(self.application).and("</strong> asks to:</p>\n");
        main = main
            .and("<ul class=\"granted\" aria-labelledby=\"question\">\n<li>know who you are</li>\n")
            .each(self.scopes.iter().filter(|scope| *scope != "openid"), |scope| match described(scope) {
                Some(described) => Html::of("<li>").and(described).and("</li>\n"),
                None => Html::of("<li>use <span class=\"number\">").text(scope).and("</span></li>\n"),
            })
            .each(self.audiences, |audience| {
                Html::of("<li>call <span class=\"number\">").text(audience).and("</span> for you</li>\n")
            })
            .and("</ul>\n")
            .part(&form(CONSENT, self.interaction))
            .and("<button class=\"primary\" data-kinde-button-variant=\"primary\" name=\"decision\" value=\"allow\">")
            .and("Allow</button>\n<button name=\"decision\" value=\"deny\">Deny</button>\n</form>\n");
        document(if self.user_code.is_some() { "Connect a device" } else { "Allow access" }, &main)
    }
}

/// Writes the page where somebody types the code that their device shows.
pub(crate) fn user_code(typed: &str, problem: Option<&str>) -> Html {
    let invalid = if problem.is_some() { " aria-invalid=\"true\"" } else { "" };
    let main = Html::of("<p class=\"lead\" id=\"where\">Enter the code that your device shows.</p>\n")
        .part(&notice(problem))
        .and("<form method=\"post\" action=\"/device\">\n<label for=\"user_code\">Code</label>\n")
        .and("<input id=\"user_code\" name=\"user_code\" class=\"code\" autocomplete=\"off\" autocapitalize=\"characters\" ")
        .and("spellcheck=\"false\" required autofocus aria-describedby=\"where")
        .and(if problem.is_some() { " notice" } else { "" })
        .and("\"")
        .and(invalid)
        .and(" value=\"")
        .text(typed)
        .and("\">\n")
        .part(&primary("Continue"))
        .and("</form>\n");
    document("Connect a device", &main)
}

fn described(scope: &str) -> Option<&'static str> {
    match scope {
        "profile" => Some("see your name and picture"),
        "email" => Some("see your e-mail address"),
        "phone" => Some("see your phone number"),
        "address" => Some("see your address"),
        "offline" => Some("stay signed in when you are away"),
        _ => None,
    }
}

const ORGANIZATION: &str = "/oauth2/auth/organization";
const CONSENT: &str = "/oauth2/auth/consent";
