//! What the measuring programs share: a clock that counts only this thread's work, an environment that mints tokens,
//! and the applications that are compared.

pub mod apps;
pub mod environment;
pub mod limit;
pub mod measure;
pub mod program;
pub mod redis_server;
pub mod report;
