//! `GET /portal_redirect`: opens the self-serve portal, or what stands for it here.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{Method, StatusCode, Uri};

use crate::{
    directory::{Directory, PersonRecord},
    fields::Fields,
    html::Html,
    portal::PortalLink,
    provider::Provider,
    routes::{answer::html, pages},
};

/// Shows the section that the link was made for, with the way back to the application; a link opens once.
pub(crate) async fn open(State(provider): State<Arc<Provider>>, method: Method, uri: Uri) -> Response {
    let fields = Fields::of_uri(&uri);
    let key = fields.get("key").unwrap_or_default();
    // A look ahead is not the visit: mail programs and link checkers ask with HEAD.
    if method == Method::HEAD {
        return html(StatusCode::OK, &Html::default());
    }
    let Some(link) = provider.portal_links.lock().open(key, provider.clock.now()) else {
        let text = "This link to the portal was used before, has expired, or was never made. Go back to the \
                    application and open the portal again.";
        return html(StatusCode::BAD_REQUEST, &pages::message("The portal does not open", text));
    };
    let facts = facts(&provider.directory.lock(), &link);
    html(StatusCode::OK, &written(&link, &facts))
}

fn written(link: &PortalLink, facts: &[(&'static str, String)]) -> Html {
    let mut main =
        Html::of("<p>At Kinde people change this themselves; the emulator shows it only.</p>\n<dl>\n")
            .each(facts, |(name, value)| {
                Html::of("<dt>").and(name).and("</dt><dd>").text(value).and("</dd>\n")
            })
            .and("</dl>\n");
    if let Some(url) = &link.return_url {
        main = main.and("<a class=\"button\" href=\"").text(url).and("\">Go back to the application</a>\n");
    }
    pages::document(link.section.title, &main)
}

/// Returns what the page says about whom.
fn facts(directory: &Directory, link: &PortalLink) -> Vec<(&'static str, String)> {
    let person = directory.people.get(&link.person_id);
    let organization = link.org_code.as_ref().and_then(|code| directory.organizations.get(code));
    let plans = if link.section.name.starts_with("organization_") {
        organization.map(|organization| &organization.subscriptions)
    } else {
        person.map(|person| &person.subscriptions)
    };
    let plans = plans.into_iter().flatten().filter_map(|held| directory.plans.get(&held.plan));
    let plans: Vec<_> = plans.map(|plan| plan.details.name.as_str()).collect();
    let facts = [
        ("Name", person.map(PersonRecord::full_name)),
        ("E-mail address", person.map(|person| person.email.clone())),
        ("Organization", organization.map(|organization| organization.name.clone())),
        ("Plans", Some(plans.join(", "))),
        ("Members", (link.section.name == "organization_members").then(|| members(directory, link))),
    ];
    let known = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.filter(|(_, value)| !value.is_empty()).collect()
}

fn members(directory: &Directory, link: &PortalLink) -> String {
    let code = link.org_code.as_deref().unwrap_or_default();
    let members = directory.people.values().filter(|person| person.membership(code).is_some());
    members.map(PersonRecord::full_name).collect::<Vec<_>>().join(", ")
}
