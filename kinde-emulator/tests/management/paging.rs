//! The two ways in which lists come in pages.

use serde_json::{Value, json};

use crate::calling::{Api, each, world};

async fn api_with_roles(count: usize) -> (kinde_emulator::Environment, Api) {
    let (kinde, api) = world().await;
    for number in 0..count {
        kinde.role(&format!("role_{number:03}"));
    }
    (kinde, api)
}

#[tokio::test]
async fn next_token_leads_through_the_whole_list_once() {
    let (_kinde, api) = api_with_roles(25).await;
    let mut seen = Vec::new();
    let mut path = "roles?sort=key_asc".to_owned();
    loop {
        let page = api.got(&path).await;
        seen.extend(each(&page["roles"], "key").into_iter().map(str::to_owned));
        let Some(token) = page["next_token"].as_str() else { break };
        path = format!("roles?sort=key_asc&next_token={token}");
    }
    let expected: Vec<_> = (0..25).map(|number| format!("role_{number:03}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn page_has_ten_items_unless_asked_and_500_at_most() {
    let (_kinde, api) = api_with_roles(12).await;
    for (query, items, has_next) in [
        ("", 10, true),
        ("?page_size=", 10, true),
        ("?page_size=12", 12, false),
        ("?page_size=500", 12, false),
        ("?page_size=1", 1, true),
    ] {
        let page = api.got(&format!("roles{query}")).await;
        assert_eq!(page["roles"].as_array().unwrap().len(), items, "{query}");
        assert_eq!(page["next_token"].is_string(), has_next, "{query}");
    }
    for (query, code) in [
        ("501", "PAGE_SIZE_LIMIT_EXCEEDED"),
        ("0", "PAGE_SIZE_INVALID"),
        ("-1", "PAGE_SIZE_INVALID"),
        ("ten", "PAGE_SIZE_INVALID"),
    ] {
        let refused = api.refused(&format!("GET roles?page_size={query}"), Value::Null).await;
        assert_eq!(refused, (400, code.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn next_token_of_another_list_or_order_is_refused() {
    let (_kinde, api) = api_with_roles(12).await;
    let page = api.got("roles?sort=key_asc").await;
    let token = page["next_token"].as_str().unwrap();
    for path in [
        format!("roles?sort=name_asc&next_token={token}"),
        format!("users?next_token={token}"),
        "roles?next_token=%25".to_owned(),
    ] {
        let refused = api.refused(&format!("GET {path}"), Value::Null).await;
        assert_eq!(refused, (400, "NEXT_TOKEN_INVALID".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn ids_lead_through_a_list_in_both_directions() {
    let (kinde, api) = world().await;
    for key in ["a", "b", "c", "d", "e"] {
        kinde.property(key);
    }
    let all = api.got("properties").await;
    let ids = each(&all["properties"], "id");
    assert_eq!((ids.len(), &all["has_more"]), (5, &json!(false)));
    let rows = [
        ("page_size=2".to_owned(), &ids[0..2], true),
        (format!("page_size=2&starting_after={}", ids[1]), &ids[2..4], true),
        (format!("page_size=2&starting_after={}", ids[3]), &ids[4..5], false),
        (format!("page_size=2&starting_after={}", ids[4]), &ids[5..5], false),
        (format!("page_size=2&ending_before={}", ids[3]), &ids[1..3], true),
        (format!("page_size=2&ending_before={}", ids[2]), &ids[0..2], false),
        (format!("ending_before={}", ids[0]), &ids[0..0], false),
    ];
    for (query, expected, has_more) in rows {
        let page = api.got(&format!("properties?{query}")).await;
        assert_eq!(each(&page["properties"], "id"), expected, "{query}");
        assert_eq!(page["has_more"], has_more, "{query}");
    }
    let both = format!("GET properties?starting_after={}&ending_before={}", ids[0], ids[1]);
    assert_eq!(api.refused(&both, Value::Null).await.1, "TOO_MANY_PARAMETERS");
    let unknown = api.refused("GET properties?starting_after=prop_1", Value::Null).await;
    assert_eq!(unknown, (400, "STARTING_AFTER_INVALID".to_owned()));
}
