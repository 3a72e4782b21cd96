//! One page of a list.

use http::Uri;
use serde_json::{Value, json};

use crate::fields::Fields;

use super::refusal::Refusal;

/// One page of a list of items that have ids, and what follows it.
#[derive(Debug, PartialEq)]
pub(super) struct PageOf {
    pub(super) items: Vec<Value>,
    has_more: bool,
}

impl PageOf {
    /// Cuts the page out that `page_size` and `starting_after` ask for.
    ///
    /// Kinde's specification says 10 unless told otherwise; its general documentation says 500 at most. That
    /// anything else is an error, and not the nearest that works, is a guess.
    pub(super) fn cut(items: Vec<Value>, uri: &Uri) -> Result<Self, Refusal> {
        let fields = Fields::of_uri(uri);
        let size = match fields.get("page_size") {
            None => USUAL_SIZE,
            Some(size) => {
                let size = size.parse().ok().filter(|size| (1..=MAXIMUM_SIZE).contains(size));
                size.ok_or(Refusal::PageSize)?
            }
        };
        let skipped = match fields.get("starting_after") {
            None => 0,
            Some(last) => {
                let place = items.iter().position(|item| id(item) == Some(last));
                place.ok_or(Refusal::StartingAfter)?.saturating_add(1)
            }
        };
        let has_more = items.len() > skipped.saturating_add(size);
        let items = items.into_iter().skip(skipped).take(size).collect();
        Ok(Self { items, has_more })
    }

    /// Writes `metadata`; the last id is there on the last page too.
    pub(super) fn metadata(&self) -> Value {
        let last = self.items.last().and_then(id);
        json!({ "has_more": self.has_more, "next_page_starting_after": last })
    }
}

fn id(item: &Value) -> Option<&str> {
    item.get("id")?.as_str()
}

const USUAL_SIZE: usize = 10;
const MAXIMUM_SIZE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(query: &str) -> Result<PageOf, Refusal> {
        let items = (1..=11).map(|number| json!({ "id": format!("perm_{number}") })).collect();
        PageOf::cut(items, &format!("/account_api/v1/permissions{query}").parse().unwrap())
    }

    #[test]
    fn page_has_ten_items_unless_asked_for_another_number() {
        let rows = [
            ("", 10, true, "perm_10"),
            ("?page_size=10", 10, true, "perm_10"),
            ("?page_size=11", 11, false, "perm_11"),
            ("?page_size=1", 1, true, "perm_1"),
            ("?page_size=500", 11, false, "perm_11"),
            ("?starting_after=perm_10", 1, false, "perm_11"),
            ("?starting_after=perm_2&page_size=3", 3, true, "perm_5"),
        ];
        for (query, count, has_more, last) in rows {
            let page = cut(query).unwrap();
            assert_eq!(page.items.len(), count, "{query}");
            let metadata = json!({ "has_more": has_more, "next_page_starting_after": last });
            assert_eq!(page.metadata(), metadata, "{query}");
        }
    }

    #[test]
    fn page_that_cannot_be_is_refused() {
        for size in ["0", "501", "-1", "ten", "1e1", "99999999999999999999"] {
            assert_eq!(cut(&format!("?page_size={size}")), Err(Refusal::PageSize), "{size}");
        }
        assert_eq!(cut("?starting_after=perm_12"), Err(Refusal::StartingAfter));
    }

    #[test]
    fn page_after_the_last_item_is_empty() {
        let page = cut("?starting_after=perm_11").unwrap();
        assert_eq!(page.metadata(), json!({ "has_more": false, "next_page_starting_after": null }));
    }
}
