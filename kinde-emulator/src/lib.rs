//! A Kinde environment in a process, for examples and tests: no account, no network.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use kinde_emulator::{Environment, Fault};
//!
//! let kinde = Environment::start().await;
//! let alice = kinde.person("alice").in_org("acme").with("create:todos");
//! let good = alice.access_token();
//! let refused = alice.wrong().other_key();
//!
//! kinde.fault("/.well-known/jwks", Fault::Status(503));
//! kinde.rotate_keys();
//! assert_ne!(good, refused);
//! kinde.stop().await;
//! # }
//! ```
//!
//! # Map
//!
//! | To | Use |
//! |---|---|
//! | start, stop, pause, set the time, break an endpoint, rotate keys, count requests | [`Environment`] |
//! | choose issuer, client, audiences, callbacks, lifetimes, port | [`EnvironmentBuilder`] |
//! | mint a person's or a machine's tokens | [`Person`], [`Machine`] |
//! | mint tokens that must be refused, by name | [`WrongToken`] |
//! | make an endpoint fail | [`Fault`] |
//! | go back to an earlier state between tests | [`Environment::snapshot`], [`Snapshot`] |
//! | see what arrived | [`Environment::requests`], [`ReceivedRequest`] |
//! | change people, organizations, roles and permissions | [`Person::update`], [`Organization`], [`Role`], [`Permission`] |
//! | define feature flags, properties, and plans with entitlements | [`FeatureFlag`], [`Property`], [`Plan`] |
//! | send webhooks to a receiver, retry, repeat and shuffle them | [`Environment::add_webhook`], [`WebhookDelivery`] |
//! | send or sign an event of any type | [`WebhookEvent`] |
//! | describe a world in a file | [`Seed`] |
//! | sign a person in without a browser | [`Environment::sign_in`] |
//! | sign a person in on a device, invite somebody | [`Environment::allow_device`], [`Environment::invite`] |
//! | have a sign-in or a token request refused, or answered wrongly | [`Environment::refuse_next_sign_in`], [`WrongAnswer`] |
//! | do the same from a test in another language | [`EnvironmentBuilder::with_control_api`] |
//!
//! Over HTTP it answers discovery, the key set, the authorization endpoint with a sign-in page, the token endpoint,
//! device authorization, user profile, introspection, revocation and logout, the Account API with a link to the portal, and most of the
//! Management API. The program `kinde-emulator` serves the same on a fixed port.
//!
//! # What is not here
//!
//! Billing but for entitlements, 60 of the 183 operations of the Management API, and custom pages. The
//! README lists what is emulated, what is approximated and what is absent, with the evidence for each.
//!
//! # Security
//!
//! It listens on 127.0.0.1, unless an option that is called insecure says otherwise, and sends webhooks to this
//! computer only. Its private keys are part of this crate, so whoever trusts an issuer that publishes them trusts
//! everybody. Codes, refresh tokens and sessions are random, but nobody is asked for a password unless the seed gives
//! them one.

mod access_token;
mod api;
mod api_key;
mod application;
mod authorization_request;
mod base64url;
mod builder;
mod calendar;
mod callback;
mod callback_urls;
mod changes;
mod claims;
mod client_authentication;
mod clock;
mod connection;
mod consent;
mod development_keys;
mod device_grants;
mod devices;
mod directory;
mod draft;
mod entitlement;
mod environment;
mod error;
mod faults;
mod feature_flag;
mod fields;
mod forgetful_map;
mod grants;
mod guarded;
mod html;
mod id_token;
mod identifiers;
mod identity;
mod interaction;
mod invitations;
mod journey;
mod jws;
mod key_ring;
mod lifetimes;
mod listen_address;
mod machine;
mod machine_token;
mod on_demand;
mod organization;
mod password;
mod permission;
mod person;
mod person_changes;
mod plan;
mod portal;
mod property;
mod provider;
mod proving;
mod random;
mod reauth_state;
mod refresh_tokens;
mod requests;
mod role;
mod routes;
mod seed;
mod server;
mod sessions;
mod sign_in_count;
mod signing_key;
mod snapshot;
mod subscriber;
mod token_customisation;
mod user_tokens;
mod webhooks;
mod wrong;
mod wrong_names;

pub use builder::EnvironmentBuilder;
pub use entitlement::Entitlement;
pub use environment::Environment;
pub use error::{EndpointError, SeedError, SignInError, StartError};
pub use faults::Fault;
pub use feature_flag::{FeatureFlag, FeatureFlagDetails, FeatureFlagLevel, FeatureFlagType};
pub use machine::Machine;
pub use on_demand::{UnknownWrongAnswer, WrongAnswer};
pub use organization::{Organization, OrganizationDetails};
pub use permission::{Permission, PermissionDetails};
pub use person::Person;
pub use person_changes::PersonDetails;
pub use plan::{Plan, PlanDetails};
pub use property::{Property, PropertyContext, PropertyDetails};
pub use requests::ReceivedRequest;
pub use role::{Role, RoleDetails};
pub use seed::{Seed, SeedProblem};
pub use snapshot::Snapshot;
pub use webhooks::{
    EVENT_TYPES, Webhook, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookOutcome,
    WebhookStyle,
};
pub use wrong::WrongToken;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/testing.md")]
struct TestingGuide;
