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
        section class="cards" aria-label="What it does" {
            div class="card" { h2 { "One list each" } p { "Every organization has its own to-dos. Switch with one click." } }
            div class="card" { h2 { "Who may do what" } p { "Permissions decide who writes; everybody else is told why not." } }
            div class="card" { h2 { "Signed out is signed out" } p { "In every tab of the browser, and at Kinde as well." } }
        }
    };
    document("Weekboard", Page::Home, links, user, &main)
}

pub(crate) fn dashboard(links: &Links, user: &SignedInUser, org_code: Option<&str>, beta: bool) -> Markup {
    let main = html! {
        h1 { "Dashboard" }
        div class="cards" {
            section class="card" { (profile(links, user)) }
            section class="card" { (organizations(links, user, org_code)) }
            @if beta {
                section class="card beta" {
                    h2 { "This week at a glance" span class="badge" { "beta" } }
                    p class="week" aria-hidden="true" {
                        @for height in [40, 75, 55, 90, 30] { span class={ "bar h" (height) } {} }
                    }
                    p { "Eleven of fourteen to-dos are done. You see this because the flag " code { "beta" } " is on for you." }
                }
            }
        }
    };
    document("Dashboard", Page::Dashboard, links, Some(user), &main)
}

fn profile(links: &Links, user: &SignedInUser) -> Markup {
    html! {
        h2 { "You" }
        dl {
            dt { "Name" } dd { (name(user)) }
            dt { "E-mail" } dd { @match user.email() { Ok(email) => (email), Err(missing) => (missing) } }
            dt { "Id" } dd { code { (user.id()) } }
        }
        p { a href=(links.portal().to("/dashboard")) { "Edit your profile" } }
    }
}

fn organizations(links: &Links, user: &SignedInUser, org_code: Option<&str>) -> Markup {
    let organizations = user.organizations().unwrap_or_default();
    html! {
        h2 { "Organizations" }
        @if organizations.is_empty() { p { "You belong to none yet. Create the first one." } }
        ul class="organizations" {
            @for organization in organizations {
                @let name = organization.name.as_deref().unwrap_or(&organization.code);
                li {
                    span { (name) }
                    @if org_code == Some(organization.code.as_str()) {
                        span class="badge" { "current" }
                    } @else {
                        a class="button small" href=(links.switch_org(&organization.code).to("/dashboard"))
                            aria-label={ "Switch to " (name) } { "Switch" }
                    }
                }
            }
        }
        form action=(links.create_org("")) method="get" {
            input type="hidden" name="post_login_redirect_url" value="/dashboard";
            label for="org_name" { "New organization" }
            div class="row" {
                input id="org_name" name="org_name" required maxlength="80" autocomplete="organization";
                button class="small" { "Create" }
            }
        }
    }
}

pub(crate) fn todos(links: &Links, user: &SignedInUser, org_code: &str) -> Markup {
    let organizations = user.organizations().unwrap_or_default();
    let named = organizations.iter().find(|organization| organization.code == org_code);
    let main = html! {
        h1 { "To-dos" }
        p class="lead" {
            "You may create to-dos in " (named.and_then(|organization| organization.name.as_deref()).unwrap_or(org_code)) "."
        }
        ul class="todos card" {
            @for (todo, is_done) in [("Write the report", true), ("Call the printer", false), ("Water the plants", false)] {
                li class=[is_done.then_some("done")] { (todo) @if is_done { span class="badge" { "done" } } }
            }
        }
    };
    document("To-dos", Page::Todos, links, Some(user), &main)
}

pub(crate) fn not_allowed(links: &Links, user: &SignedInUser) -> Markup {
    let main = html! {
        h1 { "Not for you yet" }
        p class="lead" role="alert" {
            "You are signed in, but you lack the permission " code { "create:todos" } " in this organization."
        }
        p { "Ask an administrator, or switch to another organization." }
        p { a class="button" href="/dashboard" { "Back to the dashboard" } }
    };
    document("Not allowed", Page::Todos, links, Some(user), &main)
}

#[derive(Clone, Copy, PartialEq)]
enum Page {
    Home,
    Dashboard,
    Todos,
}

fn document(title: &str, page: Page, links: &Links, user: Option<&SignedInUser>, main: &Markup) -> Markup {
    let current = |this: Page| (this == page).then_some("page");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { @if page == Page::Home { (title) } @else { (title) " - Weekboard" } }
                link rel="stylesheet" href="/style.css";
            }
            body {
                header {
                    a class="brand" href="/" { "Weekboard" }
                    nav aria-label="Main" {
                        @if let Some(user) = user {
                            a href="/dashboard" aria-current=[current(Page::Dashboard)] { "Dashboard" }
                            a href="/todos" aria-current=[current(Page::Todos)] { "To-dos" }
                            span class="who" { (name(user)) }
                            form action=(links.logout()) method="post" { button class="small" { "Sign out" } }
                        } @else {
                            a class="button small" href=(links.login()) { "Sign in" }
                        }
                    }
                }
                main { (main) }
                footer { "Weekboard is an example of kinde-login: sign-in by Kinde, sessions by this server." }
            }
        }
    }
}

/// A name, or whatever else the session knows.
fn name(user: &SignedInUser) -> String {
    let names: Vec<_> = [user.given_name(), user.family_name()].into_iter().flatten().collect();
    if names.is_empty() { user.email().unwrap_or_else(|_| user.id().to_owned()) } else { names.join(" ") }
}
