//! What attackers and accidents send: to every route, in every place, to a site with a cookie and one with a store.
//! Nothing panics, nothing is an error of ours, and nobody gets in.

use std::sync::Arc;

use axum::{Router, body::Body};
use http::{HeaderValue, Method, Request, StatusCode, header::COOKIE};
use kinde_emulator::{Environment, Person};
use kinde_login::{Login, MemoryStore};
use kinde_tests::{
    Answer, answer,
    fleet::Fleet,
    scale::scaled,
    site::{Browser, Site, app, client, handle_of},
};
use proptest::prelude::*;
use serde_json::json;
use tower::ServiceExt;

/// A site that is called directly, so that a panic ends the test and no client forbids a request.
struct Target {
    app: Router,
    site: Site,
    name: &'static str,
}

async fn targets() -> [Target; 2] {
    [target(false).await, target(true).await]
}

/// With a budget of several cookies, so that there are parts to play with.
async fn target(has_store: bool) -> Target {
    let store = MemoryStore::new(1_000);
    let site = Site::start_with(|builder| builder.with_cookie_budget_bytes(20_000)).await;
    let handle = handle_of(&site.kinde, &site.url, &[]);
    let builder = Login::builder(&handle).with_cookie_budget_bytes(20_000);
    let login = if has_store { builder.with_store(store) } else { builder }.build().unwrap();
    Target {
        app: app(handle.verifier().build().unwrap(), &login),
        site,
        name: if has_store { "store" } else { "cookie" },
    }
}

impl Target {
    async fn send(&self, request: Request<Body>) -> Answer {
        answer(self.app.clone().oneshot(request).await.unwrap()).await
    }

    async fn get(&self, path: &str, cookie: &[u8]) -> Answer {
        let mut request = Request::get(path).header("accept", "text/html").body(Body::empty()).unwrap();
        if !cookie.is_empty() {
            request.headers_mut().insert(COOKIE, HeaderValue::from_bytes(cookie).unwrap());
        }
        self.send(request).await
    }

    /// Signs in; gives the cookies as a browser sends them back.
    async fn signed_in(&self, person: &Person) -> Vec<(String, String)> {
        let started = self.get("/api/auth/login", b"").await;
        let location = started.headers["location"].to_str().unwrap();
        let callback = self.site.kinde.sign_in(location, person).unwrap();
        let seen = self.get(callback.trim_start_matches(&self.site.url), cookies(&started).as_bytes()).await;
        assert_eq!(seen.status, 303, "{}: {seen:?}", self.name);
        set(&seen).into_iter().filter(|(name, _)| name.starts_with("kinde_session")).collect()
    }

    /// Writes the names that sign-in's cookies have here.
    fn named(&self, cookies: &str) -> String {
        let session = self.site.login.session_cookie_name();
        let mark = session.strip_prefix("kinde_session_").unwrap();
        let flow = cookies.replace("kinde_flow_", &format!("kinde_flow_{mark}_"));
        let starts = flow.replace("kinde_starts", &format!("kinde_starts_{mark}"));
        starts.replace("kinde_session", session)
    }

    /// Nobody is in, and nothing is broken.
    async fn keeps_out(&self, what: &str, cookie: &[u8]) {
        let name = self.name;
        for path in [
            "/",
            "/me",
            "/dashboard",
            "/api/auth/me",
            "/api/auth/setup",
            "/api/auth/login",
            "/api/auth/logout",
        ] {
            let seen = self.get(path, cookie).await;
            assert!(seen.status < 500, "{name}, {what}, {path}: {} {}", seen.status, seen.body);
            let is_out = match path {
                "/" => seen.status == 200 && seen.body == "nobody",
                "/me" | "/api/auth/me" => seen.status == 401,
                "/api/auth/setup" => !seen.body.contains("kp_"),
                _ => seen.status == 303,
            };
            assert!(is_out, "{name}, {what}, {path}: {} {}", seen.status, seen.body);
        }
    }
}

