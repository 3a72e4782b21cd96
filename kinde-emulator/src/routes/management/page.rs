//! The two ways in which lists come in pages.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{call::Call, failure::Failure};

/// A page of the older kind: `next_token` leads to the next one.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next_token: Option<String>,
}

/// Cuts the page that `page_size` and `next_token` ask for. The token is how many items were skipped and the order,
/// as in Kinde's examples: `MTA6OmVtYWls` is `10::email`.
pub(super) fn by_token<T>(call: &Call<'_>, items: Vec<T>, order: &str) -> Result<Page<T>, Failure> {
    let size = size(call, USUAL_SIZE)?;
    let skipped = call.query("next_token").map_or(Ok(0), |token| skipped(token, order))?;
    let total = items.len();
    let items: Vec<_> = items.into_iter().skip(skipped).take(size).collect();
    let seen = skipped.saturating_add(items.len());
    let next_token = (seen < total && !items.is_empty()).then(|| STANDARD.encode(format!("{seen}::{order}")));
    Ok(Page { items, next_token })
}

/// Cuts the page that `page_size`, `starting_after` and `ending_before` ask for; tells whether there is more.
pub(super) fn by_id<T>(
    call: &Call<'_>,
    mut items: Vec<T>,
    usual_size: usize,
    id: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, bool), Failure> {
    let size = size(call, usual_size)?;
    let place = |name: &str| {
        let Some(wanted) = call.query(name) else { return Ok(None) };
        let place = items.iter().position(|item| id(item) == wanted);
        place.map(Some).ok_or_else(|| {
            let code = format!("{}_INVALID", name.to_ascii_uppercase());
            Failure::invalid(code, format!("{name} names nothing in this list"))
        })
    };
    match (place("starting_after")?, place("ending_before")?) {
        (Some(_), Some(_)) => {
            let message = "starting_after and ending_before exclude each other";
            Err(Failure::invalid("TOO_MANY_PARAMETERS", message))
        }
        (after, None) => {
            items.drain(..after.map_or(0, |place| place.saturating_add(1)));
            let has_more = items.len() > size;
            items.truncate(size);
            Ok((items, has_more))
        }
        (None, Some(before)) => {
            items.truncate(before);
            let left_out = before.saturating_sub(size);
            items.drain(..left_out);
            Ok((items, left_out > 0))
        }
    }
}

fn size(call: &Call<'_>, usual: usize) -> Result<usize, Failure> {
    let Some(asked) = call.query("page_size") else { return Ok(usual) };
    match asked.parse() {
        Ok(0) | Err(_) => {
            Err(Failure::invalid("PAGE_SIZE_INVALID", "page_size has to be a number from 1 to 500"))
        }
        Ok(size) if size > MOST => {
            Err(Failure::invalid("PAGE_SIZE_LIMIT_EXCEEDED", "page_size has to be 500 or less"))
        }
        Ok(size) => Ok(size),
    }
}

fn skipped(token: &str, order: &str) -> Result<usize, Failure> {
    let decoded = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded
        .as_deref()
        .and_then(|text| text.split_once("::"))
        .filter(|(_, known)| *known == order)
        .and_then(|(skipped, _)| skipped.parse().ok())
        .ok_or_else(|| Failure::invalid("NEXT_TOKEN_INVALID", "next_token is not one of this list"))
}

/// What a page has unless the call says otherwise.
pub(super) const USUAL_SIZE: usize = 10;

/// What a page has at most.
const MOST: usize = 500;
