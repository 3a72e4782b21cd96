//! The page that tells a person why a sign-in came to nothing.

use std::fmt;

use crate::error::{LoginError, LoginErrorKind, LoginReason};

/// Writes the page that a person sees when a sign-in came to nothing.
///
/// The default is a plain page. Status and headers stay whatever a renderer writes; text of strangers, such as what
/// Kinde says about an error, has to be escaped.
pub trait RenderPage: fmt::Debug + Send + Sync + 'static {
    /// Gives the page as HTML. It may not hold scripts or load anything: the answer's policy forbids it.
    fn render(&self, failure: &Failure<'_>) -> String;
}

/// What a page has to tell.
#[derive(Debug)]
pub struct Failure<'a> {
    pub(crate) error: &'a LoginError,
    pub(crate) login: &'a str,
    pub(crate) home: &'a str,
}

impl Failure<'_> {
    /// Gives the error, for its code and kind.
    pub fn error(&self) -> &LoginError {
        self.error
    }

    /// Gives a heading and a sentence for the person.
    pub fn text(&self) -> (&'static str, &'static str) {
        match (self.error.reason(), self.error.kind()) {
            (LoginReason::TooManyStarts { .. }, _) => (
                "Signing in does not work right now",
                "This browser was sent to sign in again and again. Wait a minute; if it goes on, tell the people who run this site.",
            ),
            (LoginReason::OrgMismatch { .. }, _) => (
                "This is another organization",
                "You are not a member of the organization that the link is for. Ask for an invitation, or sign in as somebody else.",
            ),
            (_, LoginErrorKind::Denied) => {
                ("You were not signed in", "The sign-in was cancelled, or this site does not let you in.")
            }
            (_, LoginErrorKind::StaleFlow) => (
                "This sign-in is over",
                "It took too long, was finished already, or began in another browser. Start again.",
            ),
            (_, LoginErrorKind::BadGateway | LoginErrorKind::Unavailable) => (
                "Signing in does not work right now",
                "The sign-in service gave no useful answer. Try again in a moment.",
            ),
            (
                _,
                LoginErrorKind::InvalidRequest
                | LoginErrorKind::SignedOut
                | LoginErrorKind::ContentTooLarge
                | LoginErrorKind::UnsupportedMediaType
                | LoginErrorKind::Misconfigured,
            ) => {
                ("You were not signed in", "Something is wrong with the link or with this site. Start again.")
            }
        }
    }

    /// Gives the path that starts again.
    pub fn login(&self) -> &str {
        self.login
    }

    /// Gives the path of the site's home.
    pub fn home(&self) -> &str {
        self.home
    }
}

/// The default page: a heading, a sentence, two links, and the code for whoever is asked for help.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainPage;

impl RenderPage for PlainPage {
    fn render(&self, failure: &Failure<'_>) -> String {
        let (heading, text) = failure.text();
        let said = match failure.error.reason() {
            LoginReason::Provider { description: Some(description), .. } => {
                format!("<p>The sign-in service says: <q>{}</q></p>", escaped(description.as_str()))
            }
            _ => String::new(),
        };
        format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
<p role="alert">{text}</p>
{said}
<p><a class="primary" href="{login}">Sign in again</a> <a href="{home}">Home</a></p>
<p class="code">Code: {code}</p>
</main>
</body>
</html>
"#,
            login = escaped(failure.login),
            home = escaped(failure.home),
            code = failure.error.code(),
        )
    }
}

/// Writes text so that HTML reads it as text, in an element or in a quoted attribute.
fn escaped(text: &str) -> String {
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
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;color:CanvasText;background:Canvas;margin:0;padding:3rem 1rem}
a{color:LinkText}
main{max-width:30rem;margin:0 auto}
h1{font-size:1.4rem}
a.primary{display:inline-block;padding:.5rem 1rem;margin-right:1rem;border:1px solid;border-radius:.3rem;text-decoration:none}
:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}
.code{opacity:.7;font-size:.9rem}";

#[cfg(test)]
mod tests {
    use kinde_core::UntrustedText;

    use super::*;

    /// covers: F10
    #[test]
    fn what_the_provider_says_is_text_and_never_markup() {
        let error = LoginError::from(LoginReason::Provider {
            error: UntrustedText::new("access_denied"),
            description: Some(UntrustedText::new("<script>alert('x')</script>\"&")),
        });
        let page = PlainPage.render(&Failure { error: &error, login: "/api/auth/login?a=\"b\"", home: "/" });
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
        assert!(page.contains("href=\"/api/auth/login?a=&quot;b&quot;\""));
        assert!(page.contains("provider_error"));
    }
}
