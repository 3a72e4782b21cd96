//! Sessions: what they are, where they are kept, when they are refreshed or dead.

mod claim;
mod csrf;
mod find;
#[cfg(test)]
mod frozen;
mod future;
mod handle;
mod keeper;
mod layer;
mod memory;
mod opened;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod refresh;
mod rivals;
mod store;
mod unread;
mod user;

#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use future::ResponseFuture;
pub use handle::SessionHandle;
pub use layer::{SessionLayer, SessionService};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
pub use record::SessionId;
pub use store::{Lives, SessionStore, StoreError, StoreFuture, Stored};
pub use user::{SessionUser, UserOrganization};

pub(crate) use csrf::CrossSite;
pub(crate) use find::Missing;
pub(crate) use keeper::{Keeper, Lifetimes, Place};
pub(crate) use layer::{Found, Sessions};
pub(crate) use record::{Facts, Session};
pub(crate) use refresh::{passes_by_itself, refused_token};
