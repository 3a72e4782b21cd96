//! A web application as a user would write it, on a real port, and a browser that goes there.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    Router,
    routing::{get, post},
};
use http::{HeaderMap, Method, StatusCode};
use kinde_axum::{AuthUser, KindeLayer, OrgCode, RequirePermission, SignedInUser};
use kinde_core::{Clock, Kinde, ManualClock, Settings, SystemClock, Verifier};
use kinde_emulator::{Environment, Person};
use kinde_login::{Login, LoginBuilder, SessionHandle};
use tokio::net::TcpListener;

use crate::CreateTodos;

/// A running site, and the environment that signs its people in.
pub struct Site {
    /// The environment.
    pub kinde: Arc<Environment>,
    /// The site's origin.
    pub url: String,
    /// Its sign-in.
    pub login: Login,
}

/// The secret that the sites of the stories share.
pub const SECRET: &str = "a secret of the stories, 32 bytes or more";

impl Site {
    /// Starts an environment and a site with sessions in the cookie.
    pub async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    /// Starts an environment, and a site whose sign-in is changed before it is built.
    pub async fn start_with(change: impl FnOnce(LoginBuilder) -> LoginBuilder) -> Self {
        Self::start_in(Arc::new(Environment::start().await), change).await
    }

    /// Starts a site for an environment that runs.
    pub async fn start_in(
        kinde: Arc<Environment>,
        change: impl FnOnce(LoginBuilder) -> LoginBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::start_at(kinde, url, listener, &[], change)
    }

    /// Starts a site that browsers know as `url`, wherever it listens, with more settings.
    pub fn start_at(
        kinde: Arc<Environment>,
        url: String,
        listener: TcpListener,
        more: &[(&str, &str)],
        change: impl FnOnce(LoginBuilder) -> LoginBuilder,
    ) -> Self {
        kinde.allow_callback(format!("{url}/api/auth/kinde_callback"));
        kinde.allow_logout_url(url.clone());
        let handle = handle_of(&kinde, &url, more);
        let login = change(Login::builder(&handle)).build().unwrap();
        let verifier = handle.verifier().with_clock(ClockOf(Arc::clone(&kinde))).build().unwrap();
        let app = app(verifier, &login);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { kinde, url, login }
    }

    /// Signs a person in, in a browser of their own.
    pub async fn signed_in(&self, person: &Person) -> Browser {
        let mut browser = Browser::default();
        browser.sign_in(self, person).await;
        browser
    }
}

/// Reads the settings that a site of this origin has.
pub fn handle_of(kinde: &Environment, url: &str, more: &[(&str, &str)]) -> Kinde {
    let mut variables = variables_of(kinde, url);
    variables.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Kinde::from_settings(Settings::from_variables(variables).unwrap()).unwrap()
}

/// Gives the variables that a site of this origin has.
pub fn variables_of(kinde: &Environment, url: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("KINDE_ISSUER_URL", kinde.issuer().to_owned()),
        ("KINDE_CLIENT_ID", kinde.client_id().to_owned()),
        ("KINDE_CLIENT_SECRET", kinde.client_secret()),
        ("KINDE_SITE_URL", url.to_owned()),
        ("SESSION_SECRET", SECRET.to_owned()),
    ])
}

/// The pages of the site: who am I, a permission, an organization, a form, a call to another API.
pub fn app(verifier: Verifier, login: &Login) -> Router {
    app_of(verifier, login, login)
}

/// As [`app`], with the routes of another instance.
pub fn app_of(verifier: Verifier, login: &Login, routes: &Login) -> Router {
    Router::new()
        .route(
            "/",
            get(async |user: Option<AuthUser>| user.map_or("nobody".to_owned(), |user| user.id().to_owned())),
        )
        .route("/me", get(async |user: AuthUser| user.id().to_owned()))
        .route("/todos", get(async |_: RequirePermission<CreateTodos>| "created"))
        .route("/org", get(async |org: OrgCode| org.to_string()))
        .route(
            "/profile",
            get(async |user: SignedInUser| {
                let organizations = user.organizations().map(<[_]>::len).unwrap_or_default();
                match user.email() {
                    Ok(email) => format!("{email} {organizations}"),
                    Err(missing) => missing.to_string(),
                }
            }),
        )
        .route("/dashboard", get(async |user: AuthUser| user.id().to_owned()).layer(login.login_required()))
        .route("/change", post(async |user: AuthUser| format!("changed by {}", user.id())))
        .route(
            "/call",
            get(async |session: axum::Extension<SessionHandle>| {
                session
                    .access_token()
                    .await
                    .map(|token| token.expose().to_owned())
                    .map_err(|error| error.code())
            }),
        )
        .layer(KindeLayer::new(verifier).optional())
        .layer(login.session_layer())
        .nest_service("/api/auth", routes.routes())
}

