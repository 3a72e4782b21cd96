//! Runs a command beside an environment.

use std::{
    error::Error,
    io::IsTerminal as _,
    process::{ExitCode, ExitStatus},
};

use tokio::process::{Child, Command};

use super::{
    announcement,
    arguments::Dev,
    serve,
    signals::{Signal, Signals},
};

/// Runs the command until it ends; its exit code is the result.
pub(crate) async fn run(options: &Dev) -> Result<ExitCode, Box<dyn Error>> {
    let Some((program, arguments)) = options.command.split_first() else {
        return Err("name a command after the two dashes".into());
    };
    let kinde = serve::start(&options.world).await?;
    let mut signals = Signals::listen()?;
    // What the command prints may be read by another program.
    eprintln!("The Kinde emulator listens at {}", kinde.url());
    let spawned = Command::new(program)
        .args(arguments)
        .envs(announcement::variables(&kinde))
        .kill_on_drop(true)
        .spawn();
    let mut child =
        spawned.map_err(|error| format!("{} cannot be run: {error}", program.to_string_lossy()))?;
    let mut is_asked_to_end = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            signal = signals.next() => {
                if is_asked_to_end {
                    child.start_kill()?;
                } else {
                    forward(signal, &mut child).await?;
                }
                is_asked_to_end = true;
            }
        }
    };
    kinde.stop().await;
    Ok(code(status))
}

/// Passes a signal on; a command that does not end is killed by the next one.
#[cfg(unix)]
async fn forward(signal: Signal, child: &mut Child) -> Result<(), Box<dyn Error>> {
    // A terminal sends Ctrl-C to the whole group in front, the command included; twice means "at once" to many.
    if signal == Signal::Interrupt && std::io::stdin().is_terminal() {
        return Ok(());
    }
    let name = match signal {
        Signal::Interrupt => "INT",
        Signal::Terminate => "TERM",
    };
    let Some(id) = child.id() else { return Ok(()) };
    // POSIX has this program everywhere; the standard library can only kill.
    let sent = Command::new("kill").args(["-s", name, &id.to_string()]).status().await;
    if !sent.is_ok_and(|status| status.success()) {
        child.start_kill()?;
    }
    Ok(())
}

/// A console sends Ctrl-C to the command by itself.
#[cfg(windows)]
async fn forward(_: Signal, _: &mut Child) -> Result<(), Box<dyn Error>> {
    let _ = std::io::stdin().is_terminal();
    Ok(())
}

fn code(status: ExitStatus) -> ExitCode {
    // Codes of 32 bits exist on Windows only; what does not fit is a failure.
    status.code().map_or_else(|| by_signal(status), |code| u8::try_from(code).unwrap_or(1).into())
}

/// As a shell tells it: 128 and the signal's number.
#[cfg(unix)]
fn by_signal(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt as _;

    let number = status.signal().and_then(|signal| u8::try_from(signal).ok()).unwrap_or_default();
    128_u8.saturating_add(number).into()
}

#[cfg(windows)]
fn by_signal(_: ExitStatus) -> ExitCode {
    ExitCode::FAILURE
}
