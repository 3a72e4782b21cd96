//! `GET /account_api/v1/portal_link`: a link to the self-serve portal.

use axum::Json;
use http::Uri;
use serde_json::{Value, json};

use crate::{
    fields::Fields,
    portal::{PortalLink, Section},
};

use super::{caller::Caller, refusal::Refusal};

/// Makes a link that opens the portal once, within five minutes.
///
/// The specification and js-utils call the section `subnav`, the documentation and other SDKs `sub_nav`. That the
/// way back has to lead to a registered application is a guess: anything else would be an open redirect.
pub(super) async fn link(caller: Caller, uri: Uri) -> Result<Json<Value>, Refusal> {
    let fields = Fields::of_uri(&uri);
    let section = match fields.get("subnav").or_else(|| fields.get("sub_nav")) {
        None => Section::default(),
        Some(name) => Section::named(name).ok_or(Refusal::Subnav)?,
    };
    let return_url = fields.get("return_url").map(str::to_owned);
    let provider = &caller.provider;
    if let Some(url) = &return_url
        && !provider.directory.lock().has_application_at(url)
    {
        return Err(Refusal::ReturnUrl);
    }
    let link = PortalLink { person_id: caller.person_id, org_code: caller.org_code, section, return_url };
    let key = provider.portal_links.lock().issue(link, provider.clock.now());
    Ok(Json(json!({ "url": format!("{}/portal_redirect?key={key}", provider.url) })))
}
