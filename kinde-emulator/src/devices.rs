//! Answering for a device without a browser.

use crate::{consent, environment::Environment, person::Person};

/// Devices that wait for somebody.
///
/// ```no_run
/// # async fn example(kinde: kinde_emulator::Environment, user_code: &str) {
/// // The device shows the code that POST /oauth2/device/auth answered.
/// assert!(kinde.allow_device(user_code, &kinde.person("alice")));
/// # }
/// ```
impl Environment {
    /// Signs a person in on the device that shows this code, as if they had allowed it on its page; `false` when none
    /// waits with it, or the person cannot sign in.
    pub fn allow_device(&self, user_code: &str, person: &Person) -> bool {
        let signed_in = consent::authenticate(&self.provider, person.id(), self.now());
        signed_in.is_ok_and(|signed_in| consent::allow_device(&self.provider, user_code, &signed_in))
    }

    /// Denies it to the device that shows this code; `false` when none waits with it.
    pub fn deny_device(&self, user_code: &str) -> bool {
        self.provider.sessions.lock().devices.decide(user_code, None, self.now())
    }
}
