//! The tables in PostgreSQL, where events of one person also arrive at the same moment.

use kinde_tests::scale::scaled;
use kinde_tests::servers;
use kinde_webhook::sync::{Applied, PostgresSync, UserState};
use serde_json::json;
use sqlx::{PgPool, Row};
use tokio::task::JoinSet;

use crate::history::{DUMP, Source, in_order, shuffled, user};

async fn dump(pool: &PgPool) -> Vec<String> {
    let rows = sqlx::query(DUMP).fetch_all(pool).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

async fn clear(pool: &PgPool) {
    for table in
        ["DELETE FROM kinde_users", "DELETE FROM kinde_organizations", "DELETE FROM kinde_memberships"]
    {
        sqlx::query(table).execute(pool).await.unwrap();
    }
}

/// covers: H7
#[tokio::test(flavor = "multi_thread")]
async fn events_at_the_same_moment_end_as_in_order() {
    let source = Source::start().await;
    let postgres = servers::postgres().await;
    let pool = postgres.pool().await;
    let sync = PostgresSync::new(pool.clone());
    // As several processes do that start together.
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        let sync = sync.clone();
        starting.spawn(async move { sync.migrate().await });
    }
    while let Some(migrated) = starting.join_next().await {
        migrated.unwrap().unwrap();
    }
    let history = source.history();
    for event in in_order(&history) {
        sync.apply(&event).await.unwrap();
    }
    let expected = dump(&pool).await;
    // Two changes fell into one second: which of them is the last depends on their ids.
    assert!((6..=7).contains(&expected.len()), "{expected:#?}");
    for seed in 0..scaled("shuffles of a history, eight events at a time", 2_000) {
        clear(&pool).await;
        let mut events = shuffled(&history, u64::from(seed)).into_iter();
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < 8
                && let Some(event) = events.next()
            {
                let sync = sync.clone();
                under_way.spawn(async move { sync.apply(&event).await.map_err(|error| error.to_string()) });
            }
            match under_way.join_next().await {
                Some(applied) => drop(applied.unwrap().unwrap()),
                None => break,
            }
        }
        assert_eq!(dump(&pool).await, expected, "seed {seed}");
    }
}

/// covers: H7
#[tokio::test]
async fn event_in_a_transaction_that_is_rolled_back_leaves_nothing() {
    let source = Source::start().await;
    let postgres = servers::postgres().await;
    let pool = postgres.pool().await;
    let sync = PostgresSync::new(pool.clone());
    sync.migrate().await.unwrap();
    let event = source.event("user.created", 1, user("kp_1", "a@x.example", "A", json!([])));
    let mut transaction = pool.begin().await.unwrap();
    assert_eq!(sync.apply_in(&mut transaction, &event).await.unwrap(), Applied::Written);
    transaction.rollback().await.unwrap();
    assert!(dump(&pool).await.is_empty());
    assert_eq!(sync.apply(&event).await.unwrap(), Applied::Written);
}

/// covers: H8
#[tokio::test]
async fn name_with_a_nul_is_written_without_it() {
    let source = Source::start().await;
    let postgres = servers::postgres().await;
    let sync = PostgresSync::new(postgres.pool().await);
    sync.migrate().await.unwrap();
    let event = source.event("user.created", 1, user("kp_1", "a@x.example", "a\0b", json!([])));
    assert_eq!(sync.apply(&event).await.unwrap(), Applied::Written);
}

#[tokio::test]
async fn first_requests_at_the_same_moment_make_one_row() {
    let source = Source::start().await;
    let postgres = servers::postgres().await;
    let pool = postgres.pool().await;
    let sync = PostgresSync::new(pool.clone());
    sync.migrate().await.unwrap();
    let token = source.token("kp_1", 5, Some("a@x.example")).await;
    let mut requests = JoinSet::new();
    for _ in 0..20 {
        let (sync, token) = (sync.clone(), token.clone());
        requests.spawn(async move { sync.ensure_user(&token).await });
    }
    while let Some(state) = requests.join_next().await {
        assert_eq!(state.unwrap().unwrap(), UserState::Active);
    }
    assert_eq!(dump(&pool).await.len(), 1);
    let deleted = source.event("user.deleted", 6, json!({"user": {"id": "kp_1"}}));
    sync.apply(&deleted).await.unwrap();
    assert_eq!(sync.ensure_user(&token).await.unwrap(), UserState::Deleted);
}
