//! A refresh brings new tokens for the same sign-in: whatever else they say never becomes the session.

use std::{sync::Arc, time::Duration};

use kinde_core::ManualClock;
use kinde_emulator::{Environment, Fault, Person, Seed};
use kinde_login::MemoryStore;
use kinde_tests::site::{Browser, Seen, Site, clock_of};
use serde_json::json;

const DAY: Duration = Duration::from_secs(86_400);

/// A site, and somebody who has a session there in an organization.
struct SignedIn {
    site: Site,
    clock: ManualClock,
    alice: Person,
    browser: Browser,
    nonce: String,
    auth_time: u64,
}

async fn site_in(kinde: Environment, has_store: bool) -> (Site, ManualClock) {
    let clock = clock_of(&kinde);
    let site = Site::start_in(Arc::new(kinde), |builder| {
        let builder = builder.with_clock(clock.clone());
        if has_store { builder.with_store(MemoryStore::with_clock(100, clock.clone())) } else { builder }
    });
    (site.await, clock)
}

async fn signed_in(has_store: bool) -> SignedIn {
    let (site, clock) = site_in(Environment::start().await, has_store).await;
    let alice = site.kinde.person("alice").in_org("acme").remember();
    let mut browser = Browser::default();
    let started = browser.go(&format!("{}/api/auth/login", site.url)).await.location.unwrap();
    let nonce = started.split(['?', '&']).find_map(|part| part.strip_prefix("nonce=")).unwrap().to_owned();
    let auth_time = site.kinde.now();
    browser.go(&site.kinde.sign_in(&started, &alice).unwrap()).await;
    assert_eq!(browser.go(&format!("{}/org", site.url)).await.body, site.kinde.org("acme").code());
    SignedIn { site, clock, alice, browser, nonce, auth_time }
}

impl SignedIn {
    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.site.kinde.set_time(self.site.kinde.now() + time.as_secs());
    }

    /// Answers the next refresh with these tokens, and lets the access token of now run out.
    async fn refreshed_with(&mut self, tokens: impl FnOnce(&Self) -> (String, String)) -> Seen {
        self.refreshed_with_all_but("", tokens).await
    }

    /// As [`refreshed_with`](Self::refreshed_with); the answer lacks a member.
    async fn refreshed_with_all_but(
        &mut self,
        missing: &str,
        tokens: impl FnOnce(&Self) -> (String, String),
    ) -> Seen {
        self.pass(DAY);
        let (access_token, id_token) = tokens(self);
        let mut body = json!({
            "access_token": access_token, "id_token": id_token, "refresh_token": "the-next-one",
            "token_type": "Bearer", "expires_in": 86_399, "scope": "openid profile email offline",
        });
        body.as_object_mut().unwrap().remove(missing);
        self.site.kinde.reset_requests();
        self.site.kinde.fault("/oauth2/token", Fault::json(200, body.to_string()));
        let seen = self.browser.go(&format!("{}/", self.site.url)).await;
        assert_eq!(self.site.kinde.requests("/oauth2/token"), 1);
        seen
    }

    /// Somebody as the sign-in of this session knows them.
    fn of_this_sign_in(&self, person: &Person) -> Person {
        person.authenticated_at(self.auth_time).with_nonce(self.nonce.as_str())
    }
}

/// Makes the tokens of an answer, of the session's own person and of another one.
type Tokens = fn(&SignedIn, own: Person, other: Person) -> (String, String);

fn both(person: &Person) -> (String, String) {
    let access_token = person.access_token();
    let id_token = person.id_token_for(&access_token);
    (access_token, id_token)
}

/// The person's access token with an ID token that says something else, and belongs to it otherwise.
fn with_id_token_of(person: &Person, other: &Person) -> (String, String) {
    let access_token = person.access_token();
    let id_token = other.id_token_for(&access_token);
    (access_token, id_token)
}

const GOOD: [(&str, Tokens); 4] = [
    ("the same facts", |_, own, _| both(&own)),
    ("no nonce, as OpenID Connect Core §12.2 wants it", |sign_in, _, _| {
        both(&sign_in.alice.in_org("acme").authenticated_at(sign_in.auth_time))
    }),
    ("no auth_time", |_, own, _| {
        let access_token = own.access_token();
        let id_token = own.without_claim("auth_time").id_token_for(&access_token);
        (access_token, id_token)
    }),
    ("somebody who left the organization", |_, own, _| both(&own.without_org())),
];

