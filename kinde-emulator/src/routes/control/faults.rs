//! What goes wrong, for a path or for one request.

use axum::{
    Json,
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::{connection::Caller, faults::WrittenFault};

use super::{Details, Operation, Shared, done, guard, refusal};

pub(super) fn operations() -> Vec<Operation> {
    vec![Operation::act("fault", fault), Operation::act("clear_faults", clear_faults)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    path: String,
    fault: WrittenFault,
    /// How many requests it happens to; without it, every one.
    times: Option<usize>,
    /// How often, of a hundred times.
    percent: Option<u8>,
    /// Decides which times.
    #[serde(default)]
    seed: u64,
}

async fn fault(State(provider): Shared, Details(wanted): Details<Wanted>) -> Response {
    if !wanted.path.starts_with('/') {
        return refusal(StatusCode::BAD_REQUEST, "a path begins with a slash, such as /oauth2/token");
    }
    let mut fault = wanted.fault.fault();
    if let Some(percent) = wanted.percent {
        fault = fault.with_probability(percent, wanted.seed);
    }
    if let Some(times) = wanted.times {
        fault = fault.times(times);
    }
    provider.faults.add(&wanted.path, fault);
    done().into_response()
}

async fn clear_faults(State(provider): Shared) -> Json<Value> {
    provider.faults.clear();
    done()
}

/// Lets the fault that a request names in `X-Emulator-Fault` happen to it. In place only where the control API is, and
/// for those who may use that.
pub(crate) async fn of_one_request(
    ConnectInfo(caller): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(written) = request.headers_mut().remove("x-emulator-fault") else {
        return next.run(request).await;
    };
    if let Some(objection) = guard::objection_to(&caller, request.headers()) {
        return refusal(StatusCode::FORBIDDEN, objection);
    }
    match written.to_str().map_err(|error| error.to_string()).and_then(WrittenFault::read) {
        Ok(written) => {
            request.extensions_mut().insert(written.fault());
            next.run(request).await
        }
        Err(reason) => refusal(StatusCode::BAD_REQUEST, &format!("X-Emulator-Fault: {reason}")),
    }
}
