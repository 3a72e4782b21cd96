//! A Kinde environment in a process, for examples and tests: no account, no network.

mod access_token;
mod application;
mod authorization_request;
mod base64url;
mod builder;
mod claims;
mod client_authentication;
mod clock;

mod connection;
mod consent;
mod development_keys;
mod directory;
mod draft;
mod environment;
mod error;
mod faults;
mod fields;
mod grants;
mod guarded;
mod id_token;
mod identifiers;
mod jws;
mod key_ring;
mod machine;
mod machine_token;
mod organization;
mod person;
mod provider;
mod requests;
mod routes;
mod seed;
mod server;
mod sessions;
mod signing_key;
mod webhook_token;
mod wrong;

pub use builder::EnvironmentBuilder;
pub use environment::Environment;
pub use error::{SeedError, SignInError, StartError};
pub use faults::Fault;
pub use machine::Machine;
pub use organization::Organization;
pub use person::Person;
pub use seed::Seed;
pub use wrong::WrongToken;