const FOREIGN: [(&str, Tokens); 16] = [
    ("somebody else", |_, _, other| both(&other)),
    ("access token of somebody else", |_, own, other| {
        let access_token = other.access_token();
        let id_token = own.id_token_for(&access_token);
        (access_token, id_token)
    }),
    ("ID token of somebody else", |_, own, other| {
        let access_token = own.access_token();
        let id_token = other.id_token_for(&access_token);
        (access_token, id_token)
    }),
    ("another nonce", |_, own, _| both(&own.with_nonce("of-another-sign-in"))),
    ("another auth_time", |sign_in, own, _| both(&own.authenticated_at(sign_in.auth_time + 1))),
    ("an earlier auth_time", |sign_in, own, _| both(&own.authenticated_at(sign_in.auth_time - 1))),
    ("another organization", |_, own, _| both(&own.in_org("globex"))),
    ("another organization in the access token alone", |_, own, _| {
        let access_token = own.in_org("globex").access_token();
        let id_token = own.id_token_for(&access_token);
        (access_token, id_token)
    }),
    ("another issuer", |_, own, _| both(&own.with_claim("iss", "https://somebody-else.kinde.com"))),
    ("another application", |_, own, _| both(&own.with_client_id("0123456789abcdef0123456789abcdef"))),
    ("another issuer in the ID token alone", |_, own, _| {
        with_id_token_of(&own, &own.with_claim("iss", "https://somebody-else.kinde.com"))
    }),
    ("another application in the ID token's azp alone", |_, own, _| {
        with_id_token_of(&own, &own.with_claim("azp", "0123456789abcdef0123456789abcdef"))
    }),
    ("another application in the ID token's aud alone", |_, own, _| {
        with_id_token_of(&own, &own.with_claim("aud", json!(["0123456789abcdef0123456789abcdef"])))
    }),
    ("no aud in the ID token", |_, own, _| with_id_token_of(&own, &own.without_claim("aud"))),
    ("no sub in the ID token", |_, own, _| with_id_token_of(&own, &own.without_claim("sub"))),
    ("at_hash of another access token", |_, own, _| (own.access_token(), own.id_token())),
];

/// covers: F17
#[tokio::test]
async fn refreshed_tokens_of_the_same_sign_in_are_taken_over() {
    for has_store in [false, true] {
        for (name, tokens) in GOOD {
            let mut sign_in = signed_in(has_store).await;
            sign_in.alice.update(|details| details.email = "alice.new@example.test".to_owned());
            let seen = sign_in
                .refreshed_with(|sign_in| {
                    let own = sign_in.of_this_sign_in(&sign_in.alice.in_org("acme"));
                    tokens(sign_in, own, sign_in.site.kinde.person("mallory"))
                })
                .await;
            let name = format!("{name}, store {has_store}");
            assert_eq!((seen.status, seen.body.as_str()), (200, sign_in.alice.id()), "{name}");
            let profile = sign_in.browser.go(&format!("{}/profile", sign_in.site.url)).await.body;
            assert!(profile.starts_with("alice.new@example.test"), "{name}: {profile}");
        }
    }
}

/// covers: F17 F16
#[tokio::test]
async fn refreshed_tokens_of_anything_else_end_the_session_and_never_change_its_person() {
    for has_store in [false, true] {
        for (name, tokens) in FOREIGN {
            let mut sign_in = signed_in(has_store).await;
            let before = sign_in.browser.clone();
            let seen = sign_in
                .refreshed_with(|sign_in| {
                    let own = sign_in.of_this_sign_in(&sign_in.alice.in_org("acme"));
                    let other = sign_in.of_this_sign_in(&sign_in.site.kinde.person("mallory").in_org("acme"));
                    tokens(sign_in, own, other)
                })
                .await;
            let (site, name) = (&sign_in.site, format!("{name}, store {has_store}"));
            assert_eq!((seen.status, seen.body.as_str()), (200, "nobody"), "{name}");
            assert!(sign_in.browser.cookies(&site.url).is_empty(), "{name}: the cookie is removed");
            assert_eq!(site.kinde.requests("/oauth2/revoke"), 1, "{name}: what came is revoked");
            let mut late = before;
            assert_eq!(late.go(&format!("{}/", site.url)).await.body, "nobody", "{name}: a late request");
            assert_eq!(site.kinde.requests("/oauth2/token"), 1, "{name}: and Kinde is not asked again");
        }
    }
}

