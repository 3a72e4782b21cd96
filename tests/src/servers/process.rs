//! A server program that ends with its handle.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// A directory for a server's files, removed when dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str, user: Option<User>) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("kinde-{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        if let Some(user) = user {
            chown(&path, Some(user.id), Some(user.group)).unwrap();
        }
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is the operating system's to clean up; a test must not fail for it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whom a server runs as.
#[derive(Clone, Copy)]
pub(super) struct User {
    id: u32,
    group: u32,
}

impl User {
    /// Finds somebody to run as who is not root, if we are root; `name` should be the server's own user.
    pub(super) fn unless_we_are_ordinary(name: &str) -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let is_root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
        if !is_root {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let find = |name: &str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut numbers = line.split(':').skip(2);
            Some(Self { id: numbers.next()?.parse().ok()?, group: numbers.next()?.parse().ok()? })
        };
        find(name).or_else(|| find("nobody"))
    }
}

/// Runs a program to its end, as `user`; panics with its output when it fails.
pub(super) fn run(program: &Path, arguments: &[&str], user: Option<User>, folder: &Folder) {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder.path()).env_remove("LC_ALL").env("LC_MESSAGES", "C");
    as_user(&mut command, user);
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
}

/// A running server behind a shell that waits for a word, or for our end, and then stops it.
pub(super) struct Process {
    shell: Child,
    log: PathBuf,
}

impl Process {
    pub(super) fn start(program: &Path, arguments: &[&str], user: Option<User>, folder: &Folder) -> Self {
        let log = folder.path().join("log");
        // The pipe closes when this process ends, however it ends; then `read` returns and the server is stopped.
        let script = r#""$@" >>log 2>&1 & read -r signal; kill -s "${signal:-INT}" $!; wait $!"#;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh"]).arg(program).args(arguments);
        command.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A Ctrl-C in the terminal is for the tests; the server ends after them.
        command.process_group(0);
        as_user(&mut command, user);
        Self { shell: command.spawn().unwrap(), log }
    }

    /// Gives the server's own words, for the message of a test that could not start it.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Stops the server with a signal, and waits for its end.
    pub(super) fn stop(&mut self, signal: &str) {
        if let Some(mut pipe) = self.shell.stdin.take() {
            // A server that has ended by itself has nobody who reads.
            let _ = writeln!(pipe, "{signal}");
        }
        let _ = self.shell.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop("INT");
    }
}

/// Finds a port that nobody listens on.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Gives a number that no other server of these tests has.
pub(super) fn unique() -> String {
    format!("{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Gives an environment variable of the tests.
pub(super) fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "tests are told by the environment which servers to use")]
    std::env::var(name).ok()
}

/// Finds a program in the `PATH`.
pub(super) fn in_path(name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    path.split(':').map(|folder| Path::new(folder).join(name)).find(|program| program.is_file())
}

fn as_user(command: &mut Command, user: Option<User>) {
    if let Some(user) = user {
        command.uid(user.id).gid(user.group);
    }
}

static COUNT: AtomicU32 = AtomicU32::new(0);
