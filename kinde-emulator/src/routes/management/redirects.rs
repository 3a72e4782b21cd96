//! Where an application's answers may go: callbacks and logout URLs.

use serde_json::json;

use crate::application::Application;

use super::{
    answer::{Answer, success},
    applications,
    call::Call,
    failure::Failure,
};

pub(super) fn callbacks(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    success(json!({ "redirect_urls": applications::known(call, &directory)?.callbacks }))
}

pub(super) fn logout_urls(call: &Call<'_>) -> Answer {
    let directory = call.provider.directory.lock();
    success(json!({ "logout_urls": applications::known(call, &directory)?.logout_urls }))
}

pub(super) fn add_callbacks(call: &Call<'_>) -> Answer {
    add(call, |application| &mut application.callbacks)
}

pub(super) fn add_logout_urls(call: &Call<'_>) -> Answer {
    add(call, |application| &mut application.logout_urls)
}

pub(super) fn replace_callbacks(call: &Call<'_>) -> Answer {
    replace(call, |application| &mut application.callbacks)
}

pub(super) fn replace_logout_urls(call: &Call<'_>) -> Answer {
    replace(call, |application| &mut application.logout_urls)
}

pub(super) fn delete_callbacks(call: &Call<'_>) -> Answer {
    delete(call, |application| &mut application.callbacks)
}

pub(super) fn delete_logout_urls(call: &Call<'_>) -> Answer {
    delete(call, |application| &mut application.logout_urls)
}

fn add(call: &Call<'_>, list: fn(&mut Application) -> &mut Vec<String>) -> Answer {
    let urls = urls(call)?;
    applications::change(call, |application| {
        let known = list(application);
        let new: Vec<_> = urls.into_iter().filter(|url| !known.contains(url)).collect();
        known.extend(new);
        Ok(())
    })
}

fn replace(call: &Call<'_>, list: fn(&mut Application) -> &mut Vec<String>) -> Answer {
    let urls = urls(call)?;
    applications::change(call, |application| {
        *list(application) = urls;
        Ok(())
    })
}

fn delete(call: &Call<'_>, list: fn(&mut Application) -> &mut Vec<String>) -> Answer {
    let urls = call.query_list("urls");
    if urls.is_empty() {
        return Err(required());
    }
    applications::change(call, |application| {
        list(application).retain(|known| !urls.contains(&known.as_str()));
        Ok(())
    })
}

fn urls(call: &Call<'_>) -> Result<Vec<String>, Failure> {
    let urls = call.texts("urls")?.ok_or_else(required)?;
    // Native applications have schemes of their own, and a host may hold `*` or `{organization.handle}`.
    match urls.iter().find(|url| !url.contains("://")) {
        Some(wrong) => {
            let message = format!("urls has to hold URLs like http://localhost:3000, not {wrong}");
            Err(Failure::invalid("URLS_INVALID", message))
        }
        None => Ok(urls),
    }
}

fn required() -> Failure {
    Failure::invalid("URLS_REQUIRED", "urls is required")
}
