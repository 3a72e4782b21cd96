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
    for name in [
        "KINDE_ISSUER_URL=http://127.0.0.1:",
        "KINDE_CLIENT_ID=",
        "KINDE_CLIENT_SECRET=",
        "KINDE_SITE_URL=",
        "KINDE_POST_LOGIN_REDIRECT_URL=",
        "KINDE_POST_LOGOUT_REDIRECT_URL=",
        "KINDE_HOST=http://127.0.0.1:",
        "KINDE_REDIRECT_URI=http://localhost:3000/callback",
    ] {
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

/// A program that runs until it is dropped, and its URL.
struct Running(Child, String);

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let printed: Value = serde_json::from_str(&line).unwrap();
        let url = printed.get("url").and_then(Value::as_str).unwrap().to_owned();
        Self(child, url)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn printed(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = program(arguments).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[test]
fn address_that_others_can_reach_needs_an_option_that_is_called_insecure() {
    let told = refused(&["--port", "0", "--listen", "0.0.0.0"]);
    assert!(told.contains("0.0.0.0") && told.contains("--insecure-listen"), "{told}");
    let mut child = program(&[
        "--port",
        "0",
        "--insecure-listen",
        "0.0.0.0",
        "--json",
        "--issuer",
        "http://kinde.test:4100/",
    ])
    .spawn()
    .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(ended_by("-TERM", &mut child));
    let printed: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(printed["issuer"], "http://kinde.test:4100");
    assert!(printed["url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{line}");
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(told.starts_with("WARNING: --insecure-listen 0.0.0.0"), "{told}");
}

#[test]
fn command_has_the_variables_and_its_exit_code_is_the_programs() {
    let script = "echo $KINDE_ISSUER_URL $KINDE_HOST; exit 7";
    let output = program(&["dev", "--port", "0", "--", "sh", "-c", script]).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    let told = String::from_utf8(output.stdout).unwrap();
    let urls: Vec<_> = told.split_whitespace().collect();
    assert!(urls.len() == 2 && urls[0] == urls[1] && urls[0].starts_with("http://127.0.0.1:"), "{told}");
    assert!(refused(&["dev", "--port", "0", "--", "no-such-program-anywhere"]).contains("no-such-program"));
}

#[test]
fn signal_reaches_the_command_and_the_program_ends_with_it() {
    for (signal, name, code) in [("-TERM", "TERM", 3), ("-INT", "INT", 4)] {
        // The loop, and not one long sleep, lets a shell without job control run the trap at once.
        let script = format!("trap 'exit {code}' {name}; echo ready; while true; do sleep 0.05; done");
        let mut child =
            program(&["dev", "--port", "0", "--", "sh", "-c", &script]).stdin(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{name}");
    }
}

#[test]
fn running_emulator_is_asked_for_events_and_keys() {
    let running = Running::start(&["--port", "0", "--json"]);
    let url = ["--url", running.1.as_str()];
    let event =
        printed(&["trigger", "user.created", "--set", "data.user.email=ada@example.test", url[0], url[1]]);
    assert!(event.starts_with("event_"), "{event}");
    let misspelt = program(&["trigger", "user.craeted", url[0], url[1]]).output().unwrap();
    let told = String::from_utf8(misspelt.stderr).unwrap();
    assert!(misspelt.status.success() && told.starts_with("user.craeted is none of"), "{told}");
    let first = printed(&["rotate-keys", url[0], url[1]]);
    let second = printed(&["rotate-keys", "--drop-old", url[0], url[1]]);
    assert!(first.len() == 48 && second.len() == 48 && first != second, "{first}{second}");
}

#[test]
fn emulator_that_does_not_run_is_explained() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = refused(&["trigger", "user.created", "--url", &format!("http://{free}")]);
    assert!(told.contains("no emulator answers") && told.contains("--url"), "{told}");
    assert!(refused(&["rotate-keys", "--url", "https://acme.kinde.com"]).contains("http://127.0.0.1:4100"));
}

#[test]
fn world_and_env_are_written_once_and_fit_each_other() {
    let directory = std::env::temp_dir().join(format!("kinde-emulator-init-{}", std::process::id()));
    let (world, env) = (directory.join("world.toml"), directory.join(".env"));
    let arguments = ["init", "--directory", directory.to_str().unwrap(), "--port", "4321"];
    assert!(printed(&arguments).contains("world.toml --port 4321"));
    let written = std::fs::read_to_string(&env).unwrap();
    assert!(written.contains("KINDE_ISSUER_URL=http://127.0.0.1:4321\n"), "{written}");
    let running = Running::start(&["--port", "0", "--json", "--seed", world.to_str().unwrap()]);
    drop(running);
    std::fs::write(&world, "mine").unwrap();
    let told = refused(&arguments);
    assert!(told.contains(".env is there") && told.contains("KINDE_CLIENT_ID="), "{told}");
    std::fs::remove_file(&env).unwrap();
    assert!(refused(&arguments).contains("world.toml is there"));
    assert_eq!(std::fs::read_to_string(&world).unwrap(), "mine");
    printed(&[&arguments[..], &["--force"]].concat());
    assert_ne!(std::fs::read_to_string(&world).unwrap(), "mine");
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn schema_is_printed_as_it_is_published() {
    assert_eq!(printed(&["schema"]), include_str!("../schema/seed.json"));
}

#[test]
fn help_of_every_command_has_examples() {
    for command in ["", "dev", "init", "trigger", "rotate-keys"] {
        let arguments: Vec<_> = [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        assert!(printed(&arguments).contains("Examples:"), "{command}");
    }
}
