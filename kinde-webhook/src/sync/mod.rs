//! People, organizations and memberships in tables of your own, kept by events and by first requests.
//!
//! Three tables are written: `kinde_users`, `kinde_organizations` and `kinde_memberships`, keyed by Kinde's ids. Whatever
//! the order in which events arrive, and however often, the tables end the same: an older event never overwrites a
//! newer one, and a deletion leaves a tombstone without personal data.
//!
//! - Memberships come from `user.created` and `user.updated`, which list a person's organizations: Kinde sends no event
//!   about memberships.
//! - An event that is silent on a part (the organizations, whether the person is suspended) leaves it to the newest that
//!   is not. Organizations that are `null` are none.
//! - The memberships of a deleted organization stay until the people's own events say otherwise: join
//!   `kinde_organizations` and leave out `is_deleted`.
//! - A person's first request can come before the webhook, and a bulk import sends none: call `ensure_user` with the
//!   verified identity. The e-mail address of the newer of token and event stands.
//! - Scope your queries by the token's subject, never by an id that the client sent.
//!
//! It is small on purpose. An application that needs other columns writes a handler of its own, with the same guard:
//! compare [`Event::happened_at`](crate::Event::happened_at), and the event's id where two are equal.

mod database;
mod ensure;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;

#[cfg(feature = "postgres")]
pub use postgres::PostgresSync;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteSync;

/// What an event did to the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Applied {
    /// It was the newest about its subject, or a part of it; it is written.
    Written,
    /// A newer one was here before it, or it was itself; nothing is changed.
    Outdated,
    /// It is not about people or organizations.
    NotSynced,
}

/// What is known of a person who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserState {
    /// Nothing speaks against them.
    Active,
    /// Kinde suspended them; their access token is still good until it expires.
    Suspended,
    /// Kinde deleted them; their access token is still good until it expires.
    Deleted,
}

impl UserState {
    fn of(is_suspended: bool, is_deleted: bool) -> Self {
        match (is_suspended, is_deleted) {
            (_, true) => Self::Deleted,
            (true, false) => Self::Suspended,
            (false, false) => Self::Active,
        }
    }
}

/// The database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("the database of the sync does not answer")]
pub struct SyncError(#[source] Box<dyn std::error::Error + Send + Sync>);
