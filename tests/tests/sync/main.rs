//! People and organizations in tables: whatever the order of arrival, the tables end the same.

mod history;
mod postgres;
#[path = "../story/scale.rs"]
mod scale;
mod sqlite;
