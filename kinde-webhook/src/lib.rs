//! Turns the webhooks of Kinde, signed JWTs, into events that are verified, typed and handled once.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::arithmetic_side_effects)]

mod dispatcher;
mod error;
mod event;
mod handler;
pub mod inbox;
mod once;
pub mod payload;
mod process;
mod receive;
mod report;
mod response;
mod service;
mod verifier;

pub use dispatcher::{Dispatcher, HandlePayload};
pub use error::{HandlerError, WebhookError, WebhookErrorKind, WebhookReason};
pub use event::{Event, FromEvent, Source};
pub use handler::HandlerFn;
pub use inbox::{EventKey, Inbox, InboxError, Lease, Reservation};
pub use once::Once;
pub use payload::{EventPayload, MalformedPayload, Payload};
pub use process::{Disposition, Process};
pub use receive::Reception;
pub use service::WebhookService;
pub use verifier::WebhookVerifier;
