//! A Chromium without a window, with a profile of its own.

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
    process::{self, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::Value;
use tokio::process::Command;

/// The program, and a fresh directory for its profile.
pub struct Chromium {
    program: PathBuf,
    profile: PathBuf,
}

impl Chromium {
    /// Finds the program, or prints that the test does not run.
    pub fn find() -> Option<Self> {
        let Some(program) = program() else {
            // Not `eprintln!`: what that prints, a passing test keeps to itself.
            let _ = writeln!(io::stderr(), "not run: chromium is not installed");
            return None;
        };
        static PROFILES: AtomicUsize = AtomicUsize::new(0);
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile = env::temp_dir().join(format!("kinde-spa-api-{}-{number}", process::id()));
        fs::create_dir_all(&profile).unwrap();
        Some(Self { program, profile })
    }

    /// Opens a page, lets its script come to an end, and reads the JSON it wrote into the element `results`.
    pub async fn results(&self, url: &str) -> Value {
        let mut command = Command::new(&self.program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", self.profile.display())).arg(url);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output());
        let output = output.await.expect("chromium did not end").unwrap();
        let page = String::from_utf8(output.stdout).unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(page.contains(r#"data-done="yes""#), "the script did not end\n{page}\n{log}");
        let (_, results) = page.split_once(r#"<pre id="results">"#).unwrap();
        let (results, _) = results.split_once("</pre>").unwrap();
        serde_json::from_str(&results.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
            .unwrap()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // What it leaves behind harms no other test.
        let _ = fs::remove_dir_all(&self.profile);
    }
}

#[expect(clippy::disallowed_methods, reason = "where the browser is, is no setting of Kinde")]
fn program() -> Option<PathBuf> {
    if let Some(program) = env::var_os("KINDE_TEST_CHROMIUM").filter(|program| !program.is_empty()) {
        return Some(program.into());
    }
    env::split_paths(&env::var_os("PATH")?)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--dump-dom",
    // Timers run ahead; time stands still while a request is under way.
    "--virtual-time-budget=10000",
];
const PATIENCE: Duration = Duration::from_secs(60);
