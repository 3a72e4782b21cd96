//! The pages a person sees: plain HTML, no script.

use std::fmt::Write as _;

use crate::{
    authorization_request::{AuthorizationRequest, Prompt},
    directory::{Directory, PersonRecord},
};

/// Writes the sign-in page, or the registration page when that was asked for.
pub(crate) fn sign_in(
    directory: &Directory,
    request: &AuthorizationRequest,
    interaction: &str,
    notice: Option<&str>,
) -> String {
    let application = directory.applications.get(&request.client_id);
    let application = escaped(application.map_or("an application", |application| &application.name));
    let interaction = escaped(interaction);
    let hint = request.login_hint.as_deref().unwrap_or_default();
    let mut main = String::new();
    if let Some(notice) = notice {
        let _ = write!(main, r#"<p role="alert" class="notice">{}</p>"#, escaped(notice));
    }
    let title = if request.prompt == Prompt::Register {
        let _ = write!(main, "<p>to continue to <strong>{application}</strong></p>");
        main.push_str(&registration_form(&interaction, hint));
        "Create an account"
    } else {
        let _ = write!(main, "<p>to continue to <strong>{application}</strong></p>");
        main.push_str(&tiles(directory, &interaction, hint));
        main.push_str(&email_form(&interaction, hint));
        "Sign in"
    };
    let _ = write!(
        main,
        r#"<form method="post" action="/oauth2/auth/sign_in">
<input type="hidden" name="interaction" value="{interaction}">
<button name="decision" value="deny" class="quiet">Cancel and go back</button></form>"#
    );
    document(title, &main)
}

/// Writes a page that says what went wrong.
pub(crate) fn error(code: u16, reason: &str) -> String {
    let main = format!(
        "<p>Error code <strong>{code}</strong></p><p role=\"alert\" class=\"notice\">{}</p>",
        escaped(reason)
    );
    document("Something went wrong", &main)
}

/// Writes a page with one sentence.
pub(crate) fn message(title: &str, text: &str) -> String {
    document(title, &format!("<p>{}</p>", escaped(text)))
}

fn tiles(directory: &Directory, interaction: &str, hint: &str) -> String {
    if directory.people.is_empty() {
        return String::new();
    }
    // The person the application hinted at comes first.
    let mut people: Vec<_> = directory.people.values().collect();
    people.sort_by_key(|person| (!is_hinted(person, hint), person.full_name()));
    let mut list = String::from(r#"<h2>Sign in as</h2><ul class="people">"#);
    for person in people {
        let chosen = if is_hinted(person, hint) { r#" aria-current="true""# } else { "" };
        let _ = write!(
            list,
            r#"<li><form method="post" action="/oauth2/auth/sign_in">
<input type="hidden" name="interaction" value="{interaction}">
<button name="person" value="{id}"{chosen}>{name} <small>{email}</small></button></form></li>"#,
            id = escaped(&person.id),
            name = escaped(&person.full_name()),
            email = escaped(&person.email),
        );
    }
    list.push_str("</ul>");
    list
}

fn is_hinted(person: &PersonRecord, hint: &str) -> bool {
    person.email.eq_ignore_ascii_case(hint)
}

fn email_form(interaction: &str, hint: &str) -> String {
    format!(
        r#"<h2>Or with an e-mail address</h2>
<form method="post" action="/oauth2/auth/sign_in">
<input type="hidden" name="interaction" value="{interaction}">
<label for="p_email">E-mail address</label>
<input id="p_email" name="p_email" type="email" autocomplete="username" required value="{hint}">
<button data-kinde-button-variant="primary">Continue</button></form>"#,
        hint = escaped(hint),
    )
}

fn registration_form(interaction: &str, hint: &str) -> String {
    format!(
        r#"<form method="post" action="/oauth2/auth/sign_in">
<input type="hidden" name="interaction" value="{interaction}">
<label for="p_first_name">First name</label>
<input id="p_first_name" name="p_first_name" autocomplete="given-name">
<label for="p_last_name">Last name</label>
<input id="p_last_name" name="p_last_name" autocomplete="family-name">
<label for="p_email">E-mail address</label>
<input id="p_email" name="p_email" type="email" autocomplete="username" required value="{hint}">
<button data-kinde-button-variant="primary">Create the account</button></form>"#,
        hint = escaped(hint),
    )
}

/// Writes a whole page; `main` is HTML.
pub(crate) fn document(title: &str, main: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Kinde emulator</title>
<style>{STYLE}</style>
</head>
<body>
<header><p>This is an <strong>emulator</strong> for development on this computer. It is not Kinde: never enter a real
password.</p></header>
<main><h1>{title}</h1>{main}</main>
</body>
</html>
"#
    )
}

/// Writes text so that HTML reads it as text, in an element or in a quoted attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&#39;"),
            other => written.push(other),
        }
    }
    written
}

const STYLE: &str = "
body{font:1rem/1.5 system-ui,sans-serif;margin:0;color:#1a1a1a;background:#fff}
header{background:#fff3c4;border-bottom:2px solid #8a6d00;padding:.25rem 1rem;text-align:center}
main{max-width:26rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1rem;margin:1.5rem 0 .5rem}
ul.people{list-style:none;margin:0;padding:0}
label{display:block;margin-top:.75rem}
input:not([type=hidden]){box-sizing:border-box;width:100%;font:inherit;padding:.5rem;border:1px solid #595959}
button{box-sizing:border-box;width:100%;font:inherit;padding:.6rem;margin:.35rem 0;border:1px solid #1a1a1a;
border-radius:.3rem;background:#f2f2f2;color:inherit;cursor:pointer;text-align:start}
button[aria-current],button[data-kinde-button-variant]{background:#1a1a1a;color:#fff}
button.quiet{margin-top:2rem;border-color:#767676;background:#fff}
:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}
.notice{border-left:4px solid #b3261e;padding-left:.75rem}
small{opacity:.85}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element_or_attribute() {
        assert_eq!(escaped(r#"<b a="x" c='y'>&"#), "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;");
        assert!(!error(1656, "<script>").contains("<script>"));
    }
}