/// The clock of an environment, so that a site judges its tokens at the time they are issued.
#[derive(Clone)]
pub struct ClockOf(pub Arc<Environment>);

impl Clock for ClockOf {
    fn wall(&self) -> Duration {
        Duration::from_secs(self.0.now())
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

impl std::fmt::Debug for ClockOf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ClockOf")
    }
}

/// Moves the clocks of environment and site together.
pub fn clock_of(kinde: &Environment) -> ManualClock {
    let now = kinde.now();
    kinde.set_time(now);
    ManualClock::at_unix_seconds(now)
}

/// A browser: it keeps cookies by origin, and says how it asks.
#[derive(Clone, Default)]
pub struct Browser {
    /// Cookies by origin and name.
    pub jar: BTreeMap<(String, String), String>,
    /// How it connects, where that matters.
    pub client: Option<reqwest::Client>,
}

/// What came back.
#[derive(Debug)]
pub struct Seen {
    /// The status.
    pub status: u16,
    /// Where it leads.
    pub location: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Browser {
    /// Goes to an address as somebody who follows a link, without following redirects.
    pub async fn go(&mut self, url: &str) -> Seen {
        self.ask(Method::GET, url, &NAVIGATION).await
    }

    /// Asks with headers of one's own.
    pub async fn ask(&mut self, method: Method, url: &str, headers: &[(&str, &str)]) -> Seen {
        let client = self.client.as_ref().unwrap_or(&*CLIENT);
        let mut request = client.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let origin = origin_of(url);
        let cookies: Vec<_> = self
            .jar
            .iter()
            .filter(|((of, _), _)| *of == origin)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let answer = request.send().await.unwrap();
        let headers = answer.headers().clone();
        for cookie in headers.get_all("set-cookie") {
            self.keep(&origin, cookie.to_str().unwrap());
        }
        Seen {
            status: answer.status().as_u16(),
            location: headers.get("location").map(|location| location.to_str().unwrap().to_owned()),
            headers,
            body: answer.text().await.unwrap(),
        }
    }

    /// Signs a person in: goes to the login route, to Kinde as that person, and back.
    pub async fn sign_in(&mut self, site: &Site, person: &Person) -> Seen {
        let started = self.go(&format!("{}/api/auth/login", site.url)).await;
        let callback = site.kinde.sign_in(&started.location.unwrap(), person).unwrap();
        let seen = self.go(&callback).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER.as_u16(), "{seen:?}");
        seen
    }

    /// Gives the names of the cookies that the browser keeps for a site, without the count of sign-ins, which stays for
    /// a minute.
    pub fn cookies(&self, url: &str) -> Vec<&str> {
        let origin = origin_of(url);
        let all = self.jar.keys().filter(|(of, _)| *of == origin).map(|(_, name)| name.as_str());
        all.filter(|name| !name.contains("kinde_starts_")).collect()
    }

    /// Takes the cookies of a site to another that stands for it: another instance, or the same one restarted. What is
    /// told by the address is written anew, since the two cannot share a port here.
    pub fn moves(&mut self, from: &Site, to: &Site) {
        let mark = |site: &Site| site.login.session_cookie_name().rsplit_once('_').unwrap().1.to_owned();
        let (old, new) = (mark(from), mark(to));
        let jar = std::mem::take(&mut self.jar).into_iter();
        self.jar =
            jar.map(|((_, name), value)| ((to.url.clone(), name.replace(&old, &new)), value)).collect();
    }

    fn keep(&mut self, origin: &str, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let key = (origin.to_owned(), name.to_owned());
        if attributes.contains("Max-Age=0") {
            self.jar.remove(&key);
        } else {
            self.jar.insert(key, value.to_owned());
        }
    }
}

/// Begins a client that follows no redirects, with connections of its own.
pub fn client() -> reqwest::ClientBuilder {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    client.timeout(Duration::from_secs(60))
}

/// Made once, since it reads the machine's certificates; each request has a connection of its own.
static CLIENT: LazyLock<reqwest::Client> =
    LazyLock::new(|| client().pool_max_idle_per_host(0).build().unwrap());

/// What a browser sends when somebody follows a link of the same site.
pub const NAVIGATION: [(&str, &str); 4] = [
    ("accept", "text/html,application/xhtml+xml"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "same-origin"),
];

/// What a browser sends when a script of the same site asks.
pub const SCRIPT: [(&str, &str); 4] = [
    ("accept", "*/*"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-site", "same-origin"),
];

fn origin_of(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}
