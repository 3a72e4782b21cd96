//! What an application decides about its routes: names, origins, the page, a client without a secret, the token for
//! scripts.

use std::sync::Arc;

use http::{Method, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use kinde_core::{ConfigProblem, Kinde, Settings};
use kinde_emulator::{Environment, Seed};
use kinde_login::{Failure, Login, RenderPage};
use kinde_tests::site::{Browser, SCRIPT, Site, handle_of, variables_of};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt;

async fn get(login: &Login, path: &str) -> Response<Full<bytes::Bytes>> {
    let request =
        Request::get(path).header("accept", "text/html").body(Empty::<bytes::Bytes>::new()).unwrap();
    login.routes().oneshot(request).await.unwrap()
}

fn location(answer: &Response<Full<bytes::Bytes>>) -> &str {
    answer.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn access_token_is_for_scripts_of_the_own_origin_and_only_where_it_was_chosen() {
    for is_exposed in [false, true] {
        let site =
            Site::start_with(|login| if is_exposed { login.expose_access_token() } else { login }).await;
        let mut browser = site.signed_in(&site.kinde.person("alice")).await;
        let setup = format!("{}/api/auth/setup", site.url);
        for (from, is_own) in
            [("same-origin", true), ("", true), ("same-site", false), ("cross-site", false), ("none", false)]
        {
            let headers = [("accept", "*/*"), ("sec-fetch-site", from)];
            let headers = if from.is_empty() { &headers[..1] } else { &headers[..] };
            let seen = browser.ask(Method::GET, &setup, headers).await;
            let told: Value = serde_json::from_str(&seen.body).unwrap();
            assert_eq!((seen.status, &told["message"]), (200, &"OK".into()), "{from}");
            let token = told["accessTokenEncoded"].as_str();
            assert_eq!(token.is_some(), is_exposed && is_own, "{is_exposed} {from}");
            assert_eq!(told["accessTokenRaw"].as_str(), token, "{from}");
            assert_eq!(token.is_some_and(|token| token.split('.').count() == 3), token.is_some());
            assert!(!seen.body.contains("efreshToken") && told.get("idTokenRaw").is_none(), "{from}");
            assert_eq!(seen.headers["cache-control"], "private, no-store", "{from}");
        }
    }
}

#[tokio::test]
async fn routes_have_the_names_that_the_variables_give_them() {
    let kinde = Environment::start().await;
    let site = "http://localhost:3000";
    let names = [
        ("LOGIN", "sign-in"),
        ("LOGOUT", "sign-out"),
        ("REGISTER", "sign-up"),
        ("CREATEORG", "new_org"),
        ("HEALTH", "up"),
        ("SETUP", "state"),
        ("PORTAL", "account"),
        ("ENDSESSION", "end"),
    ];
    let mut variables: Vec<_> =
        names.map(|(route, name)| (format!("KINDE_AUTH_{route}_ROUTE"), name.to_owned())).into();
    variables.push(("KINDE_AUTH_API_PATH".to_owned(), "/app/auth".to_owned()));
    variables.extend(variables_of(&kinde, site).into_iter().map(|(name, value)| (name.to_owned(), value)));
    let settings = Settings::from_variables(variables).unwrap();
    let login = Login::new(&Kinde::from_settings(settings).unwrap()).unwrap();
    for (name, status) in [
        ("sign-in", 303),
        ("sign-out", 303),
        ("sign-up", 303),
        ("new_org", 303),
        ("up", 200),
        ("state", 401),
        ("account", 303),
        ("end", 200),
        ("me", 401),
        ("switch_org?org_code=org_1", 303),
        ("kinde_callback", 400),
        ("login", 404),
        ("logout", 404),
        ("setup", 404),
    ] {
        for path in [format!("/app/auth/{name}"), format!("/{name}")] {
            assert_eq!(get(&login, &path).await.status(), status, "{path}");
        }
        assert_eq!(get(&login, &format!("/api/auth/{name}")).await.status(), 404, "{name}");
    }
    assert_eq!(login.callback_url(), "http://localhost:3000/app/auth/kinde_callback");
    assert_eq!(login.links().login().to_string(), "/app/auth/sign-in");
    assert_eq!(login.links().create_org("Acme").to_string(), "/app/auth/new_org?org_name=Acme");
    let started = get(&login, "/app/auth/sign-in").await;
    assert!(location(&started).contains("%2Fapp%2Fauth%2Fkinde_callback"), "{}", location(&started));
}

/// covers: F9
#[tokio::test]
async fn browser_is_led_to_an_origin_that_was_allowed_and_to_none_like_it() {
    let site = Site::start_with(|login| login.with_allowed_origin("https://docs.example.com")).await;
    let alice = site.kinde.person("alice");
    let login = format!("{}/api/auth/login?post_login_redirect_url=https%3A%2F%2Fdocs.example.com", site.url);
    let mut browser = Browser::default();
    let started = browser.go(&format!("{login}%2Fa")).await;
    let back = browser.go(&site.kinde.sign_in(&started.location.unwrap(), &alice).unwrap()).await;
    assert_eq!(back.location.as_deref(), Some("https://docs.example.com/a"));
    for hostile in [".evil.example", "%40evil.example", "%3A8443%2F"] {
        assert_eq!(browser.go(&format!("{login}{hostile}")).await.status, 400, "{hostile}");
    }
    let target = "post_logout_redirect_url=https%3A%2F%2Fdocs.example.com%2Fbye";
    let out = browser.go(&format!("{}/api/auth/logout?{target}", site.url)).await;
    assert!(out.location.unwrap().ends_with("/logout?redirect=https%3A%2F%2Fdocs.example.com%2Fbye"));
    for origin in ["https://docs.example.com/", "HTTPS://docs.example.com", "docs.example.com", "*", ""] {
        let handle = handle_of(&site.kinde, &site.url, &[]);
        let error = Login::builder(&handle).with_allowed_origin(origin).build().unwrap_err();
        assert_eq!(error.problems()[0].setting(), "with_allowed_origin", "{origin}");
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_the_settings_is_told_at_once() {
    let kinde = Environment::start().await;
    let more = [
        ("KINDE_CLIENT_SECRET", ""),
        ("SESSION_SECRET", "short"),
        ("KINDE_POST_LOGIN_REDIRECT_URL", "https://Docs.example.com/welcome"),
    ];
    let handle = handle_of(&kinde, "http://localhost:3000", &more);
    let refused = Login::builder(&handle)
        .insecure_cookie_domain("other.example")
        .with_allowed_origin("https://docs.example.com")
        .with_allowed_origin("https://Docs.example.com")
        .build()
        .unwrap_err();
    let mut named: Vec<_> = refused.problems().iter().map(ConfigProblem::setting).collect();
    named.sort_unstable();
    let expected = [
        "KINDE_CLIENT_SECRET",
        "KINDE_POST_LOGIN_REDIRECT_URL",
        "SESSION_SECRET",
        "insecure_cookie_domain",
        "with_allowed_origin",
    ];
    assert_eq!(named, expected, "{refused}");
}

#[derive(Debug)]
struct OwnPage;

impl RenderPage for OwnPage {
    fn render(&self, failure: &Failure<'_>) -> String {
        format!(
            "<h1>Oh no: {}</h1><a href=\"{}\">{}</a>",
            failure.error().code(),
            failure.login(),
            failure.home()
        )
    }
}

#[tokio::test]
async fn page_of_the_application_is_shown_with_the_status_and_policy_of_ours() {
    let site = Site::start_with(|login| login.with_page(OwnPage)).await;
    let mut browser = Browser::default();
    let url = format!("{}/api/auth/kinde_callback?code=a&state=b", site.url);
    let seen = browser.go(&url).await;
    assert_eq!(
        (seen.status, seen.body.as_str()),
        (400, "<h1>Oh no: flow_unknown</h1><a href=\"/api/auth/login\">/</a>")
    );
    assert_eq!(seen.headers["content-type"], "text/html; charset=utf-8");
    assert!(seen.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let script = browser.ask(Method::GET, &url, &SCRIPT).await;
    assert_eq!(script.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn application_without_a_secret_signs_in_by_pkce_alone() {
    let kinde = Arc::new(Environment::start().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seed = format!(
        "[[applications]]\nname = \"spa\"\nkind = \"public\"\nclient_id = \"public_1\"\n\
         callbacks = [\"{url}/api/auth/kinde_callback\"]\nlogout_urls = [\"{url}\"]\n"
    );
    kinde.import(&Seed::from_toml(&seed).unwrap());
    let more = [("KINDE_CLIENT_ID", "public_1"), ("KINDE_CLIENT_SECRET", "")];
    let site = Site::start_at(kinde, url, listener, &more, kinde_login::LoginBuilder::public_client);
    let alice = site.kinde.person("alice");
    let mut browser = site.signed_in(&alice).await;
    assert_eq!(browser.go(&format!("{}/", site.url)).await.body, alice.id());

    let with_secret = Site::start().await;
    let login = Login::builder(&handle_of(&with_secret.kinde, &with_secret.url, &[])).public_client();
    let login = login.build().unwrap();
    let started = get(&login, "/api/auth/login").await;
    let callback = with_secret.kinde.sign_in(location(&started), &with_secret.kinde.person("bob")).unwrap();
    let mut request = Request::get(callback.trim_start_matches(&with_secret.url));
    for cookie in started.headers().get_all("set-cookie") {
        request = request.header("cookie", cookie.to_str().unwrap().split(';').next().unwrap());
    }
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    let refused = login.routes().oneshot(request).await.unwrap();
    assert!(refused.status().is_server_error(), "the secret was not sent: {}", refused.status());
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("client_refused"), "{body:?}");
}
