//! What is told to logs and metrics. Fields are low in cardinality but for `reason`, which is escaped and cut.

use std::{
    fmt,
    sync::{Arc, Once},
};

use kinde_core::{AuthError, AuthErrorKind, Identity};

/// The outcome of one request at a [`KindeLayer`](crate::KindeLayer), for metrics.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// No credential; let pass.
    Anonymous,
    /// The credential of a session was refused; the request goes on as anonymous.
    SessionRefused(&'a AuthError),
    /// A verified credential.
    Authenticated(&'a Identity),
    /// Refused. [`AuthError::code`] is a good label: stable, and few.
    Refused(&'a AuthError),
}

/// A function that is told every outcome.
#[derive(Clone)]
pub(crate) struct Observer(pub(crate) Arc<dyn Fn(&Outcome<'_>) + Send + Sync>);

impl Observer {
    pub(crate) fn tell(&self, outcome: &Outcome<'_>) {
        (self.0)(outcome);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Observer")
    }
}

/// Reports a refusal under its stable code.
///
/// A missing credential is everyday traffic (debug), a refused one a security event (info), what the
/// operator must act on a warning or an error.
pub(crate) fn refused(error: &AuthError) {
    // Nothing is put together unless somebody listens.
    match error.kind() {
        AuthErrorKind::CredentialMissing => {
            tracing::debug!(target: TARGET, code = error.code(), "credential missing");
        }
        AuthErrorKind::InvalidRequest | AuthErrorKind::InvalidToken => {
            tracing::info!(target: TARGET, code = error.code(), reason = %error, fix = error.fix(), "credential refused");
        }
        AuthErrorKind::InsufficientScope => {
            tracing::info!(target: TARGET, code = error.code(), reason = %error, fix = error.fix(), "access denied");
        }
        AuthErrorKind::KeysUnavailable => {
            tracing::warn!(target: TARGET, code = error.code(), reason = %error, fix = error.fix(), "keys unavailable");
        }
        AuthErrorKind::Misconfigured => {
            tracing::error!(target: TARGET, code = error.code(), reason = %error, fix = error.fix(), "wiring mistake");
        }
    }
}

/// Warns of a CORS layer in the wrong place: once, for strangers can repeat the request.
pub(crate) fn preflight_inside() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            target: TARGET,
            code = "preflight_refused",
            "a CORS preflight reached KindeLayer and was refused: put the CORS layer outside of it (in axum, add \
             it after), or call pass_cors_preflight(); told once"
        );
    });
}

pub(crate) fn machines_without_audience() {
    tracing::error!(
        target: TARGET,
        code = "machine_unbound",
        "accept_machines() without an audience accepts no machine: set KINDE_AUDIENCE (with_audience)"
    );
}

const TARGET: &str = "kinde_tower";
