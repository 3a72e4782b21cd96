//! A sign-in under way: what it is for, and how far its person has come.

use std::collections::BTreeMap;

use crate::{authorization_request::AuthorizationRequest, consent::SignedIn, identifiers};

/// What a person with a page in front of them is doing.
#[derive(Clone)]
pub(crate) struct Interaction {
    pub(crate) errand: Errand,
    pub(crate) requested_at: u64,
    /// Who they are, once they have shown it.
    pub(crate) person: Option<SignedIn>,
    /// Whether they agreed to what the application asks for.
    pub(crate) has_consented: bool,
}

/// Where signing in leads.
#[derive(Clone)]
pub(crate) enum Errand {
    /// Back to an application.
    Application(Box<AuthorizationRequest>),
    /// To a device that shows this code.
    Device {
        user_code: String,
        /// The application on the device.
        client_id: String,
    },
}

impl Interaction {
    pub(crate) fn new(errand: Errand, now: u64) -> Self {
        Self { errand, requested_at: now, person: None, has_consented: false }
    }

    pub(crate) fn client_id(&self) -> &str {
        match &self.errand {
            Errand::Application(request) => &request.client_id,
            Errand::Device { client_id, .. } => client_id,
        }
    }
}

/// The sign-ins under way, by their names, which nobody can guess.
#[derive(Clone, Default)]
pub(crate) struct Interactions(BTreeMap<String, Interaction>);

impl Interactions {
    /// Keeps an interaction while its person looks at a page; returns its name.
    pub(crate) fn begin(&mut self, interaction: Interaction) -> String {
        if self.0.len() >= AT_MOST {
            self.forget_half();
        }
        let name = identifiers::random_hex(16);
        self.0.insert(name.clone(), interaction);
        name
    }

    /// Finds an interaction whose page was not left open too long.
    pub(crate) fn find(&self, name: &str, now: u64) -> Result<Interaction, Lost> {
        let known = self.0.get(name).ok_or(Lost::Unknown)?;
        if now >= known.requested_at.saturating_add(LIFETIME_SECONDS) {
            return Err(Lost::Expired);
        }
        Ok(known.clone())
    }

    /// Keeps how far its person has come.
    pub(crate) fn advance(&mut self, name: &str, interaction: Interaction) {
        self.0.insert(name.to_owned(), interaction);
    }

    pub(crate) fn end(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Ends every interaction in which this person is signed in.
    pub(crate) fn end_of(&mut self, person_id: &str) {
        self.0.retain(|_, known| known.person.as_ref().is_none_or(|person| person.person_id != person_id));
    }

    /// Pages that were opened and never answered must not pile up.
    fn forget_half(&mut self) {
        let mut times: Vec<_> = self.0.values().map(|known| known.requested_at).collect();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied().unwrap_or_default();
        self.0.retain(|_, known| known.requested_at > middle);
    }
}

/// Why an interaction cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It was answered already, or never began.
    Unknown,
    Expired,
}

/// A guess: Kinde does not say how long its pages stay good.
const LIFETIME_SECONDS: u64 = 3_600;
const AT_MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn interaction(now: u64) -> Interaction {
        let errand = Errand::Device { user_code: "QWMTLDKE".to_owned(), client_id: "tv".to_owned() };
        Interaction::new(errand, now)
    }

    #[test]
    fn page_stays_good_for_an_hour() {
        let mut interactions = Interactions::default();
        let name = interactions.begin(interaction(100));
        assert!(interactions.find(&name, 3_699).is_ok());
        assert_eq!(interactions.find(&name, 3_700).err(), Some(Lost::Expired));
        assert_eq!(interactions.find("never begun", 100).err(), Some(Lost::Unknown));
        interactions.end(&name);
        assert_eq!(interactions.find(&name, 100).err(), Some(Lost::Unknown));
    }

    #[test]
    fn pages_never_answered_do_not_pile_up() {
        let mut interactions = Interactions::default();
        for now in 0..25_000 {
            interactions.begin(interaction(now));
        }
        assert!(interactions.0.len() <= AT_MOST);
        let newest = interactions.begin(interaction(25_000));
        assert!(interactions.find(&newest, 25_000).is_ok());
    }
}