/// Gives the cookies that an answer sets and does not remove.
fn set(answer: &Answer) -> Vec<(String, String)> {
    let all = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let kept = all.filter(|cookie| !cookie.contains("Max-Age=0"));
    let pairs = kept.map(|cookie| cookie.split(';').next().unwrap().split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn cookies(answer: &Answer) -> String {
    joined(&set(answer))
}

fn joined(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

fn with_many_permissions(site: &Site, name: &str) -> Person {
    (0..250)
        .fold(site.kinde.person(name).in_org("acme"), |person, number| {
            person.with(format!("permission:number:{number}"))
        })
        .remember()
}

/// Changes a session's cookies, all of which are sent.
type Change = fn(&mut Vec<(String, String)>);

const CHANGES: [(&str, Change); 8] = [
    ("quoted", |parts| parts[0].1 = format!("\"{}\"", parts[0].1)),
    ("longer", |parts| parts[0].1.push('A')),
    ("longer at its end", |parts| parts.last_mut().unwrap().1.push('A')),
    ("padded", |parts| parts.last_mut().unwrap().1.push('=')),
    ("other case", |parts| parts[0].1.make_ascii_uppercase()),
    ("other name", |parts| parts.iter_mut().for_each(|part| part.0.make_ascii_uppercase())),
    ("other name of the first part", |parts| parts[0].0.make_ascii_uppercase()),
    ("prefix it has not", |parts| parts.iter_mut().for_each(|part| part.0.insert_str(0, "__Host-"))),
];

/// covers: G5 J4
#[tokio::test]
async fn cookie_that_is_not_quite_ours_is_nobody() {
    for target in targets().await {
        let alice = with_many_permissions(&target.site, "alice");
        let bob = with_many_permissions(&target.site, "bob");
        let (good, other) = (target.signed_in(&alice).await, target.signed_in(&bob).await);
        assert_eq!(target.get("/", joined(&good).as_bytes()).await.body, alice.id(), "{}", target.name);
        let value = good[0].1.clone();
        for place in (0..value.len()).step_by(value.len() / 20 + 1) {
            let mut changed = good.clone();
            let letter = if value.as_bytes()[place] == b'A' { "B" } else { "A" };
            changed[0].1.replace_range(place..=place, letter);
            target.keeps_out(&format!("letter {place} changed"), joined(&changed).as_bytes()).await;
            let mut cut = good.clone();
            cut[0].1.truncate(place);
            target.keeps_out(&format!("cut at {place}"), joined(&cut).as_bytes()).await;
        }
        for (what, change) in CHANGES {
            let mut changed = good.clone();
            change(&mut changed);
            assert!(changed != good, "{what}");
            target.keeps_out(what, joined(&changed).as_bytes()).await;
        }
        for (what, cookie) in [
            ("first of two is junk", format!("kinde_session=junk; {}", joined(&good))),
            ("only a flow's name", format!("kinde_flow_AAAAAAAAAAAA={value}")),
            ("nothing", "kinde_session=".to_owned()),
            ("only separators", "; ; = ;=; ~".to_owned()),
            ("a count of parts", "kinde_session=8~".to_owned() + &value),
            ("a megabyte", format!("kinde_session={}", "A".repeat(1 << 20))),
            ("a megabyte of names", "a=b; ".repeat(200_000) + "kinde_session=x"),
            (
                "a megabyte of parts",
                (0..1_000).map(|n| format!("kinde_session.{n}={}; ", "A".repeat(1_000))).collect(),
            ),
            ("a thousand flows", (0..1_000).map(|n| format!("kinde_flow_{n}=AAAA; ")).collect()),
            ("a count of starts that is none", "kinde_starts=-1.99999999999999999999".to_owned()),
            ("starts from the future", "kinde_starts=4294967295.18446744073709551615".to_owned()),
        ] {
            target.keeps_out(what, target.named(&cookie).as_bytes()).await;
        }
        target.keeps_out("no mark", format!("kinde_session={value}").as_bytes()).await;
        target
            .keeps_out("not UTF-8", &[target.named("kinde_session=").as_bytes(), b"\xff\xfe\x80"].concat())
            .await;
        target.keeps_out("not UTF-8 at its end", &[joined(&good).as_bytes(), b"\xff"].concat()).await;
        let has_parts = target.name == "cookie";
        assert_eq!(good.len() >= 3, has_parts, "{}: {} parts", target.name, good.len());
        assert_eq!(good.len() == 1, !has_parts, "{}: {} parts", target.name, good.len());
        if has_parts {
            let reversed: Vec<_> = good.iter().rev().cloned().collect();
            assert_eq!(target.get("/", joined(&reversed).as_bytes()).await.body, alice.id(), "in any order");
            for missing in 0..good.len() {
                let mut some = good.clone();
                some.remove(missing);
                target.keeps_out(&format!("part {missing} is missing"), joined(&some).as_bytes()).await;
                let mut mixed = good.clone();
                mixed[missing].1.clone_from(&other[missing].1);
                target
                    .keeps_out(&format!("part {missing} is somebody else's"), joined(&mixed).as_bytes())
                    .await;
            }
            let mut swapped = good.clone();
            let first = swapped[1].1.clone();
            swapped[1].1 = std::mem::replace(&mut swapped[2].1, first);
            target.keeps_out("parts are swapped", joined(&swapped).as_bytes()).await;
        }
        assert_eq!(target.get("/", joined(&good).as_bytes()).await.body, alice.id(), "{}", target.name);
    }
}

/// covers: G5
#[tokio::test]
async fn cookies_of_other_applications_are_left_alone() {
    for target in targets().await {
        let alice = target.site.kinde.person("alice");
        let good = joined(&target.signed_in(&alice).await);
        for foreign in [
            "connect.sid=s%3Aabc.def",
            "__Secure-next-auth.session-token=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..x.y.z",
            "session={\"user\":1, \"roles\":[\"admin\"]}",
            "id_token=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
            "kinde_session_other=x; kinde_session=x; kinde=y; kinde_sessio=z",
            "kinde_session_0a1b2c=x; kinde_session_0a1b2c.1=y; kinde_flow_0a1b2c_x=z; kinde_starts_0a1b2c=9.9",
            &target.named("kinde_session.9=x; kinde_session.a=y; kinde_session_other=z"),
            "laravel=\"a=b; c=d\"",
        ] {
            for cookie in [format!("{foreign}; {good}"), format!("{good}; {foreign}")] {
                let seen = target.get("/", cookie.as_bytes()).await;
                assert_eq!(seen.body, alice.id(), "{}: {foreign}", target.name);
                assert!(!seen.headers.contains_key("set-cookie"), "{}: {foreign}", target.name);
            }
            target.keeps_out(foreign, foreign.as_bytes()).await;
        }
        // A script may set a cookie of any bytes, and a browser sends it on the same line.
        for foreign in ["name=Zo\u{eb}".as_bytes(), b"legacy=\xe9\xff"] {
            let cookie = [foreign, b"; ", good.as_bytes(), b"; ", foreign].concat();
            assert_eq!(target.get("/", &cookie).await.body, alice.id(), "{}: {foreign:?}", target.name);
        }
    }
}

/// covers: F3 F8 J4
#[tokio::test]
async fn authorization_response_that_is_malformed_lets_nobody_in() {
    for target in targets().await {
        let alice = target.site.kinde.person("alice");
        let huge = "a".repeat(60_000);
        let started = target.get("/api/auth/login", b"").await;
        let callback =
            target.site.kinde.sign_in(started.headers["location"].to_str().unwrap(), &alice).unwrap();
        let (path, query) = callback.trim_start_matches(&target.site.url).split_once('?').unwrap();
        let of = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)).unwrap().to_owned();
        let (code, state) = (of("code="), of("state="));
        let flow = cookies(&started);
        for (what, query) in [
            ("nothing", String::new()),
            ("no code", format!("state={state}")),
            ("no state", format!("code={code}")),
            ("empty state", format!("code={code}&state=")),
            ("empty code", format!("code=&state={state}")),
            ("two codes", format!("code={code}&code={code}&state={state}")),
            ("two states", format!("code={code}&state={state}&state={state}")),
            ("two errors", format!("error=a&error=b&state={state}")),
            ("code and error", format!("code={code}&error=access_denied&state={state}")),
            ("another state", format!("code={code}&state={}", state.replace(&state[..4], "AAAA"))),
            ("state cut", format!("code={code}&state={}", &state[..state.len() - 1])),
            ("state and more", format!("code={code}&state={state}.QQ")),
            ("another issuer", format!("code={code}&state={state}&iss=https%3A%2F%2Fevil.example")),
            ("two issuers", format!("code={code}&state={state}&iss=a&iss=b")),
            ("huge code", format!("code={huge}&state={state}")),
            ("huge state", format!("code={code}&state={huge}")),
            ("huge error", format!("error={huge}&state=x")),
            ("many parameters", format!("{}code={code}", "a=b&".repeat(10_000))),
            ("percent junk", format!("code=%&state=%zz%{state}%f")),
            ("not UTF-8", "code=%ff%fe&state=%c3%28".to_owned()),
            ("nul and line breaks", "code=%00%0d%0aSet-Cookie:a=b&state=%0d%0a".to_owned()),
            ("other spelling", format!("Code={code}&STATE={state}")),
            ("brackets", format!("code[]={code}&state[]={state}")),
            ("semicolons", format!("code={code};state={state}")),
            ("markup", "error=%3Cscript%3E&error_description=%3Cimg+src%3Dx%3E".to_owned()),
            ("reauth of a stranger", "error=login_link_expired&reauth_state=%ff".to_owned()),
        ] {
            let seen = target.get(&format!("{path}?{query}"), flow.as_bytes()).await;
            let is_refused =
                matches!(seen.status, 400 | 403) || (what.starts_with("reauth") && seen.status == 303);
            assert!(is_refused, "{}, {what}: {} {}", target.name, seen.status, seen.body);
            assert!(set(&seen).iter().all(|(name, _)| !name.starts_with("kinde_session")), "{what}");
            assert!(!seen.body.contains("<script>") && !seen.body.contains("<img"), "{what}");
        }
        assert_eq!(target.site.kinde.requests("/oauth2/token"), 0, "{}: no code was sent", target.name);
        let seen = target.get(&format!("{path}?{query}"), flow.as_bytes()).await;
        assert_eq!(seen.status, 303, "{}: the right one still works", target.name);
    }
}

const TARGETS: [&str; 30] = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "http://127.0.0.1:1/",
    "http://localhost/",
    "http://127.0.0.1.evil.example/",
    "http://127.0.0.1@evil.example/",
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    " //evil.example",
    "\u{1}//evil.example",
    "evil.example",
    "?next=x",
    "/\u{2028}/evil.example",
    "/\u{ff0f}evil.example",
    "/\r\nSet-Cookie: a=b",
    "/\u{0}",
];

