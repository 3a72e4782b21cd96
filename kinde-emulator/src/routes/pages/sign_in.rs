//! The sign-in page, the page that asks for a password, and the registration page.

use super::document::{cancel, document, form, notice, primary, to_continue};
use crate::{
    directory::{Directory, PersonRecord},
    html::Html,
};

/// What a page of signing in shows.
#[derive(Clone, Copy)]
pub(crate) struct SignInPage<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) application: &'a str,
    pub(crate) interaction: &'a str,
    /// An address that is filled in already: the application's hint, or what was typed before.
    pub(crate) email: &'a str,
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) connection: Option<&'a str>,
    /// What was wrong with the form before.
    pub(crate) problem: Option<&'a str>,
}

impl<'a> SignInPage<'a> {
    /// Starts with empty fields.
    pub(crate) fn new(directory: &'a Directory, application: &'a str, interaction: &'a str) -> Self {
        Self {
            directory,
            application,
            interaction,
            email: "",
            first_name: "",
            last_name: "",
            connection: None,
            problem: None,
        }
    }
}

impl SignInPage<'_> {
    /// Writes the page with a tile for each person, and a form.
    pub(crate) fn sign_in(self) -> Html {
        let main = to_continue(self.application)
            .part(&notice(self.problem))
            .part(&self.without_connection())
            .part(&self.tiles())
            .and("<h2 id=\"by-address\">With an e-mail address</h2>\n")
            .part(&form(ACTION, self.interaction))
            .part(&self.email_field())
            .part(&primary("Continue"))
            .and("</form>\n")
            .part(&cancel(ACTION, self.interaction));
        document("Sign in", &main)
    }

    /// Writes the second step for somebody who has a password.
    pub(crate) fn password(self) -> Html {
        let main = to_continue(self.application)
            .part(&notice(self.problem))
            .part(&form(ACTION, self.interaction))
            .and("<input type=\"hidden\" name=\"p_email\" value=\"")
            .text(self.email)
            .and("\">\n<p>You sign in as <strong>")
            .text(self.email)
            .and("</strong>.</p>\n<label for=\"p_password\">Password</label>\n")
            .and("<input id=\"p_password\" name=\"p_password\" type=\"password\" ")
            .and("autocomplete=\"current-password\" required autofocus")
            .part(&self.invalid())
            .and(">\n")
            .part(&primary("Continue"))
            .and("</form>\n")
            .part(&form(ACTION, self.interaction))
            .and("<button name=\"decision\" value=\"restart\" class=\"quiet\">Use another address</button></form>\n")
            .part(&cancel(ACTION, self.interaction));
        document("Enter your password", &main)
    }

    /// Writes the registration page.
    pub(crate) fn register(self) -> Html {
        let main = to_continue(self.application)
            .part(&notice(self.problem))
            .part(&form(ACTION, self.interaction))
            .and("<label for=\"p_first_name\">First name</label>\n")
            .and("<input id=\"p_first_name\" name=\"p_first_name\" autocomplete=\"given-name\" value=\"")
            .text(self.first_name)
            .and("\">\n<label for=\"p_last_name\">Last name</label>\n")
            .and("<input id=\"p_last_name\" name=\"p_last_name\" autocomplete=\"family-name\" value=\"")
            .text(self.last_name)
            .and("\">\n")
            .part(&self.email_field())
            .and("<label for=\"p_first_password\">Password</label>\n")
            .and("<p class=\"hint\" id=\"without\">Leave it empty to sign in without one.</p>\n")
            .and("<input id=\"p_first_password\" name=\"p_first_password\" type=\"password\" ")
            .and("autocomplete=\"new-password\" aria-describedby=\"without\">\n")
            .and("<label for=\"p_second_password\">Password once more</label>\n")
            .and("<input id=\"p_second_password\" name=\"p_second_password\" type=\"password\" ")
            .and("autocomplete=\"new-password\">\n")
            .part(&primary("Create the account"))
            .and("</form>\n")
            .part(&cancel(ACTION, self.interaction));
        document("Create an account", &main)
    }

    fn tiles(self) -> Html {
        // The person the application hinted at comes first.
        let mut people: Vec<_> =
            self.directory.people.values().filter(|person| person.is_one_click).collect();
        people.sort_by_cached_key(|person| (!self.is_hinted(person), person.full_name()));
        if people.is_empty() {
            return Html::default();
        }
        let more = people.len().saturating_sub(MOST_TILES);
        let tiles = Html::of("<h2 id=\"people\">With one click</h2>\n<ul aria-labelledby=\"people\">\n")
            .each(people.into_iter().take(MOST_TILES), |person| self.tile(person))
            .and("</ul>\n");
        if more == 0 {
            return tiles;
        }
        tiles
            .and("<p class=\"hint\">And ")
            .text(&more.to_string())
            .and(" more, by their e-mail addresses.</p>\n")
    }

    fn tile(self, person: &PersonRecord) -> Html {
        let current = if self.is_hinted(person) { " aria-current=\"true\"" } else { "" };
        let organizations: Vec<_> = person
            .memberships
            .iter()
            .filter_map(|membership| self.directory.organizations.get(&membership.org_code))
            .map(|organization| organization.name.as_str())
            .collect();
        let mut detail = person.email.clone();
        if !organizations.is_empty() {
            detail = format!("{detail} · {}", organizations.join(", "));
        }
        Html::of("<li>")
            .part(&form(ACTION, self.interaction))
            .and("<button name=\"person\" value=\"")
            .text(&person.id)
            .and("\" class=\"tile\"")
            .and(current)
            .and("><span class=\"initials\" aria-hidden=\"true\">")
            .text(&initials(person))
            .and("</span><span class=\"name\">")
            .text(&person.full_name())
            .and("</span> <span class=\"detail\">")
            .text(&detail)
            .and("</span></button></form></li>\n")
    }

    fn is_hinted(self, person: &PersonRecord) -> bool {
        !self.email.is_empty() && person.is_called(self.email)
    }

    /// Any name that finds a person is accepted, so the browser must not insist on an address.
    fn email_field(self) -> Html {
        Html::of("<label for=\"p_email\">E-mail address</label>\n")
            .and("<input id=\"p_email\" name=\"p_email\" type=\"text\" inputmode=\"email\" autocapitalize=\"none\" ")
            .and("spellcheck=\"false\" autocomplete=\"username\" required value=\"")
            .text(self.email)
            .and("\"")
            .part(&self.invalid())
            .and(">\n")
    }

    fn invalid(self) -> Html {
        let is_invalid = self.problem.is_some();
        Html::of(if is_invalid { " aria-invalid=\"true\" aria-describedby=\"notice\"" } else { "" })
    }

    fn without_connection(self) -> Html {
        self.connection.map_or_else(Html::default, |connection| {
            Html::of("<p class=\"hint\">The application asked for the connection <span class=\"number\">")
                .text(connection)
                .and("</span>. An emulator has no connections: sign in here instead.</p>\n")
        })
    }
}

fn initials(person: &PersonRecord) -> String {
    let names = [&person.given_name, &person.family_name];
    names.iter().filter_map(|name| name.chars().next()).flat_map(char::to_uppercase).collect()
}

const ACTION: &str = "/oauth2/auth/sign_in";

/// More tiles than this are no help to anybody.
const MOST_TILES: usize = 50;
