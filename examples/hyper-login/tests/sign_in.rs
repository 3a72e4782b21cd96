//! The page and the routes over loopback HTTP: a person of an emulator signs in and out.

use std::collections::BTreeMap;

use kinde_emulator::{Environment, Seed};
use kinde_login::Login;
use reqwest::{Client, Method, Response, redirect::Policy};
use tokio::net::TcpListener;

/// A browser that keeps the cookies of one site and follows nothing by itself.
struct Browser {
    client: Client,
    site: String,
    jar: BTreeMap<String, String>,
}

impl Browser {
    async fn ask(&mut self, method: Method, address: &str) -> Response {
        let cookies: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let url =
            address.strip_prefix('/').map_or(address.to_owned(), |path| format!("{}/{path}", self.site));
        let request = self.client.request(method, url).header("cookie", cookies.join("; "));
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    async fn page(&mut self, address: &str) -> String {
        self.ask(Method::GET, address).await.text().await.unwrap()
    }
}

async fn start(people: Seed) -> (Environment, Browser) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (kinde, emulator) = example_environment::emulated_site(port, people).await.unwrap();
    let login = Login::new(&kinde).unwrap();
    tokio::spawn(async move { example_hyper_login::serve(listener, &kinde, &login).await });
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    (emulator, Browser { client, site: format!("http://localhost:{port}"), jar: BTreeMap::new() })
}

fn location(answer: &Response) -> &str {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn person_signs_in_is_greeted_by_name_and_signs_out() {
    let people = "[[people]]\nname = \"mallory\"\ngiven_name = \"<b>Mallory</b>\"\n";
    let (emulator, mut browser) = start(Seed::from_toml(people).unwrap()).await;
    let mallory = emulator.person("mallory");
    assert!(browser.page("/").await.contains(r#"<a href="/api/auth/login">Sign in</a>"#));

    let started = browser.ask(Method::GET, "/api/auth/login").await;
    let callback = emulator.sign_in(location(&started), &mallory).unwrap();
    assert_eq!(location(&browser.ask(Method::GET, &callback).await), "/");
    let home = browser.page("/").await;
    assert!(home.contains("You are signed in as &lt;b&gt;Mallory&lt;/b&gt;"), "{home}");

    let out = browser.ask(Method::POST, "/api/auth/logout").await;
    assert!(location(&out).starts_with(&format!("{}/logout?", emulator.url())));
    assert!(browser.page("/").await.contains("Sign in"));
}

#[tokio::test]
async fn other_addresses_are_not_found() {
    let (_emulator, mut browser) = start(Seed::default()).await;
    for path in ["/other", "/api/auth/other", "/api/authentic/login"] {
        assert_eq!(browser.ask(Method::GET, path).await.status(), 404, "{path}");
    }
}
