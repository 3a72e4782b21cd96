//! The program: with an environment that variables name, and with none.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use kinde_emulator::Environment;
use reqwest::{Client, Response, redirect::Policy};

/// The running program; ends with the test.
struct Program(Child);

impl Program {
    /// Starts it with nothing but these variables, and gives the address that it says.
    fn start(variables: &[(&str, String)]) -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-web-login"));
        command.env_clear().envs(variables.iter().map(|(name, value)| (*name, value)));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).find_map(|line| {
            let rest = line.strip_prefix("Open ")?.strip_suffix(" and sign in.")?;
            Some(rest.to_owned())
        });
        (Self(child), said.unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn get(url: &str) -> Response {
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    client.get(url).send().await.unwrap()
}

#[tokio::test]
async fn without_variables_an_emulator_signs_in() {
    let (_program, url) = Program::start(&[("PORT", "0".to_owned())]);
    assert!(get(&url).await.text().await.unwrap().contains("Create an account"));
    let started = get(&format!("{url}/api/auth/login")).await;
    let location = started.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with("http://127.0.0.1:"), "{location}");
    assert_eq!(get(&location).await.status(), 200, "the emulator knows this site");
}

#[tokio::test]
async fn variables_name_the_environment_that_signs_in() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let kinde = Environment::builder().with_site_url(format!("http://localhost:{port}")).start().await;
    let mut variables = kinde.variables();
    variables.extend([
        ("PORT", port.to_string()),
        ("SESSION_SECRET", "of this test alone, 32 characters long".to_owned()),
    ]);
    let (_program, url) = Program::start(&variables);
    assert_eq!(url, format!("http://localhost:{port}"));
    let started = get(&format!("{url}/api/auth/login")).await;
    let location = started.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(&format!("{}/oauth2/auth?", kinde.issuer())), "{location}");
}
