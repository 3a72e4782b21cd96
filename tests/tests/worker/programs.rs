//! The example's two halves as processes.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use kinde_emulator::Environment;

/// A running half. It is killed when dropped, or when the process of the tests ends in whatever way.
pub(crate) struct Program {
    shell: Child,
    first_line: String,
    log: PathBuf,
    /// Kept open, or the program could not print.
    _output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts the half that Kinde talks to, and waits until it listens, on a free port or where another did.
    pub(crate) fn accept(kinde: &Environment, database_url: &str, port: u16) -> Self {
        Self::start("accept", kinde, database_url, port)
    }

    /// Starts the half that handles events.
    pub(crate) fn work(kinde: &Environment, database_url: &str) -> Self {
        Self::start("work", kinde, database_url, 0)
    }

    /// Gives the URL that the endpoint printed.
    pub(crate) fn url(&self) -> &str {
        self.first_line.split(' ').next().unwrap_or_default()
    }

    /// Gives the port of that URL.
    pub(crate) fn port(&self) -> u16 {
        let after_host = self.url().rsplit(':').next().unwrap_or_default();
        after_host.split('/').next().unwrap_or_default().parse().unwrap()
    }

    /// Kills the program in a way that it cannot notice, and waits for its end.
    pub(crate) fn kill(&mut self) {
        if let Some(mut pipe) = self.shell.stdin.take() {
            // A shell that is gone has nobody who reads.
            let _ = writeln!(pipe);
        }
        let _ = self.shell.wait();
    }

    /// Gives what the program logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn start(role: &str, kinde: &Environment, database_url: &str, port: u16) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let log = std::env::temp_dir().join(format!("kinde-worker-{}-{number}.log", std::process::id()));
        // The pipe closes when this process ends, however it ends; then `read` returns and the program is killed.
        let script = r#""$@" 2>"$LOG" </dev/null & exec >/dev/null; read -r word; kill -s KILL $!; wait $!"#;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh"]).arg(program()).arg(role).process_group(0);
        command
            .env_clear()
            .envs(kinde.variables())
            .env("DATABASE_URL", database_url)
            .env("PORT", port.to_string());
        command.env("LOG", &log).env("RUST_LOG", "info,apalis_core::worker::context=error");
        let mut shell =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(shell.stdout.take().unwrap());
        let mut first_line = String::new();
        output.read_line(&mut first_line).unwrap();
        let program = Self { shell, first_line, log, _output: output };
        assert!(!program.first_line.is_empty(), "{role} did not start:\n{}", program.log());
        program
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_file(&self.log);
    }
}

/// Builds the example, once, and gives its binary: another package's is not among what cargo tells a test.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let build =
            ["build", "--offline", "--package", PACKAGE, "--message-format", "json-render-diagnostics"];
        let output = Command::new(env!("CARGO"))
            .args(build)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "{PACKAGE} does not build");
        let messages = output.stdout.lines().map(|line| line.unwrap());
        let mut messages = messages.filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok());
        let message = messages
            .find(|message| message["target"]["name"] == PACKAGE && message["executable"].is_string())
            .expect("cargo names the binary it built");
        message["executable"].as_str().unwrap().into()
    })
}

const PACKAGE: &str = "example-webhook-worker";

static COUNT: AtomicU32 = AtomicU32::new(0);
