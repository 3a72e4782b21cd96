//! Kinde identities and gates for any tower service.

mod body;
mod credential;
mod event;
mod future;
mod layer;
mod rejection;
mod require;
mod service;

pub use body::ResponseBody;
pub use event::Outcome;
pub use future::ResponseFuture;
pub use layer::KindeLayer;
pub use rejection::{ProblemJson, Refusal, RefusalStyle, RenderRefusal};
pub use require::{Require, RequireLayer, check, identity, require};
pub use service::KindeService;

pub use kinde_core;
