//! What is done for each event: a row in a table of our own. This is the part that one writes oneself.

use kinde_webhook::{Event, HandlerError, Payload};
use sqlx::{PgConnection, PgPool};

pub async fn create_table(pool: &PgPool) -> Result<(), sqlx::Error> {
    // No unique column on purpose: an event that were handled twice would show.
    let table = "create table if not exists handled (
        event_id text not null, event_type text not null, user_id text, handled_at timestamptz not null default now())";
    sqlx::query(table).execute(pool).await?;
    Ok(())
}

/// Writes in the transaction that also remembers the event: both are durable at once, or neither.
///
/// Any error is retried with `?`. What can never succeed says so, and is parked.
pub async fn handle(database: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
    let user_id = match event.payload().map_err(HandlerError::permanent)? {
        Payload::UserCreated(created) => Some(created.user.id().to_owned()),
        _ => None,
    };
    sqlx::query("insert into handled (event_id, event_type, user_id) values ($1, $2, $3)")
        .bind(event.id())
        .bind(event.event_type())
        .bind(user_id)
        .execute(database)
        .await?;
    Ok(())
}

pub async fn progress(pool: &PgPool) -> Result<String, sqlx::Error> {
    let counts = "select format('%s events stored, %s handled, %s of them twice',
        (select count(*) from apalis.jobs), count(*), count(*) - count(distinct event_id)) from handled";
    sqlx::query_scalar(counts).fetch_one(pool).await
}
