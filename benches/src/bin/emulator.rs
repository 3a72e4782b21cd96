//! What the emulator's program does in a second, on one connection and on many, and the memory it holds.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use kinde_benches::{
    measure::median,
    program::{self, Program},
    report::{Bars, option},
};
use reqwest::{Client, redirect::Policy};
use serde_json::Value;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> ExitCode {
    let program = Program::start(&program::build());
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client");
    let session = Session::start(&program, &client).await;
    let at_start = program.resident_mib();
    let slice = Duration::from_millis(option("--slice-ms", 1_000) as u64);
    let connections = option("--connections", 8);

    println!(
        "requests a second, median of {} slices        1 connection  {connections} connections",
        option("--slices", 5)
    );
    for what in [What::Keys, What::Profile, What::Machine, What::Refresh, What::SignIn] {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..option("--slices", 5) {
            for (rates, connections) in rates.iter_mut().zip([1, connections]) {
                rates.push(rate(&session, what, connections, slice).await);
            }
        }
        let [one, many] = rates.map(|rates| median(&rates));
        println!("{:<46} {one:>12.0}  {many:>12.0}", what.name());
    }
    println!();
    println!("resident after all of it: {:.1} MiB", program.resident_mib());
    let mut bars = Bars::new();
    bars.at_most("resident after the first sign-in", at_start, 20.0, "MiB");
    bars.exit_code()
}

#[derive(Clone, Copy)]
enum What {
    Keys,
    Profile,
    Machine,
    Refresh,
    SignIn,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Keys => "key set",
            Self::Profile => "user profile",
            Self::Machine => "machine token (one signature)",
            Self::Refresh => "refresh (two signatures)",
            Self::SignIn => "sign-in and code (two requests, two signatures)",
        }
    }
}

/// Counts how many were answered in one slice of time.
async fn rate(session: &Session, what: What, connections: usize, slice: Duration) -> f64 {
    let start = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..connections {
        let mut session = session.clone();
        running.spawn(async move {
            let mut answered = 0_u32;
            session.sign_in().await;
            while start.elapsed() < slice {
                session.ask(what).await;
                answered += 1;
            }
            answered
        });
    }
    let answered: u32 = running.join_all().await.into_iter().sum();
    f64::from(answered) / start.elapsed().as_secs_f64()
}

/// One person's tokens, and what asks for more.
#[derive(Clone)]
struct Session {
    client: Client,
    url: String,
    client_id: String,
    client_secret: String,
    machine: [String; 2],
    tokens: Value,
}

impl Session {
    async fn start(program: &Program, client: &Client) -> Self {
        let url = program.url().to_owned();
        let applications: Value = client
            .get(format!("{url}/_emulator/applications"))
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        let machine = applications["applications"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|application| application["kind"] == "machine")
            .expect("the example world has a machine");
        let machine =
            ["client_id", "client_secret"].map(|name| machine[name].as_str().expect("text").to_owned());
        let mut session = Self {
            client: client.clone(),
            url,
            client_id: program.variable("KINDE_CLIENT_ID").to_owned(),
            client_secret: program.variable("KINDE_CLIENT_SECRET").to_owned(),
            machine,
            tokens: Value::Null,
        };
        session.sign_in().await;
        session
    }

    async fn ask(&mut self, what: What) {
        match what {
            What::Keys => drop(self.get("/.well-known/jwks").await),
            What::Profile => drop(self.get("/oauth2/v2/user_profile").await),
            What::Machine => {
                let [id, secret] = self.machine.clone();
                let audience = ("audience", "https://api.example.test");
                let fields = [
                    ("grant_type", "client_credentials"),
                    ("client_id", &id),
                    ("client_secret", &secret),
                    audience,
                ];
                self.token(&fields).await;
            }
            What::Refresh => {
                let refresh_token = self.text("refresh_token");
                let fields = [("grant_type", "refresh_token"), ("refresh_token", &refresh_token)];
                self.tokens = self.token_of_application(&fields).await;
            }
            What::SignIn => self.sign_in().await,
        }
    }

    async fn sign_in(&mut self) {
        let callback = "http://localhost:3000/callback";
        let request = format!(
            "{}/oauth2/auth?client_id={}&redirect_uri={callback}&response_type=code&scope=openid%20offline&state=12345678&login_hint=auto:alice@example.test",
            self.url, self.client_id
        );
        let answer = self.client.get(request).send().await.expect("an answer");
        let location = answer.headers()["location"].to_str().expect("text").to_owned();
        let code = location.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).expect("a code");
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", callback)];
        self.tokens = self.token_of_application(&fields).await;
    }

    async fn get(&self, path: &str) -> Vec<u8> {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(self.text("access_token"));
        // Kinde may refuse a bearer token at its key set.
        let request = if path.starts_with("/.well-known") {
            self.client.get(format!("{}{path}", self.url))
        } else {
            request
        };
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.expect("a body").to_vec()
    }

    async fn token_of_application(&self, fields: &[(&str, &str)]) -> Value {
        let mine = [("client_id", self.client_id.as_str()), ("client_secret", self.client_secret.as_str())];
        self.token(&[fields, &mine].concat()).await
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Value {
        let answer = self
            .client
            .post(format!("{}/oauth2/token", self.url))
            .form(fields)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{fields:?}");
        answer.json().await.expect("JSON")
    }

    fn text(&self, name: &str) -> String {
        self.tokens[name].as_str().expect("text").to_owned()
    }
}
