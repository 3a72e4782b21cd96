//! The program, run as a user runs it.
#![cfg(all(unix, feature = "cli"))]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinde-emulator"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ended_by(signal: &str, child: &mut Child) -> bool {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    sent.success() && child.wait().unwrap().success()
}

fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = program(arguments).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn program_says_that_webhooks_go_to_plain_http_on_this_computer() {
    let told = refused(&["--port", "0", "--webhook", "https://localhost:3000/hooks/kinde"]);
    assert!(told.contains("not emulated: https"), "{told}");
}

#[tokio::test]
async fn program_prints_where_it_listens_and_ends_well_on_a_signal() {
    for signal in ["-INT", "-TERM"] {
        let mut child = program(&["--port", "0", "--json"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let printed: Value = serde_json::from_str(&line).unwrap();
        let issuer = printed["issuer"].as_str().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let keys = client.get(format!("{issuer}/.well-known/jwks")).send().await.unwrap();
        assert!(keys.status().is_success());
        assert_eq!(printed["variables"]["KINDE_ISSUER_URL"], issuer);
        assert!(ended_by(signal, &mut child), "{signal}");
    }
}

#[test]
fn program_prints_a_block_for_the_env_file() {
    let mut child = program(&["--port", "0"]).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let text: Vec<_> = lines.take_while(|line| !line.starts_with("Ctrl-C")).collect();
    assert!(ended_by("-TERM", &mut child));
    for name in
        ["KINDE_ISSUER_URL=http://127.0.0.1:", "KINDE_CLIENT_ID=", "KINDE_CLIENT_SECRET=", "KINDE_SITE_URL="]
    {
        assert!(text.iter().any(|line| line.starts_with(name)), "{name}");
    }
}

#[test]
fn taken_port_is_explained() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let told = refused(&["--port", &port]);
    assert!(told.contains(&port) && told.contains("--port 0"), "{told}");
}

#[test]
fn wrong_seed_is_explained_by_its_key() {
    let path = std::env::temp_dir().join(format!("kinde-emulator-seed-{}.toml", std::process::id()));
    std::fs::write(&path, "[[people]]\nname = \"alice\"\npermisions = []\n").unwrap();
    let told = refused(&["--seed", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    assert!(told.contains("line 3: unknown key `permisions`"), "{told}");
    assert!(refused(&["--seed", "no/such/file.toml"]).contains("no/such/file.toml"));
}

#[test]
fn printed_example_is_a_good_seed() {
    let mut child = program(&["--example"]).spawn().unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(kinde_emulator::Seed::from_toml(&text).is_ok());
}
