//! What stands around every example: a Kinde environment, a port, and Ctrl-C.
//!
//! A service of your own needs only `Kinde::from_env()?` of all this. The examples run without an account as
//! well: where no variable names an issuer, they start an emulator in their own process.

use std::{io, net::Ipv4Addr};

use kinde_core::{ConfigError, Kinde, Settings};
use kinde_emulator::{Environment, Seed};
use tokio::net::TcpListener;

/// Gives the environment that `KINDE_ISSUER_URL` names, or an emulator that lives as long as it is kept.
///
/// # Errors
///
/// When the variables name an environment but cannot be used; all problems at once.
pub async fn kinde() -> Result<(Kinde, Option<Environment>), ConfigError> {
    or_emulated(Kinde::from_env()).await
}

/// Does the same for variables that begin with `prefix`, such as `DEV_KINDE_ISSUER_URL`.
///
/// # Errors
///
/// As [`kinde`].
pub async fn kinde_with_prefix(prefix: &str) -> Result<(Kinde, Option<Environment>), ConfigError> {
    or_emulated(Settings::from_env_with_prefix(prefix).and_then(Kinde::from_settings)).await
}

/// Starts an emulator and gives a handle to it, made of the same variables as a handle to Kinde.
///
/// # Errors
///
/// When the HTTP client that fetches keys cannot be built.
pub async fn emulated() -> Result<(Kinde, Environment), ConfigError> {
    let emulator = Environment::start().await;
    let kinde = Kinde::from_settings(Settings::from_variables(emulator.variables())?)?;
    Ok((kinde, emulator))
}

/// Gives the environment that `KINDE_ISSUER_URL` names, or an emulator with these people for a site on `port`.
///
/// # Errors
///
/// As [`kinde`].
pub async fn site(port: u16, people: Seed) -> Result<(Kinde, Option<Environment>), ConfigError> {
    match Kinde::from_env() {
        Err(error) if only_lacks_an_issuer(&error) => {
            let (kinde, emulator) = emulated_site(port, people).await?;
            Ok((kinde, Some(emulator)))
        }
        kinde => Ok((kinde?, None)),
    }
}

/// Starts an emulator with these people, for a site on `port` of this computer.
///
/// # Errors
///
/// As [`emulated`].
pub async fn emulated_site(port: u16, people: Seed) -> Result<(Kinde, Environment), ConfigError> {
    let site = format!("http://localhost:{port}");
    let emulator = Environment::builder().with_seed(people).with_site_url(site).start().await;
    let mut variables = emulator.variables();
    // Good for an emulator on this computer; a real one is random and kept as safe as a password.
    variables.push(("SESSION_SECRET", "for the emulator on this computer only".to_owned()));
    Ok((Kinde::from_settings(Settings::from_variables(variables)?)?, emulator))
}

/// Listens on `127.0.0.1`, on the port that `PORT` names or on the usual one; 0 is any free port.
///
/// When nobody asked for a port and the usual one is taken, it says so and takes a free one.
///
/// # Errors
///
/// When `PORT` is no port, or the port it names is taken.
pub async fn listen(usual_port: u16) -> io::Result<TcpListener> {
    match asked_port()? {
        Some(port) => TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await,
        None => usual_or_free(usual_port).await,
    }
}

/// Waits for Ctrl-C.
pub async fn ctrl_c() {
    // Where the signal cannot be watched, the service runs until it is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn or_emulated(kinde: Result<Kinde, ConfigError>) -> Result<(Kinde, Option<Environment>), ConfigError> {
    match kinde {
        Err(error) if only_lacks_an_issuer(&error) => {
            let (kinde, emulator) = emulated().await?;
            Ok((kinde, Some(emulator)))
        }
        kinde => Ok((kinde?, None)),
    }
}

async fn usual_or_free(usual_port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, usual_port)).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            eprintln!("Port {usual_port} is taken, so a free one is used; PORT=… chooses another.");
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
        }
        bound => bound,
    }
}

fn only_lacks_an_issuer(error: &ConfigError) -> bool {
    error.problems().iter().all(|problem| problem.code() == "env_missing")
}

#[expect(clippy::disallowed_methods, reason = "PORT is no setting of Kinde, so kinde-core does not read it")]
fn asked_port() -> io::Result<Option<u16>> {
    match std::env::var("PORT") {
        Ok(port) => port.parse().map(Some).map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("PORT is {port:?}: write a number up to 65535"),
            )
        }),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emulator_stands_in_only_for_a_missing_issuer() {
        let missing = Settings::from_variables([("KINDE_CLIENT_ID", "a1b2")]).unwrap_err();
        assert!(only_lacks_an_issuer(&missing));
        let invalid = Settings::from_variables([("KINDE_ISSUER_URL", "acme.kinde.com")]).unwrap_err();
        assert!(!only_lacks_an_issuer(&invalid));
    }

    #[tokio::test]
    async fn taken_usual_port_gives_a_free_one() {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let taken = first.local_addr().unwrap().port();
        let second = usual_or_free(taken).await.unwrap();
        assert_ne!(second.local_addr().unwrap().port(), taken);
    }
}
