//! PostgreSQL for a test.

use std::{fs, path::PathBuf, time::Duration};

use sqlx::{Connection, Executor, PgConnection, PgPool, postgres::PgPoolOptions};

use super::process::{Folder, Process, User, free_port, in_path, run, unique, variable};

/// A database of its own for one test.
pub struct Postgres {
    url: String,
    server: Server,
}

enum Server {
    /// The server of `DATABASE_URL`, where the test's database is dropped in the end.
    Given {
        url: String,
        database: String,
    },
    Own(Own),
}

struct Own {
    /// Ends before its files go.
    process: Process,
    folder: Folder,
    port: u16,
    user: Option<User>,
}

/// Makes a database: on the server of `DATABASE_URL`, or on a private one.
pub async fn postgres() -> Postgres {
    let Some(url) = variable("DATABASE_URL") else { return own_postgres().await };
    let database = format!("kinde_test_{}", unique());
    execute(&url, format!("create database {database}")).await;
    let (address, parameters) = url.split_once('?').unwrap_or((&url, ""));
    let server = address.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let own = format!("{server}/{database}?{parameters}");
    Postgres { url: own, server: Server::Given { url, database } }
}

/// Starts a private server, for a test that restarts it.
pub async fn own_postgres() -> Postgres {
    let user = User::unless_we_are_ordinary("postgres");
    let folder = Folder::new("postgres", user);
    let data = folder.path().join("data");
    let create =
        ["-D", data.to_str().unwrap(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"];
    run(&program("initdb"), &create, user, &folder);
    let port = free_port();
    let process = start(&folder, port, user);
    let own = Own { process, folder, port, user };
    let postgres =
        Postgres { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), server: Server::Own(own) };
    postgres.ready().await;
    postgres
}

impl Postgres {
    /// Gives the database's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives the port of a private server, for a proxy in front of it.
    pub fn port(&self) -> u16 {
        self.own().port
    }

    /// Opens a pool of eight connections, as a process would.
    pub async fn pool(&self) -> PgPool {
        PgPoolOptions::new().max_connections(8).connect(&self.url).await.unwrap()
    }

    /// Stops a private server, letting it finish its transactions; it can be started again.
    pub fn stop(&mut self) {
        self.own_mut().process.stop("INT");
    }

    /// Stops a private server as a crash does: what was not committed is lost.
    pub fn crash(&mut self) {
        self.own_mut().process.stop("QUIT");
    }

    /// Starts a stopped server again, with the same files and port.
    pub async fn start(&mut self) {
        let own = self.own_mut();
        own.process = start(&own.folder, own.port, own.user);
        self.ready().await;
    }

    /// Stops a private server and starts it again.
    pub async fn restart(&mut self) {
        self.stop();
        self.start().await;
    }

    async fn ready(&self) {
        for _ in 0..ATTEMPTS {
            if PgConnection::connect(&self.url).await.is_ok() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("PostgreSQL did not start:\n{}", self.own().process.log());
    }

    fn own(&self) -> &Own {
        match &self.server {
            Server::Own(own) => own,
            Server::Given { .. } => {
                panic!("the server of DATABASE_URL is not ours to restart: use own_postgres")
            }
        }
    }

    fn own_mut(&mut self) -> &mut Own {
        match &mut self.server {
            Server::Own(own) => own,
            Server::Given { .. } => {
                panic!("the server of DATABASE_URL is not ours to restart: use own_postgres")
            }
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let Server::Given { url, database } = &self.server else { return };
        let (url, drop_it) = (url.clone(), format!("drop database if exists {database} with (force)"));
        // A runtime cannot wait for another inside itself.
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute(&url, drop_it));
        })
        .join();
    }
}

async fn execute(url: &str, sql: String) {
    let mut connection =
        PgConnection::connect(url).await.unwrap_or_else(|error| panic!("DATABASE_URL: {error}"));
    connection
        .execute(sqlx::AssertSqlSafe(sql))
        .await
        .unwrap_or_else(|error| panic!("DATABASE_URL: {error}"));
}

fn start(folder: &Folder, port: u16, user: Option<User>) -> Process {
    let data = folder.path().join("data");
    let sockets = format!("unix_socket_directories={}", folder.path().display());
    let (data, port) = (data.to_str().unwrap(), port.to_string());
    // Nobody cuts the power of a test: what the server wrote, the operating system still has after a crash.
    let arguments = ["-D", data, "-p", &port, "-h", "127.0.0.1", "-c", &sockets, "-c", "fsync=off"];
    Process::start(&program("postgres"), &arguments, user, folder)
}

/// Debian keeps the programs of each version apart, and not in the `PATH`.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let mut programs: Vec<_> = versions
        .filter_map(|version| Some((version.file_name().to_str()?.parse::<u32>().ok()?, version.path())))
        .map(|(version, folder)| (version, folder.join("bin").join(name)))
        .filter(|(_, program)| program.is_file())
        .collect();
    programs.sort();
    programs.pop().map(|(_, program)| program).or_else(|| in_path(name)).unwrap_or_else(|| {
        panic!("there is no {name}: install Debian's package `postgresql`, or set DATABASE_URL")
    })
}

/// A minute, for a machine that is busy with compilers.
const ATTEMPTS: u32 = 1200;

const PAUSE: Duration = Duration::from_millis(50);
