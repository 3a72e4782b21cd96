//! A deployment rolls: instances of two versions answer the same browser in turn.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use kinde_login::MemoryStore;
use kinde_tests::site::{Browser, Site};

/// What the next version's format looks like from here: sealed, and of a version that this one cannot read.
fn of_version(cookie: &str, version: u8) -> String {
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(cookie).unwrap();
    bytes[0] = version;
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn session_of<'a>(browser: &'a mut Browser, site: &Site) -> &'a mut String {
    browser.jar.get_mut(&(site.url.clone(), "kinde_session".to_owned())).unwrap()
}

#[tokio::test]
async fn cookie_of_the_next_version_is_nobody_here_and_stays_in_the_browser() {
    let site = Site::start().await;
    let alice = site.kinde.person("alice");
    let mut browser = site.signed_in(&alice).await;
    let written_now = session_of(&mut browser, &site).clone();
    assert_eq!(
        BASE64_URL_SAFE_NO_PAD.decode(&written_now).unwrap()[0],
        1,
        "the version that this test is about"
    );
    for (version, is_kept) in [(2_u8, true), (3, false), (0, false)] {
        let mut browser = browser.clone();
        *session_of(&mut browser, &site) = of_version(&written_now, version);
        let seen = browser.go(&format!("{}/", site.url)).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, "nobody"), "version {version}");
        assert_eq!(!browser.cookies(&site.url).is_empty(), is_kept, "version {version}");
        assert_eq!(browser.go(&format!("{}/dashboard", site.url)).await.status, 303, "version {version}");
        browser.sign_in(&site, &alice).await;
        assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id(), "version {version}");
    }
    assert_eq!(
        browser.go(&format!("{}/", site.url)).await.body,
        alice.id(),
        "meanwhile nobody was signed out"
    );
    let mut leaving = browser.clone();
    *session_of(&mut leaving, &site) = of_version(&written_now, 2);
    assert_eq!(leaving.go(&format!("{}/api/auth/logout", site.url)).await.status, 303);
    assert!(leaving.cookies(&site.url).is_empty(), "signing out removes it, readable or not");
}

/// Two instances of one version with the secret being replaced: each reads what the other writes.
#[tokio::test]
async fn secret_is_replaced_while_a_deployment_rolls_and_nobody_is_signed_out() {
    let (old, new) = ("an old secret of 32 bytes or more", "a new secret of 32 bytes or more!");
    let secrets =
        |all: &[&str]| all.iter().map(|secret| kinde_core::Secret::new(*secret)).collect::<Vec<_>>();
    // First every instance learns to open with the new secret, then every instance seals with it.
    let steps = [vec![old], vec![old, new], vec![new, old]];
    for has_store in [false, true] {
        let store = MemoryStore::new(100);
        let kinde = std::sync::Arc::new(kinde_emulator::Environment::start().await);
        let mut sites = Vec::new();
        for step in &steps {
            let (sealing, store) = (secrets(step), store.clone());
            let change = |builder: kinde_login::LoginBuilder| {
                let builder = builder.with_secrets(sealing);
                if has_store { builder.with_store(store) } else { builder }
            };
            sites.push(Site::start_in(std::sync::Arc::clone(&kinde), change).await);
        }
        let alice = kinde.person("alice");
        for (writes, reads) in [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2)] {
            let browser = sites[writes].signed_in(&alice).await;
            let mut moved = Browser::default();
            for ((_, name), value) in browser.jar {
                moved.jar.insert((sites[reads].url.clone(), name), value);
            }
            let seen = moved.go(&format!("{}/", sites[reads].url)).await;
            assert_eq!(
                seen.body,
                alice.id(),
                "written by step {writes}, read by step {reads}, store {has_store}"
            );
        }
    }
}