/// covers: F9 J4
#[tokio::test]
async fn return_target_elsewhere_is_refused_under_every_name() {
    for target in targets().await {
        let session = joined(&target.signed_in(&target.site.kinde.person("alice")).await);
        let long = format!("/{}", "a".repeat(2_000));
        let own = target.site.url.clone();
        let more = [
            long,
            format!("{own}.evil.example"),
            format!("{own}@evil.example"),
            format!("{own}//evil.example"),
        ];
        let hostile: Vec<_> = TARGETS.into_iter().map(str::to_owned).chain(more).collect();
        for (name, routes) in [
            (
                "post_login_redirect_url",
                ["login", "register", "create_org", "switch_org?org_code=org_1"].as_slice(),
            ),
            ("post_logout_redirect_url", &["logout"]),
            ("return_url", &["portal"]),
        ] {
            for (route, hostile) in
                routes.iter().flat_map(|route| hostile.iter().map(move |hostile| (route, hostile)))
            {
                let mut query = form_of(name, hostile);
                query.insert(0, if route.contains('?') { '&' } else { '?' });
                let seen = target.get(&format!("/api/auth/{route}{query}"), session.as_bytes()).await;
                assert_eq!(seen.status, 400, "{} {route} {hostile:?}: {}", target.name, seen.body);
                assert!(seen.body.contains("parameter_invalid"), "{route} {hostile:?}: {}", seen.body);
                assert!(!seen.headers.contains_key("location"), "{route} {hostile:?}");
                assert!(
                    !seen.headers.contains_key("set-cookie"),
                    "{route} {hostile:?}: nothing was begun or ended"
                );
            }
        }
        assert_ne!(
            target.get("/", session.as_bytes()).await.body,
            "nobody",
            "{}: nobody was signed out",
            target.name
        );
    }
}

