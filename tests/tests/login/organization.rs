//! The organization of a session, while the person's change at Kinde.

use std::sync::Arc;

use http::Method;
use kinde_core::ManualClock;
use kinde_emulator::{Environment, Fault, Person};
use kinde_login::MemoryStore;
use kinde_tests::site::{Browser, SCRIPT, Seen, Site, clock_of};
use serde_json::json;

use crate::fleet::DAY;

/// Somebody of acme, signed in there.
struct Member {
    site: Site,
    clock: ManualClock,
    alice: Person,
    browser: Browser,
    auth_time: u64,
}

async fn member(has_store: bool) -> Member {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let alice = kinde.person("alice").in_org("acme").with("create:todos").remember();
    let site = Site::start_in(kinde, |builder| {
        let builder = builder.with_clock(clock.clone());
        if has_store { builder.with_store(MemoryStore::with_clock(10, clock.clone())) } else { builder }
    })
    .await;
    let mut browser = Browser::default();
    let org = site.kinde.org("acme").code().to_owned();
    let started = browser.go(&format!("{}/api/auth/login?org_code={org}", site.url)).await;
    let callback = site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap();
    assert_eq!(browser.go(&callback).await.status, 303);
    let auth_time = site.kinde.now();
    let mut member = Member { site, clock, alice, browser, auth_time };
    assert_eq!(member.ask("/org").await.body, org);
    member
}

impl Member {
    async fn ask(&mut self, path: &str) -> Seen {
        self.browser.ask(Method::GET, &format!("{}{path}", self.site.url), &SCRIPT).await
    }

    fn pass_a_day(&self) {
        self.clock.advance(DAY);
        self.site.kinde.set_time(self.site.kinde.now() + DAY.as_secs());
    }

    /// Answers the next refresh with tokens of another organization.
    fn answer_with(&self, org: &str) {
        // Of the same sign-in otherwise.
        let stranger = self.alice.in_org(org).with("create:todos").authenticated_at(self.auth_time);
        let access_token = stranger.access_token();
        let body = json!({
            "access_token": access_token, "id_token": stranger.id_token_for(&access_token),
            "refresh_token": "another", "expires_in": 86_399, "scope": "openid", "token_type": "Bearer",
        });
        self.site.kinde.fault("/oauth2/token", Fault::json(200, body.to_string()).times(1));
    }
}

/// covers: F17
#[tokio::test]
async fn session_stays_in_its_organization_when_its_person_joins_another() {
    for has_store in [false, true] {
        let mut member = member(has_store).await;
        let before = member.ask("/org").await.body;
        member.alice.add_to_org("other");
        for _ in 0..2 {
            member.pass_a_day();
            assert_eq!(member.ask("/org").await.body, before, "store {has_store}");
            assert_eq!(member.ask("/todos").await.status, 200, "store {has_store}");
        }
    }
}

/// covers: F17
#[tokio::test]
async fn session_of_somebody_who_left_the_organization_is_in_none_until_they_are_back() {
    for has_store in [false, true] {
        let mut member = member(has_store).await;
        let before = member.ask("/org").await.body;
        member.alice.add_to_org("other");
        member.alice.remove_from_org("acme");
        member.pass_a_day();
        assert_eq!(member.ask("/").await.body, member.alice.id(), "still signed in, store {has_store}");
        assert_eq!(member.ask("/org").await.status, 403, "in no organization, store {has_store}");
        assert_eq!(member.ask("/todos").await.status, 403, "and without its rights, store {has_store}");
        member.alice.add_to_org("acme");
        member.pass_a_day();
        assert_eq!(member.ask("/org").await.body, before, "store {has_store}");
    }
}

