//! What an attacker tries: forged, replayed and crossed tokens, made with real keys.

mod binding;
mod forged;
mod kinds;
mod memory;
mod several_issuers;
mod signature_only;
mod time;

use kinde_core::{AuthError, AuthReason, Identity, Issuer, Jwks, ManualClock, Verifier, VerifierBuilder};
use kinde_emulator::Environment;

/// The moment at which these stories happen.
const NOW: u64 = 1_790_000_000;
/// The API of these stories.
const API: &str = "https://api.acme.example";

/// An environment, its keys held fixed, and a clock set by hand.
struct Stage {
    kinde: Environment,
    clock: ManualClock,
}

impl Stage {
    async fn set() -> Self {
        let kinde = Environment::builder().with_audience(API).start().await;
        kinde.set_time(NOW);
        Self { kinde, clock: ManualClock::at_unix_seconds(NOW) }
    }

    fn jwks(&self) -> Jwks {
        Jwks::from_static_json(Issuer::new(self.kinde.issuer()).unwrap(), &self.kinde.jwks()).unwrap()
    }

    /// A verifier that is bound by nothing yet.
    fn builder(&self) -> VerifierBuilder {
        Verifier::builder(self.jwks()).with_clock(self.clock.clone())
    }

    fn by_audience(&self) -> Verifier {
        self.builder().with_audience(API).build().unwrap()
    }

    fn by_application(&self) -> Verifier {
        self.builder().with_application(self.kinde.client_id()).build().unwrap()
    }
}

fn judged(verifier: &Verifier, token: &str) -> Result<Identity, AuthError> {
    verifier.verify_at_hand(token).expect("the keys are at hand")
}

/// The code of a refusal; `accepted` if there is none.
fn code(verifier: &Verifier, token: &str) -> &'static str {
    judged(verifier, token).map_or_else(|error| error.code(), |_| "accepted")
}

fn reason(verifier: &Verifier, token: &str) -> AuthReason {
    judged(verifier, token).expect_err("the token is refused").reason().clone()
}
