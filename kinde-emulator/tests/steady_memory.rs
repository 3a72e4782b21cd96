//! A long run does not pile anything up: the program's memory stays what it was.
#![cfg(all(target_os = "linux", feature = "cli"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::{Client, redirect::Policy};
use serde_json::Value;

const CALLBACK: &str = "http://localhost:3000/callback";

/// A hundredth of the full counts, or all of them in the soak tier.
fn scaled(soak_count: u32) -> u32 {
    #[expect(clippy::disallowed_methods, reason = "the tier is a matter of `./check`")]
    let scale = std::env::var("KINDE_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1);
    println!("{} of {soak_count} in the soak tier", soak_count / 100 * scale);
    soak_count / 100 * scale
}

struct Program {
    child: Child,
    url: String,
    variables: Value,
}

impl Program {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kinde-emulator"));
        let mut child = command.args(["--port", "0", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: told["issuer"].as_str().unwrap().to_owned(), variables: told["variables"].clone() }
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    async fn sign_in(&self, client: &Client) -> Value {
        let request = format!(
            "{}/oauth2/auth?client_id={}&redirect_uri={CALLBACK}&response_type=code&scope=openid%20offline&state=12345678\
             &login_hint=auto:alice@example.test",
            self.url,
            self.variables["KINDE_CLIENT_ID"].as_str().unwrap()
        );
        let answer = client.get(request).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let code = location.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).unwrap().to_owned();
        self.token(
            client,
            &[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)],
        )
        .await
    }

    async fn token(&self, client: &Client, fields: &[(&str, &str)]) -> Value {
        let mine = ["client_id", "client_secret"].map(|name| {
            let variable = format!("KINDE_{}", name.to_uppercase());
            (name, self.variables[&variable].as_str().unwrap())
        });
        let fields = [fields, &mine].concat();
        let answer = client.post(format!("{}/oauth2/token", self.url)).form(&fields).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn ten_thousand_sign_ins_and_a_hundred_thousand_tokens_leave_memory_flat() {
    let program = Program::start();
    let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let (sign_ins, tokens) = (scaled(10_000), scaled(100_000));
    let mut tokens_of_last = program.sign_in(&client).await;
    for _ in 0..sign_ins {
        tokens_of_last = program.sign_in(&client).await;
    }
    let before = program.resident_kib();
    // Once more as many: whatever a sign-in leaves behind is replaced by the next one's by now.
    for _ in 0..sign_ins {
        tokens_of_last = program.sign_in(&client).await;
    }
    for _ in 0..tokens {
        let refresh_token = tokens_of_last["refresh_token"].as_str().unwrap().to_owned();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
        tokens_of_last = program.token(&client, &fields).await;
    }
    let after = program.resident_kib();
    println!(
        "{before} KiB after {sign_ins} sign-ins, {after} KiB after as many again and {tokens} refreshes"
    );
    assert!(after < before + 4_096, "from {before} to {after} KiB");
    assert!(after < 48 * 1_024, "{after} KiB");
}
