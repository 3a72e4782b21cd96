//! `GET /account_api/v1/entitlements`, `/entitlement/{key}` and `/entitlement?key=`.

use axum::{Json, extract::Path};
use http::Uri;
use serde_json::{Value, json};

use crate::{calendar, directory::Directory, entitlement::Entitlement, fields::Fields, plan::Subscription};

use super::{caller::Caller, page_of::PageOf, refusal::Refusal};

/// Lists the plans that the caller's organization or the caller is subscribed to, and what those entitle to.
///
/// Pages are of entitlements; that the plans are on every page is a guess.
pub(super) async fn all(caller: Caller, uri: Uri) -> Result<Json<Value>, Refusal> {
    let (plans, items) = {
        let directory = caller.provider.directory.lock();
        let plans: Vec<_> = subscriptions(&caller, &directory).map(|held| plan(&directory, held)).collect();
        (plans, items(&caller, &directory))
    };
    let page = PageOf::cut(items, &uri)?;
    let metadata = page.metadata();
    let data = json!({ "org_code": caller.org_code, "plans": plans, "entitlements": page.items });
    Ok(Json(json!({ "data": data, "metadata": metadata })))
}

/// Shows the entitlement to one feature, as the documentation and js-utils ask for it.
pub(super) async fn one(caller: Caller, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    let items = items(&caller, &caller.provider.directory.lock());
    let entitlement =
        items.into_iter().find(|item| item.get("feature_key").is_some_and(|known| *known == key));
    let entitlement = entitlement.ok_or(Refusal::NoSuchEntitlement)?;
    let data = json!({ "org_code": caller.org_code, "entitlement": entitlement });
    Ok(Json(json!({ "data": data, "metadata": {} })))
}

/// The same with the key in the query, which is where clients generated from the specification may put it.
pub(super) async fn one_by_query(caller: Caller, uri: Uri) -> Result<Json<Value>, Refusal> {
    let fields = Fields::of_uri(&uri);
    let key = fields.get("key").ok_or(Refusal::MissingKey)?.to_owned();
    one(caller, Path(key)).await
}

/// Returns the organization's subscriptions, then the person's own.
fn subscriptions<'a>(caller: &Caller, directory: &'a Directory) -> impl Iterator<Item = &'a Subscription> {
    let organization = caller.organization(directory).into_iter();
    let person = caller.person(directory).into_iter();
    let of_organization = organization.flat_map(|organization| &organization.subscriptions);
    of_organization.chain(person.flat_map(|person| &person.subscriptions))
}

fn plan(directory: &Directory, held: &Subscription) -> Value {
    let name = directory.plans.get(&held.plan).map(|plan| plan.details.name.as_str());
    let subscribed_on = format!("{}Z", calendar::date_time(held.subscribed_on));
    json!({ "key": held.plan, "name": name, "subscribed_on": subscribed_on })
}

fn items(caller: &Caller, directory: &Directory) -> Vec<Value> {
    let plans = subscriptions(caller, directory).filter_map(|held| directory.plans.get(&held.plan));
    plans.flat_map(|plan| plan.entitlements.iter().map(|held| item(&plan.key, held))).collect()
}

fn item(plan: &str, held: &Entitlement) -> Value {
    json!({
        "id": held.id(plan),
        "fixed_charge": held.fixed_charge,
        "price_name": held.price_name,
        "unit_amount": held.unit_amount,
        "feature_key": held.feature_key,
        "feature_name": held.feature_name,
        // How Kinde writes that there is no limit is not documented; null is the candidate that cannot be counted.
        "entitlement_limit_max": held.maximum,
        "entitlement_limit_min": held.minimum,
    })
}