/// Writes a query of one parameter, percent-encoded byte by byte.
fn form_of(name: &str, value: &str) -> String {
    let value: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("{name}={value}")
}

const ROUTES: [&str; 11] = [
    "login",
    "register",
    "logout",
    "kinde_callback",
    "create_org",
    "me",
    "setup",
    "end_session",
    "portal",
    "switch_org",
    "health",
];

/// covers: G9 J4
#[tokio::test]
async fn methods_prefetches_and_odd_paths_change_nothing() {
    for target in targets().await {
        let session = joined(&target.signed_in(&target.site.kinde.person("alice")).await);
        let ask = async |method: &str, path: &str, header: (&str, &str)| {
            let request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
            let request = request.header("cookie", &session).header(header.0, header.1);
            target.send(request.body(Body::from("a=b&code=c")).unwrap()).await
        };
        for route in ROUTES {
            let path = format!("/api/auth/{route}");
            for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X"] {
                let seen = ask(method, &path, ("accept", "*/*")).await;
                assert_eq!(seen.status, 405, "{} {method} {route}", target.name);
                assert!(!seen.headers.contains_key("set-cookie"), "{method} {route}");
            }
            if matches!(route, "me" | "setup" | "health") {
                continue;
            }
            for header in [
                ("sec-purpose", "prefetch"),
                ("purpose", "Prefetch"),
                ("x-moz", "prefetch"),
                ("next-router-prefetch", "1"),
            ] {
                let seen = ask("GET", &path, header).await;
                assert_eq!(
                    (seen.status, seen.headers.contains_key("set-cookie")),
                    (204, false),
                    "{route} {header:?}"
                );
            }
            assert_eq!(ask("HEAD", &path, ("accept", "*/*")).await.status, 204, "{route}");
        }
        for path in [
            "/api/auth/",
            "/api/auth/login/x",
            "/api/auth/xlogin",
            "/api/auth/login%2f",
            "/api/auth/LOGIN",
            "/api/auth/.",
            "/api/auth/%ff",
        ] {
            let seen = ask("GET", path, ("accept", "*/*")).await;
            assert_eq!((seen.status, seen.headers.contains_key("set-cookie")), (404, false), "{path}");
        }
        assert_ne!(target.get("/", session.as_bytes()).await.body, "nobody", "{}", target.name);
    }
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    // Bytes that a header may hold, with those in front that mean something in a cookie.
    let byte = prop_oneof![3 => prop::sample::select(b";=~ ,\"%.kinde_sessionAZaz09-_".to_vec()), 1 => 0x20_u8..=0x7e, 1 => 0x80_u8..=0xff];
    prop::collection::vec(byte, 0..200)
}

