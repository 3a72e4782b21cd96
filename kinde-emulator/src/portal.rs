//! Links to the self-serve portal, where people manage their profile, organization and plans.

use std::collections::BTreeMap;

use crate::identifiers;

/// The links that nobody has opened yet.
#[derive(Clone, Default)]
pub(crate) struct PortalLinks(BTreeMap<String, (PortalLink, u64)>);

impl PortalLinks {
    /// Keeps a link and returns its key; links that expired are forgotten.
    pub(crate) fn issue(&mut self, link: PortalLink, now: u64) -> String {
        self.0.retain(|_, (_, expires_at)| now < *expires_at);
        let key = identifiers::random_hex(16);
        self.0.insert(key.clone(), (link, now.saturating_add(LIFETIME_SECONDS)));
        key
    }

    /// Takes a link, once, while it is good.
    pub(crate) fn open(&mut self, key: &str, now: u64) -> Option<PortalLink> {
        let (link, expires_at) = self.0.remove(key)?;
        (now < expires_at).then_some(link)
    }
}

/// Where a link leads and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortalLink {
    pub(crate) person_id: String,
    pub(crate) org_code: Option<String>,
    pub(crate) section: Section,
    pub(crate) return_url: Option<String>,
}

/// A page of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
}

impl Section {
    /// Finds a section by the name that links have.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let known = SECTIONS.iter().find(|(known, _)| *known == name);
        known.map(|(name, title)| Self { name, title })
    }
}

impl Default for Section {
    fn default() -> Self {
        Self { name: "profile", title: "Your profile" }
    }
}

/// `organization_members` is in js-utils only, `organization_billing` in the documentation only, the rest in Kinde's
/// specification too.
const SECTIONS: [(&str, &str); 10] = [
    ("profile", "Your profile"),
    ("organization_details", "Organization details"),
    ("organization_members", "Organization members"),
    ("organization_plan_details", "Organization plan"),
    ("organization_payment_details", "Organization payment details"),
    ("organization_plan_selection", "Choose a plan for the organization"),
    ("organization_billing", "Organization billing"),
    ("payment_details", "Your payment details"),
    ("plan_selection", "Choose a plan"),
    ("plan_details", "Your plan"),
];

/// Kinde says that a link is short lived, and not how long.
const LIFETIME_SECONDS: u64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> PortalLink {
        PortalLink {
            person_id: "kp_1".to_owned(),
            org_code: None,
            section: Section::default(),
            return_url: None,
        }
    }

    #[test]
    fn link_opens_once_and_for_five_minutes() {
        let mut links = PortalLinks::default();
        let key = links.issue(link(), 0);
        assert_eq!(links.open(&key, 299), Some(link()));
        assert_eq!(links.open(&key, 299), None);
        let late = links.issue(link(), 0);
        assert_eq!(links.open(&late, 300), None);
        assert_eq!(links.open("", 0), None);
    }

    #[test]
    fn links_that_nobody_opens_are_forgotten() {
        let mut links = PortalLinks::default();
        for now in 0..1_000 {
            links.issue(link(), now * 10);
        }
        assert!(links.0.len() <= 30, "{}", links.0.len());
    }

    #[test]
    fn section_has_one_of_the_names_that_kinde_gives() {
        assert_eq!(Section::named("profile"), Some(Section::default()));
        assert_eq!(Section::named("plan_selection").unwrap().title, "Choose a plan");
        assert_eq!(Section::named("Profile"), None);
    }
}
