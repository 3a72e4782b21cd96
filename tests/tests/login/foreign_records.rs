//! Whoever can write to the store cannot sign anybody in.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::Method;
use kinde_login::{Lives, MemoryStore, SessionId, SessionStore, StoreFuture, Stored};
use kinde_tests::site::{SCRIPT, Site};

/// What somebody makes of a record of one session, who knows another's: of an id and a content each.
type Change = fn(own: Vec<u8>, other: Vec<u8>) -> Vec<u8>;

/// A store whose records somebody changes on their way out.
#[derive(Clone, Debug)]
struct Written {
    store: MemoryStore,
    /// The latest record that was created.
    latest: Arc<Mutex<Vec<u8>>>,
    change: Arc<Mutex<Option<Change>>>,
}

impl SessionStore for Written {
    fn create<'a>(&'a self, id: SessionId, data: &'a [u8], lives: Lives) -> StoreFuture<'a, ()> {
        *self.latest.lock().unwrap() = data.to_vec();
        self.store.create(id, data, lives)
    }

    fn load(&self, id: SessionId, idle: Duration) -> StoreFuture<'_, Option<Stored>> {
        Box::pin(async move {
            let loaded = self.store.load(id, idle).await?;
            let (change, latest) = (*self.change.lock().unwrap(), self.latest.lock().unwrap().clone());
            Ok(loaded.map(|mut stored| {
                stored.data = change.map_or(stored.data.clone(), |change| change(stored.data, latest));
                stored
            }))
        })
    }

    fn replace_if_version<'a>(
        &'a self,
        id: SessionId,
        version: u64,
        data: &'a [u8],
        idle: Duration,
    ) -> StoreFuture<'a, bool> {
        self.store.replace_if_version(id, version, data, idle)
    }

    fn delete(&self, id: SessionId) -> StoreFuture<'_, ()> {
        self.store.delete(id)
    }
}

/// covers: G5
#[tokio::test]
async fn record_that_is_not_the_sessions_own_is_nobody() {
    let changes: [(&str, Change); 6] = [
        ("another session's", |_, other| other),
        ("a letter changed", |mut own, _| {
            let middle = own.len() / 2;
            own[middle] = if own[middle] == b'A' { b'B' } else { b'A' };
            own
        }),
        ("cut", |own, _| own[..own.len() - 4].to_vec()),
        ("two in one", |own, other| [own, other].concat()),
        ("empty", |_, _| Vec::new()),
        ("not even text", |_, _| vec![0xff; 300]),
    ];
    for (name, change) in changes {
        for is_opened_before in [false, true] {
            let written =
                Written { store: MemoryStore::new(10), latest: Arc::default(), change: Arc::default() };
            let site = Site::start_with(|builder| builder.with_store(written.clone())).await;
            let [mallory, alice] = ["mallory", "alice"].map(|person| site.kinde.person(person));
            let browser = site.signed_in(&mallory).await;
            let mut others = site.signed_in(&alice).await;
            let home = format!("{}/", site.url);
            if is_opened_before {
                assert_eq!(others.go(&home).await.body, alice.id(), "{name}");
                assert_eq!(browser.clone().go(&home).await.body, mallory.id(), "{name}");
            }
            *written.change.lock().unwrap() = Some(change);
            let name = format!("{name}, opened before: {is_opened_before}");
            for path in ["/api/auth/me", "/api/auth/setup", "/me"] {
                let url = format!("{}{path}", site.url);
                let seen = browser.clone().ask(Method::GET, &url, &SCRIPT).await;
                assert_eq!(seen.status, 401, "{name}, {path}: {seen:?}");
            }
            let mut browser = browser;
            let seen = browser.go(&home).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, "nobody"), "{name}");
            assert!(browser.cookies(&site.url).is_empty(), "{name}");
        }
    }
}