/// covers: G5 J4
#[test]
fn whatever_a_browser_sends_nobody_gets_in_and_nothing_breaks() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let targets = runtime.block_on(targets());
    let cases = scaled("cookies and queries of any shape", 20_000);
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }, |(cookie in text(), query in "[a-z0-9=&%+._~:/?@!$'()*,;-]{0,120}", route in prop::sample::select(ROUTES.to_vec()), is_prefixed: bool)| {
        for target in &targets {
            let name = target.named("kinde_session=");
            let cookie = if is_prefixed { [name.as_bytes(), cookie.as_slice()].concat() } else { cookie.clone() };
            let (home, asked) = runtime.block_on(async {
                (target.get("/", &cookie).await, target.get(&format!("/api/auth/{route}?{query}"), &cookie).await)
            });
            prop_assert_eq!((home.status, home.body.as_str()), (200, "nobody"));
            prop_assert!(asked.status < 500, "{} {}", asked.status, asked.body);
            prop_assert!(set(&asked).iter().all(|(name, _)| !name.starts_with("kinde_session")));
        }
    });
}

/// covers: F6
#[tokio::test]
async fn login_starts_leave_memory_flat() {
    let fleet = Fleet::start(crate::fleet::PROGRAM, Environment::start().await, json!({})).await;
    let ids = fleet.ids();
    let resident_kib = || -> u64 {
        let of = |id: &String| -> u64 {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        ids.iter().map(of).sum()
    };
    let url = Arc::new(format!("{}/api/auth/login?org_code=org_1&post_login_redirect_url=%2Fa", fleet.url));
    let run = async |count: u32| {
        let mut running = tokio::task::JoinSet::new();
        for worker in 0..8 {
            let url = Arc::clone(&url);
            running.spawn(async move {
                let client = client().build().unwrap();
                for _ in 0..count / 8 {
                    let seen = client.get(url.as_str()).header("x-worker", worker).send().await.unwrap();
                    assert_eq!(seen.status(), StatusCode::SEE_OTHER);
                }
            });
        }
        running.join_all().await;
    };
    let count = scaled("login starts", 1_000_000);
    run(2_000).await;
    let before = resident_kib();
    run(count).await;
    let grown = resident_kib().saturating_sub(before);
    println!("{count} login starts: two processes grew by {grown} KiB from {before}");
    assert!(grown < 8 * 1024, "two processes grew by {grown} KiB in {count} starts");
    assert_eq!(Browser::default().go(&format!("{}/", fleet.url)).await.body, "nobody");
}
