//! People and organizations in tables: whatever the order of arrival, the tables end the same.

mod history;
mod postgres;
mod sqlite;
