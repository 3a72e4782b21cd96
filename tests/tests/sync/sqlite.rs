//! The tables in SQLite.

use kinde_tests::scale::scaled;
use kinde_webhook::sync::{Applied, SqliteSync, UserState};
use serde_json::{Value, json};
use sqlx::{Row, SqlitePool, sqlite::SqlitePoolOptions};

use crate::history::{DUMP, Source, in_order, shuffled, user};

async fn tables() -> (SqliteSync, SqlitePool) {
    // One connection: each has a database in memory of its own.
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    let sync = SqliteSync::new(pool.clone());
    sync.migrate().await.unwrap();
    sync.migrate().await.unwrap();
    (sync, pool)
}

/// Everything in the three tables, as lines.
async fn dump(pool: &SqlitePool) -> Vec<String> {
    let rows = sqlx::query(DUMP).fetch_all(pool).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

async fn one(pool: &SqlitePool, sql: &'static str) -> Option<String> {
    sqlx::query(sql).fetch_optional(pool).await.unwrap().and_then(|row| row.get(0))
}

/// covers: H7
#[tokio::test]
async fn events_in_any_order_and_often_end_as_in_order() {
    let source = Source::start().await;
    let history = source.history();
    let (sync, pool) = tables().await;
    for event in in_order(&history) {
        sync.apply(&event).await.unwrap();
    }
    let expected = dump(&pool).await;
    // Two changes fell into one second: which of them is the last depends on their ids.
    assert!((6..=7).contains(&expected.len()), "{expected:#?}");
    for seed in 0..scaled("shuffles of a history, each event three times", 5_000) {
        let (sync, pool) = tables().await;
        for event in shuffled(&history, u64::from(seed)) {
            sync.apply(&event).await.unwrap();
        }
        assert_eq!(dump(&pool).await, expected, "seed {seed}");
    }
}

/// covers: H7
#[tokio::test]
async fn event_says_whether_it_changed_the_tables() {
    let source = Source::start().await;
    let (sync, _) = tables().await;
    let older = source.event("user.created", 1, user("kp_1", "a@x.example", "A", json!([])));
    let newer = source.event("user.updated", 2, user("kp_1", "b@x.example", "B", json!([])));
    let role = source.event("role.deleted", 3, json!({"role": {"id": "r"}}));
    assert_eq!(sync.apply(&newer).await.unwrap(), Applied::Written);
    assert_eq!(sync.apply(&older).await.unwrap(), Applied::Outdated);
    assert_eq!(sync.apply(&newer).await.unwrap(), Applied::Outdated);
    assert_eq!(sync.apply(&role).await.unwrap(), Applied::NotSynced);
    let malformed = source.event("user.deleted", 4, json!({"user": {}}));
    assert!(sync.apply(&malformed).await.unwrap_err().is_permanent());
}

#[tokio::test]
async fn deleted_person_leaves_nothing_but_the_tombstone() {
    let source = Source::start().await;
    let (sync, pool) = tables().await;
    let grant = json!([{"code": "org_1", "roles": null, "permissions": null}]);
    for event in [
        source.event("user.created", 1, user("kp_1", "a@x.example", "A", grant.clone())),
        source.event("user.deleted", 2, json!({"user": {"id": "kp_1"}})),
        source.event("user.updated", 1, user("kp_1", "a@x.example", "A", grant)),
    ] {
        sync.apply(&event).await.unwrap();
    }
    assert_eq!(dump(&pool).await.len(), 1);
    assert_eq!(one(&pool, "SELECT email FROM kinde_users").await, None);
    // A token that is still good does not bring the person back.
    let token = source.token("kp_1", 3, Some("a@x.example")).await;
    assert_eq!(sync.ensure_user(&token).await.unwrap(), UserState::Deleted);
    assert_eq!(one(&pool, "SELECT email FROM kinde_users").await, None);
}

#[tokio::test]
async fn first_request_before_the_webhook_makes_a_row_that_the_event_completes() {
    let source = Source::start().await;
    let (sync, pool) = tables().await;
    let token = source.token("kp_1", 5, None).await;
    for _ in 0..2 {
        assert_eq!(sync.ensure_user(&token).await.unwrap(), UserState::Active);
    }
    let created = source.event("user.created", 1, user("kp_1", "a@x.example", "Mira", json!([])));
    assert_eq!(sync.apply(&created).await.unwrap(), Applied::Written);
    assert_eq!(one(&pool, "SELECT first_name || email FROM kinde_users").await.unwrap(), "Miraa@x.example");
}

#[tokio::test]
async fn address_of_the_newer_of_token_and_event_stands() {
    let source = Source::start().await;
    let email = |second, email: &'static str| source.token("kp_1", second, Some(email));
    let event = |second, email| source.event("user.updated", second, user("kp_1", email, "M", json!([])));
    let address = "SELECT email FROM kinde_users";

    let (sync, pool) = tables().await;
    sync.ensure_user(&*email(20, "token@x.example").await).await.unwrap();
    sync.apply(&event(10, "event@x.example")).await.unwrap();
    assert_eq!(one(&pool, address).await.unwrap(), "token@x.example");
    assert_eq!(one(&pool, "SELECT first_name FROM kinde_users").await.unwrap(), "M");
    sync.apply(&event(30, "later@x.example")).await.unwrap();
    assert_eq!(one(&pool, address).await.unwrap(), "later@x.example");
    sync.ensure_user(&*email(25, "old@x.example").await).await.unwrap();
    assert_eq!(one(&pool, address).await.unwrap(), "later@x.example");
    sync.ensure_user(&*email(40, "newest@x.example").await).await.unwrap();
    assert_eq!(one(&pool, address).await.unwrap(), "newest@x.example");
}

#[tokio::test]
async fn suspended_person_is_told_apart() {
    let source = Source::start().await;
    let (sync, _) = tables().await;
    let mut data = user("kp_1", "a@x.example", "M", Value::Null);
    data["user"]["is_suspended"] = json!(true);
    sync.apply(&source.event("user.updated", 1, data)).await.unwrap();
    let token = source.token("kp_1", 2, None).await;
    assert_eq!(sync.ensure_user(&token).await.unwrap(), UserState::Suspended);
}

#[tokio::test]
async fn event_that_is_silent_on_organizations_leaves_the_memberships_and_null_ends_them() {
    let source = Source::start().await;
    let grant = || json!([{"code": "org_1", "roles": [{"id": "1", "key": "admin"}], "permissions": null}]);
    let mut silent = user("kp_1", "a@x.example", "N", json!([]));
    silent["user"].as_object_mut().unwrap().remove("organizations");
    let roles = "SELECT roles FROM kinde_memberships";
    let granted = source.event("user.created", 1, user("kp_1", "a@x.example", "M", grant()));
    let silent = source.event("user.updated", 2, silent);
    for order in [[&granted, &silent], [&silent, &granted]] {
        let (sync, pool) = tables().await;
        for event in order {
            sync.apply(event).await.unwrap();
        }
        assert_eq!(one(&pool, roles).await.unwrap(), r#"["admin"]"#);
        assert_eq!(one(&pool, "SELECT first_name FROM kinde_users").await.unwrap(), "N");
    }
    for none in [json!([]), Value::Null] {
        let (sync, pool) = tables().await;
        sync.apply(&granted).await.unwrap();
        sync.apply(&source.event("user.updated", 3, user("kp_1", "a@x.example", "N", none))).await.unwrap();
        assert_eq!(one(&pool, roles).await, None);
    }
}

/// covers: H8
#[tokio::test]
async fn empty_address_and_odd_characters_do_no_harm() {
    let source = Source::start().await;
    let (sync, pool) = tables().await;
    sync.apply(&source.event("user.created", 1, user("kp_1", "a@x.example", "a\0b", json!([]))))
        .await
        .unwrap();
    assert_eq!(one(&pool, "SELECT first_name FROM kinde_users").await.unwrap(), "ab");
    sync.ensure_user(&*source.token("kp_1", 2, Some("")).await).await.unwrap();
    assert_eq!(one(&pool, "SELECT email FROM kinde_users").await.unwrap(), "a@x.example");
}
