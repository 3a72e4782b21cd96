//! What the pages look like.

use kinde_axum::{SignedInUser, kinde_login::Links};
use maud::{DOCTYPE, Markup, html};

pub(crate) fn home(links: &Links, user: Option<&SignedInUser>) -> Markup {
    let main = html! {
        section class="hero" {
            h1 { "Plan the week together" }
            p class="lead" { "Weekboard keeps the to-dos of your organization in one place." }
            @if let Some(user) = user {
                p { "Good to see you, " strong { (name(user)) } "." }
                p { a class="button primary" href="/dashboard" { "Open your dashboard" } }
            } @else {
                p class="actions" {
                    a class="button primary" href=(links.register().to("/dashboard")) { "Create an account" }
                    a class="button" href=(links.login().to("/dashboard")) { "Sign in" }
                }
            }
        }
    };
    document("Weekboard", links, user, &main)
}

pub(crate) fn dashboard(links: &Links, user: &SignedInUser, org_code: Option<&str>, beta: bool) -> Markup {
    let organizations = user.organizations().unwrap_or_default();
    let main = html! {
        h1 { "Dashboard" }
        div class="cards" {
            section class="card" {
                h2 { "You" }
                dl {
                    dt { "Name" } dd { (name(user)) }
                    dt { "E-mail" } dd { @match user.email() { Ok(email) => (email), Err(missing) => (missing) } }
                    dt { "Id" } dd { code { (user.id()) } }
                }
                p { a href=(links.portal().to("/dashboard")) { "Edit your profile" } }
            }
            section class="card" {
                h2 { "Organizations" }
                @if organizations.is_empty() { p { "You belong to none yet." } }
                ul class="organizations" {
                    @for organization in organizations {
                        @let is_current = org_code == Some(organization.code.as_str());
                        li {
                            span { (organization.name.as_deref().unwrap_or(&organization.code)) }
                            @if is_current {
                                span class="badge" { "current" }
                            } @else {
                                a class="button small" href=(links.switch_org(&organization.code).to("/dashboard")) { "Switch" }
                            }
                        }
                    }
                }
                form action="/api/auth/create_org" method="get" {
                    input type="hidden" name="post_login_redirect_url" value="/dashboard";
                    label for="org_name" { "New organization" }
                    div class="row" {
                        input id="org_name" name="org_name" required maxlength="80" placeholder="Acme";
                        button class="small" { "Create" }
                    }
                }
            }
            @if beta {
                section class="card beta" {
                    h2 { "Beta" }
                    p { "You see this because the flag " code { "beta" } " is on for you." }
                }
            }
        }
    };
    document("Dashboard", links, Some(user), &main)
}

pub(crate) fn todos(links: &Links, user: &SignedInUser, org_code: &str) -> Markup {
    let main = html! {
        h1 { "To-dos" }
        p { "You may create to-dos in " code { (org_code) } "." }
        ul class="todos" {
            @for todo in ["Write the report", "Call the printer", "Water the plants"] { li { (todo) } }
        }
    };
    document("To-dos", links, Some(user), &main)
}

pub(crate) fn not_allowed(links: &Links, user: &SignedInUser) -> Markup {
    let main = html! {
        h1 { "Not for you yet" }
        p role="alert" { "You are signed in, but you lack the permission " code { "create:todos" } " here." }
        p { "Ask an administrator of your organization, or switch to another one." }
        p { a class="button" href="/dashboard" { "Back to the dashboard" } }
    };
    document("Not allowed", links, Some(user), &main)
}

fn document(title: &str, links: &Links, user: Option<&SignedInUser>, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - Weekboard" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                header {
                    a class="brand" href="/" { "Weekboard" }
                    nav aria-label="Main" {
                        @if let Some(user) = user {
                            a href="/dashboard" { "Dashboard" }
                            a href="/todos" { "To-dos" }
                            span class="who" { (name(user)) }
                            form action=(links.logout()) method="post" { button class="link" { "Sign out" } }
                        } @else {
                            a href=(links.login()) { "Sign in" }
                        }
                    }
                }
                main { (main) }
                footer { "An example of kinde-login. " a href="/api/auth/health" { "Health" } }
            }
        }
    }
}

/// A name, or whatever else the session knows.
fn name(user: &SignedInUser) -> String {
    let names: Vec<_> = [user.given_name(), user.family_name()].into_iter().flatten().collect();
    if names.is_empty() { user.email().unwrap_or_else(|_| user.id().to_owned()) } else { names.join(" ") }
}
