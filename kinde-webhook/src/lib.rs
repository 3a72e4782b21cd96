//! Turns the webhooks of Kinde, signed JWTs, into events that are verified, typed and handled once.
//!
//! ```
//! use kinde_core::Kinde;
//! use kinde_webhook::{Event, HandlerError, WebhookService, WebhookVerifier, inbox::MemoryInbox};
//!
//! async fn sync(event: Event) -> Result<(), HandlerError> {
//!     println!("{} {}", event.event_type(), event.id());
//!     Ok(())
//! }
//!
//! # fn service(kinde: &Kinde) {
//! let webhooks = WebhookService::from_fn(WebhookVerifier::new(kinde), MemoryInbox::default(), sync);
//! // axum: Router::new().route_service("/webhooks/kinde", webhooks)
//! # let _: &dyn std::any::Any = &webhooks;
//! # }
//! ```
//!
//! # Map
//!
//! | To | Look at |
//! | --- | --- |
//! | verify a body, anywhere | [`WebhookVerifier`] gives an [`Event`], which nothing else constructs |
//! | know what it says | [`Event`] for the envelope, [`payload`] for the 27 types, raw JSON for the rest |
//! | receive over HTTP | [`WebhookService`] for any tower stack; in axum also the extractor `kinde_axum::Webhook` |
//! | handle by type | [`Dispatcher`]; errors are [retryable or permanent](HandlerError) |
//! | handle once | [`inbox`] remembers, [`Once`] reserves, runs, confirms or gives back; `ExactlyOnce` joins the handler's transaction |
//! | keep people and organizations in tables | `sync`, with feature `postgres` or `sqlite` |
//! | accept now, work later | [`Forward`] stores a [`StoredEvent`] in your queue; the worker verifies it again and calls [`Process::process`] |
//!
//! # Answers
//!
//! Exactly 200 acknowledges; everything else makes Kinde try again, for 36 hours.
//!
//! | Status | When |
//! | --- | --- |
//! | 200 | handled, a duplicate of a handled event, parked, stored for a worker |
//! | 400, 401 | not an event; not signed by the environment |
//! | 405, 413, 415 | not `POST`, too long, not `application/jwt` |
//! | 503 with `Retry-After` | what a retry can cure: keys, inbox, handler, an event in flight |
//!
//! # What is not here
//!
//! No queue, no broker and no retry of its own: Kinde retries over HTTP, and a queue does in a worker. No call to
//! the management API. An event does not say which environment sent it: whoever has several gives each its path.
//!
//! # Features
//!
//! - `reqwest` (default): key sets are fetched with kinde-core's HTTP client.
//! - `postgres`: `inbox::PostgresInbox` and `sync::PostgresSync`, on sqlx 0.9, which needs Rust 1.94.
//! - `sqlite`: `sync::SqliteSync`, likewise.
//! - `redis`: `inbox::RedisInbox`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::arithmetic_side_effects)]

mod dispatcher;
mod error;
mod event;
#[cfg(feature = "postgres")]
mod exactly_once;
mod forward;
mod handler;
pub mod inbox;
mod once;
pub mod payload;
mod process;
mod receive;
mod report;
mod response;
mod service;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod sync;
mod verifier;

pub use dispatcher::{Dispatcher, HandlePayload};
pub use error::{HandlerError, WebhookError, WebhookErrorKind, WebhookReason};
pub use event::{Event, FromEvent, Source};
#[cfg(feature = "postgres")]
pub use exactly_once::{ExactlyOnce, Joined};
pub use forward::{Forward, StoredEvent};
pub use handler::HandlerFn;
pub use inbox::{EventKey, Inbox, InboxError, Lease, Reservation, Terms};
pub use once::Once;
pub use payload::{EventPayload, MalformedPayload, Payload};
pub use process::{Disposition, Process};
pub use receive::Reception;
pub use service::WebhookService;
pub use verifier::WebhookVerifier;
