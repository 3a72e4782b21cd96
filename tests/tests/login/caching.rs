//! What caches are told of the application's own pages.

use axum::{Router, body::Body, response::AppendHeaders, routing::get};
use http::{HeaderMap, Request};
use kinde_axum::{AuthUser, KindeLayer};
use kinde_login::MemoryStore;
use kinde_tests::{
    answer,
    site::{Site, handle_of},
};
use tower::ServiceExt;

fn values(headers: &HeaderMap, name: &str) -> String {
    let all: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
    all.join(", ")
}

/// covers: G4
#[tokio::test]
async fn page_of_a_session_is_kept_by_nobody_whatever_the_application_says() {
    for has_store in [false, true] {
        let site = Site::start_with(|builder| match has_store {
            true => builder.with_store(MemoryStore::new(10)),
            false => builder,
        })
        .await;
        let alice = site.kinde.person("alice");
        let verifier = handle_of(&site.kinde, &site.url, &[]).verifier().build().unwrap();
        let cached = || async {
            AppendHeaders([
                ("cache-control", "public, max-age=3600"),
                ("cache-control", "immutable"),
                ("vary", "accept-language"),
                ("x-own", "stays"),
            ])
        };
        let app = Router::new()
            .route("/silent", get(async || "nothing about caches"))
            .route("/cached", get(cached))
            .route("/mine", get(async |user: AuthUser| user.id().to_owned()))
            .layer(KindeLayer::new(verifier).optional())
            .layer(site.login.session_layer());
        let name = site.login.session_cookie_name();
        let browser = site.signed_in(&alice).await;
        let session = format!("{name}={}", browser.jar[&(site.url.clone(), name.to_owned())]);
        let (over, bearer) = (format!("{name}=junk"), format!("Bearer {}", alice.access_token()));
        let own = "public, max-age=3600, immutable";
        let none = "private, no-store";
        for (what, header, [silent, cached], varies) in [
            ("a session", ("cookie", session.as_str()), [none, none], true),
            ("a session that is over", ("cookie", over.as_str()), [none, none], true),
            // A cache may keep it for those who have no cookie.
            ("nobody", ("cookie", "other=1"), ["", own], true),
            // Kept by no shared cache unless the application says so (RFC 9111 §3.5).
            ("a bearer token", ("authorization", bearer.as_str()), ["", own], false),
        ] {
            let cookie = if varies { "Cookie" } else { "" };
            let both = if varies { "accept-language, Cookie" } else { "accept-language" };
            for (path, cache_control, vary) in [("/silent", silent, cookie), ("/cached", cached, both)] {
                let request = Request::get(path).header(header.0, header.1).body(Body::empty()).unwrap();
                let seen = answer(app.clone().oneshot(request).await.unwrap()).await;
                let what = format!("{what}, {path}, store {has_store}");
                assert_eq!(values(&seen.headers, "cache-control"), cache_control, "{what}");
                assert_eq!(values(&seen.headers, "vary"), vary, "{what}");
                assert_eq!(seen.headers.contains_key("x-own"), path == "/cached", "{what}");
            }
        }
        // A refusal of somebody who is signed in depends on the session, too.
        let forged = Request::post("/mine").header("cookie", &session).header("sec-fetch-site", "cross-site");
        for request in [Request::post("/mine").header("cookie", &session), forged] {
            let seen = answer(app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await;
            assert!(matches!(seen.status, 403 | 405), "{seen:?}");
            assert_eq!(values(&seen.headers, "cache-control"), none, "{seen:?}");
            assert_eq!(values(&seen.headers, "vary"), "Cookie", "{seen:?}");
        }
    }
}
