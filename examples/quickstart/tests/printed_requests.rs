//! Starts the program as a newcomer does and pastes what it prints.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

/// A `curl` line and the status printed above it.
struct Step {
    status: u16,
    line: String,
}

struct Quickstart {
    process: Child,
    steps: Vec<Step>,
}

impl Quickstart {
    /// Starts the program without any variable of Kinde and reads what it prints, to the last line.
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-quickstart"));
        command.env_clear().env("PORT", "0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut steps = Vec::new();
        while let Some(line) = lines.next().filter(|line| !line.contains("Ctrl-C stops")) {
            if let Some(expectation) = line.strip_prefix("# ") {
                let status = expectation.split(' ').next().unwrap().parse().unwrap();
                steps.push(Step { status, line: lines.next().unwrap() });
            }
        }
        Self { process, steps }
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test]
async fn each_printed_request_is_answered_with_the_printed_status() {
    let quickstart = Quickstart::start();
    let mut bodies = Vec::new();
    for Step { status, line } in &quickstart.steps {
        let response = send(line).await;
        assert_eq!(response.status().as_u16(), *status, "{line}");
        let challenge = response.headers().get("www-authenticate");
        assert_eq!(challenge.is_some(), matches!(status, 401 | 403), "{line}");
        bodies.push(response.text().await.unwrap());
    }
    let statuses: Vec<_> = quickstart.steps.iter().map(|step| step.status).collect();
    assert_eq!(statuses, [200, 401, 200, 401, 403, 201, 200, 403, 200, 200]);
    assert_eq!(bodies[8..], ["The new editor.\n", "The editor you know.\n"]);
}

#[test]
fn each_printed_line_can_be_pasted_into_a_shell() {
    if Command::new("curl").arg("--version").output().is_err() {
        // Not `eprintln!`: what that prints, a passing test keeps to itself.
        writeln!(io::stderr(), "not run: curl is not installed").unwrap();
        return;
    }
    let quickstart = Quickstart::start();
    for Step { status, line } in &quickstart.steps {
        let pasted = Command::new("sh").args(["-c", line]).env("no_proxy", "*").output().unwrap();
        let answer = String::from_utf8(pasted.stdout).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}\n{answer}");
    }
}

/// Sends what a printed line asks for, where there is no `curl`.
async fn send(line: &str) -> reqwest::Response {
    let method = if line.contains(" -X POST ") { reqwest::Method::POST } else { reqwest::Method::GET };
    let url = line.split(' ').find(|word| word.starts_with("http://")).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method, url);
    if let Some((_, header)) = line.split_once("-H 'Authorization: ") {
        request = request.header("authorization", header.trim_end_matches('\''));
    }
    request.send().await.unwrap()
}
