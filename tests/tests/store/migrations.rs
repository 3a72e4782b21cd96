//! The inbox's tables beside those of others.

use kinde_tests::servers;
use kinde_webhook::inbox::PostgresInbox;
use sqlx::{
    Row, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::conformance::{key, take};

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_that_start_at_once_make_the_tables_once() {
    let server = servers::postgres().await;
    let mut starts = Vec::new();
    for _ in 0..8 {
        let inbox = PostgresInbox::new(server.pool().await);
        starts.push(tokio::spawn(async move { inbox.migrate().await }));
    }
    for start in starts {
        start.await.unwrap().unwrap();
    }
    assert_eq!(count(&server.pool().await, "select count(*) from _kinde_webhook_migrations").await, 1);
}

#[tokio::test]
async fn migrations_of_the_application_and_of_the_inbox_do_not_see_each_other() {
    let server = servers::postgres().await;
    let pool = server.pool().await;
    let inbox = PostgresInbox::new(pool.clone());

    application(1).run(&pool).await.unwrap();
    inbox.migrate().await.unwrap();
    application(2).run(&pool).await.unwrap();
    inbox.migrate().await.unwrap();

    take(&inbox, &key("one")).await;
    assert_eq!(count(&pool, "select count(*) from _sqlx_migrations").await, 2);
    assert_eq!(count(&pool, "select count(*) from _kinde_webhook_migrations").await, 1);
    assert_eq!(count(&pool, "select count(*) from shop_1, shop_2").await, 0);
}

/// An application's migrator, which refuses a database that has migrations it does not know.
fn application(versions: i64) -> Migrator {
    let migrations = (1..=versions).map(|version| {
        let sql = sqlx::AssertSqlSafe(format!("create table shop_{version} (id bigint)")).into_sql_str();
        Migration::new(version, "shop".into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

async fn count(pool: &sqlx::PgPool, sql: &'static str) -> i64 {
    sqlx::query(sql).fetch_one(pool).await.unwrap().get(0)
}
