//! The sign-in routes from outside: a browser signs in, is known, creates an organization and signs out.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use kinde_emulator::{Environment, Person};
use reqwest::{Client, StatusCode, header::HeaderMap, redirect::Policy};
use serde_json::Value;

/// The running program, and a browser that keeps its cookies.
struct Reference {
    process: Child,
    site: String,
    client: Client,
    jar: BTreeMap<String, String>,
}

struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn location(&self) -> &str {
        self.headers["location"].to_str().unwrap()
    }
}

/// An environment for a site on a free port, and the port.
async fn environment() -> (Environment, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let kinde = Environment::builder().with_site_url(format!("http://localhost:{port}")).start().await;
    (kinde, port)
}

impl Reference {
    fn start(kinde: &Environment, port: u16, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-reference"));
        command.env_clear().envs(kinde.variables()).env("PORT", port.to_string());
        command.envs(more.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on "), "it says {line:?}");
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { process, site: format!("http://localhost:{port}"), client, jar: BTreeMap::new() }
    }

    /// Goes to an address of the site, and keeps the cookies of the answer.
    async fn go(&mut self, url: &str) -> Seen {
        let cookies: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let url = if url.starts_with('/') { format!("{}{url}", self.site) } else { url.to_owned() };
        let answer = self.client.get(url).header("cookie", cookies.join("; ")).send().await.unwrap();
        let headers = answer.headers().clone();
        for cookie in headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        Seen { status: answer.status(), headers, body: answer.text().await.unwrap() }
    }

    /// Starts at a route and comes back from Kinde as a person.
    async fn sign_in(&mut self, kinde: &Environment, route: &str, person: &Person) -> Seen {
        let started = self.go(route).await;
        let callback = kinde.sign_in(started.location(), person).unwrap();
        self.go(&callback).await
    }

    async fn me(&mut self) -> (StatusCode, Value) {
        let seen = self.go("/api/auth/me").await;
        (seen.status, serde_json::from_str(&seen.body).unwrap())
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test]
async fn person_signs_in_is_known_and_signs_out() {
    let (kinde, port) = environment().await;
    let site = format!("http://localhost:{port}");
    let welcome = format!("{site}/welcome");
    let mut reference =
        Reference::start(&kinde, port, &[SECRET, ("KINDE_POST_LOGIN_REDIRECT_URL", welcome.as_str())]);
    let alice = kinde.person("alice").in_org("acme").remember();
    assert_eq!(reference.me().await.0, StatusCode::UNAUTHORIZED);

    let back = reference.sign_in(&kinde, "/api/auth/login", &alice).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, "/welcome"));
    let (status, me) = reference.me().await;
    assert_eq!((status, me["id"].as_str()), (StatusCode::OK, Some(alice.id())));
    assert_eq!(
        reference.go("/protected").await.status,
        StatusCode::UNAUTHORIZED,
        "a cookie is no bearer token"
    );

    let out = reference.go("/api/auth/logout").await;
    let mut expected = reqwest::Url::parse(&format!("{}/logout", kinde.url())).unwrap();
    expected.query_pairs_mut().append_pair("redirect", &site);
    assert_eq!((out.status, out.location()), (StatusCode::SEE_OTHER, expected.as_str()));
    assert_eq!(reference.me().await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn newcomer_and_new_organization_are_asked_for() {
    let (kinde, port) = environment().await;
    let mut reference = Reference::start(&kinde, port, &[SECRET]);
    for (route, expected) in [
        ("/api/auth/register", vec!["prompt=create"]),
        ("/api/auth/create_org?org_name=Voss", vec!["prompt=create", "is_create_org=true", "org_name=Voss"]),
    ] {
        let started = reference.go(route).await;
        let location = started.location();
        for parameter in expected {
            assert!(location.contains(&format!("&{parameter}")), "{route}: {location}");
        }
        let back = kinde.sign_in(location, &kinde.person("alice")).unwrap();
        assert_eq!(reference.go(&back).await.status, StatusCode::SEE_OTHER, "{route}");
    }
    assert_eq!(reference.me().await.0, StatusCode::OK);
}

#[tokio::test]
async fn without_site_or_secret_there_are_no_sign_in_routes() {
    let (kinde, port) = environment().await;
    for more in [vec![], vec![SECRET, ("KINDE_SITE_URL", "")]] {
        let mut reference = Reference::start(&kinde, port, &more);
        assert_eq!(reference.go("/api/auth/login").await.status, StatusCode::NOT_FOUND, "{more:?}");
    }
}

const SECRET: (&str, &str) = ("REFERENCE_COOKIE_SECRET", "of these tests alone, 32 characters or more");
