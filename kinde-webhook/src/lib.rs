//! Turns the webhooks of Kinde, signed JWTs, into events that are verified, typed and handled once.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::arithmetic_side_effects)]

mod error;
mod event;
pub mod inbox;
pub mod payload;
mod verifier;

pub use error::{HandlerError, WebhookError, WebhookErrorKind, WebhookReason};
pub use event::{Event, Source};
pub use inbox::{EventKey, Inbox, InboxError, Lease, Reservation};
pub use payload::{EventPayload, MalformedPayload, Payload};
pub use verifier::WebhookVerifier;