/// covers: F17
#[tokio::test]
async fn session_that_would_change_its_organization_ends_openly() {
    for has_store in [false, true] {
        for has_left in [false, true] {
            let mut member = member(has_store).await;
            if has_left {
                member.alice.remove_from_org("acme");
                member.pass_a_day();
                assert_eq!(member.ask("/org").await.status, 403);
            }
            member.pass_a_day();
            member.site.kinde.reset_requests();
            member.answer_with("other");
            let seen = member.ask("/org").await;
            assert_eq!(seen.status, 401, "left {has_left}, store {has_store}: {seen:?}");
            let home = member.browser.go(&format!("{}/", member.site.url)).await;
            assert_eq!(home.body, "nobody", "left {has_left}, store {has_store}");
            assert!(member.browser.cookies(&member.site.url).is_empty(), "the cookie is gone");
            assert_eq!(member.site.kinde.requests("/oauth2/revoke"), 1, "nobody uses the new tokens");
            let alice = member.site.kinde.person("alice");
            member.browser.sign_in(&member.site, &alice).await;
            assert_eq!(member.ask("/").await.body, alice.id(), "and can sign in again");
        }
    }
}

/// covers: F18 G2
#[tokio::test]
async fn switching_begins_a_session_in_the_organization_that_was_asked_for_or_none() {
    let mut member = member(false).await;
    let acme = member.site.kinde.org("acme").code().to_owned();
    let globex = member.site.kinde.org("globex").code().to_owned();
    member.alice.add_to_org("other");
    let other = member.site.kinde.org("other").code().to_owned();
    let switch = format!("{}/api/auth/switch_org?post_login_redirect_url=%2Forg&org_code=", member.site.url);
    for (name, asked) in [("another", &other), ("the one it is in", &other), ("back", &acme)] {
        let started = member.browser.go(&format!("{switch}{asked}")).await.location.unwrap();
        let callback = member.site.kinde.sign_in(&started, &member.alice).unwrap();
        let back = member.browser.go(&callback).await;
        assert_eq!((back.status, back.location.as_deref()), (303, Some("/org")), "{name}");
        assert_eq!(member.ask("/org").await.body, *asked, "{name}");
    }
    // Kinde says no, or yes to something else: the session is as it was.
    for (name, query, status, code) in [
        ("access_denied", "error=access_denied", 403, "provider_error"),
        ("a page that nobody may see", "error=consent_required", 403, "provider_error"),
    ] {
        let started = member.browser.go(&format!("{switch}{globex}")).await.location.unwrap();
        let state = started.split(['?', '&']).find(|part| part.starts_with("state=")).unwrap();
        let callback = format!("{}/api/auth/kinde_callback?{state}&{query}", member.site.url);
        let seen = member.browser.go(&callback).await;
        assert_eq!(seen.status, status, "{name}: {seen:?}");
        assert!(seen.body.contains(code), "{name}: {}", seen.body);
        assert_eq!(member.ask("/org").await.body, acme, "{name}");
    }
    for asked in ["", "a%20b", "%00", &"o".repeat(129), &format!("{acme}&org_code={globex}")] {
        let seen = member.browser.go(&format!("{switch}{asked}")).await;
        assert_eq!((seen.status, seen.location), (400, None), "{asked:?}");
        assert!(seen.body.contains("parameter_invalid"), "{asked:?}: {}", seen.body);
        assert_eq!(member.ask("/org").await.body, acme, "{asked:?}");
    }
}

/// covers: F18
#[tokio::test]
async fn organization_is_created_under_any_name_that_is_text_and_short_enough() {
    let site = Site::start().await;
    let create = format!("{}/api/auth/create_org?org_name=", site.url);
    for (name, sent) in [
        ("", None),
        ("Caf%C3%A9+%26+Co%3D1%23", Some("Caf%C3%A9+%26+Co%3D1%23")),
        ("%3Cb%3E%22", Some("%3Cb%3E%22")),
        (&"%F0%9F%98%80".repeat(256), Some(&*"%F0%9F%98%80".repeat(256))),
    ] {
        let started = Browser::default().go(&format!("{create}{name}")).await.location.unwrap();
        let found = started.split(['?', '&']).find_map(|part| part.strip_prefix("org_name="));
        assert_eq!(found, sent, "{name}");
        assert!(started.contains("prompt=create&is_create_org=true"), "{started}");
    }
    for name in ["a%0Ab", "%00", "%1B%5B31m", "%C2%85", &"a".repeat(257), "a&org_name=b"] {
        let seen = Browser::default().go(&format!("{create}{name}")).await;
        assert_eq!((seen.status, seen.location), (400, None), "{name}");
        assert!(!seen.headers.contains_key("set-cookie"), "{name}: nothing begins");
    }
}