/// covers: F17
#[tokio::test]
async fn refresh_without_an_id_token_keeps_person_nonce_and_auth_time() {
    for has_store in [false, true] {
        for (name, later, is_same) in [
            ("the same facts", GOOD[0].1, true),
            ("another auth_time", FOREIGN[4].1, false),
            ("another nonce", FOREIGN[3].1, false),
        ] {
            let name = format!("{name}, store {has_store}");
            let mut sign_in = signed_in(has_store).await;
            let alice = sign_in.alice.clone();
            let seen = sign_in.refreshed_with_all_but("id_token", |_| both(&alice.in_org("acme"))).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "{name}");
            let profile = sign_in.browser.go(&format!("{}/profile", sign_in.site.url)).await.body;
            assert_eq!(profile, "alice@example.test 1", "{name}: of the ID token before");
            let seen = sign_in
                .refreshed_with(|sign_in| {
                    let own = sign_in.of_this_sign_in(&sign_in.alice.in_org("acme"));
                    later(sign_in, own, sign_in.site.kinde.person("mallory"))
                })
                .await;
            let expected = if is_same { alice.id() } else { "nobody" };
            assert_eq!((seen.status, seen.body.as_str()), (200, expected), "{name}: the refresh after it");
        }
    }
}

/// covers: F16
#[tokio::test]
async fn refresh_without_a_refresh_token_keeps_the_one_there_is() {
    for has_store in [false, true] {
        let mut sign_in = signed_in(has_store).await;
        let alice = sign_in.alice.clone();
        let own = |sign_in: &SignedIn| both(&sign_in.of_this_sign_in(&alice.in_org("acme")));
        let seen = sign_in.refreshed_with_all_but("refresh_token", own).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "store {has_store}");
        // Kinde saw it for the first time now.
        sign_in.site.kinde.clear_faults();
        sign_in.pass(DAY);
        let seen = sign_in.browser.go(&format!("{}/", sign_in.site.url)).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "store {has_store}");
        assert_eq!(sign_in.site.kinde.requests("/oauth2/token"), 2, "store {has_store}");
    }
}

/// Gives the attributes of the session's cookies in an answer.
fn session_cookies(site: &Site, seen: &Seen) -> Vec<String> {
    let all = seen.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned());
    all.filter(|cookie| cookie.starts_with(site.login.session_cookie_name())).collect()
}

/// covers: G8
#[tokio::test]
async fn session_that_is_not_to_last_ends_with_the_browser_also_after_a_refresh() {
    for (choice, lasts) in
        [("", true), ("persistent_session = true", true), ("persistent_session = false", false)]
    {
        for has_store in [false, true] {
            let name = format!("{choice:?}, store {has_store}");
            let seed = Seed::from_toml(&format!("[[applications]]\nname = \"web\"\n{choice}")).unwrap();
            let kinde = Environment::builder().with_seed(seed).start().await;
            let (site, clock) = site_in(kinde, has_store).await;
            let alice = site.kinde.person("alice");
            let mut browser = Browser::default();
            let begun = browser.sign_in(&site, &alice).await;
            let mut written = session_cookies(&site, &begun);
            assert_eq!(written.len(), 1, "{name}");
            for round in 1..=2 {
                clock.advance(DAY);
                site.kinde.set_time(site.kinde.now() + DAY.as_secs());
                let refreshed = browser.go(&format!("{}/", site.url)).await;
                assert_eq!(refreshed.body, alice.id(), "{name}");
                assert_eq!(site.kinde.requests("/oauth2/token"), 1 + round, "{name}");
                let cookies = session_cookies(&site, &refreshed);
                assert!(has_store || cookies.len() == 1, "{name}: a refresh writes the cookie anew");
                written.extend(cookies);
            }
            assert!(written.iter().all(|cookie| cookie.contains("Max-Age") == lasts), "{name}: {written:?}");
        }
    }
}
