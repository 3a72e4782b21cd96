//! Real servers for tests: a PostgreSQL and a Redis of their own, or those that `DATABASE_URL` and `REDIS_URL` name.
//!
//! A server that cannot be started fails the test, with the Debian package to install. A private server listens on
//! 127.0.0.1 alone, keeps its files in the directory for temporary ones, and ends with its handle, or when the
//! process of the tests ends in whatever way.

mod nginx;
mod passage;
mod postgres;
mod process;
mod proxy;
mod redis;
pub mod redis_wire;
pub mod wire;

pub use nginx::{Nginx, nginx};
pub use postgres::{Postgres, own_postgres, postgres};
pub use proxy::Proxy;
pub use redis::{Redis, own_redis, redis};
