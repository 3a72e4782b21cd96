//! The emulator's program, built and started as a user has it.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// Builds the program in release, and gives its path.
pub fn build() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", "--package", "kinde-emulator", "--bin", "kinde-emulator"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    let lines = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    executables.next_back().expect("cargo built the program")
}

/// A running program; dropping it ends it.
pub struct Program {
    child: Child,
    /// What it prints with `--json`.
    pub told: Value,
}

impl Program {
    /// Starts it on a free port and waits for the line that it prints when it listens.
    pub fn start(path: &Path) -> Self {
        let mut child = Command::new(path)
            .args(["--port", "0", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        output.read_line(&mut line).expect("a line");
        Self { child, told: serde_json::from_str(&line).expect("one line of JSON") }
    }

    /// Gives the URL it listens at.
    pub fn url(&self) -> &str {
        self.told["issuer"].as_str().expect("an issuer")
    }

    /// Gives a variable of the application's configuration.
    pub fn variable(&self, name: &str) -> &str {
        self.told["variables"][name].as_str().expect("a variable")
    }

    /// Gives the memory it has in use, in MiB, as Linux counts it.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1_024.0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
