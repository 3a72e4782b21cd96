//! The `kinde-emulator` program: one environment on loopback until it is told to end.

use std::{error::Error, io::Write as _, path::PathBuf, process::ExitCode};

use clap::Parser;
use kinde_emulator::{Environment, EnvironmentBuilder, Seed, StartError};

/// A Kinde environment on this computer: no account, no network.
///
/// Prints the variables that point an application at it, then serves until Ctrl-C. Open the application and sign in:
/// the page lists the people of the seed, one click each.
#[derive(Debug, Parser)]
#[command(
    name = "kinde-emulator",
    after_help = "Examples:\n  \
        kinde-emulator                        the example world on port 4100\n  \
        kinde-emulator --port 0 --json        any free port, for a script to read\n  \
        kinde-emulator --example > world.toml a file to start from\n  \
        kinde-emulator --seed world.toml      your own world\n  \
        kinde-emulator --webhook http://localhost:3000/hooks/kinde\n\n\
        It listens on 127.0.0.1 only. Its signing keys are public, so nothing outside this computer may trust it."
)]
struct Arguments {
    /// The port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 4100)]
    port: u16,

    /// Applications, APIs, organizations, people and flags, in TOML or (*.json) JSON.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,

    /// Send webhooks to this URL, plain http on this computer; repeatable.
    #[arg(long, value_name = "URL")]
    webhook: Vec<String>,

    /// Print one line of JSON instead of text.
    #[arg(long)]
    json: bool,

    /// Print the example world as a seed file and end.
    #[arg(long)]
    example: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.example {
        print!("{}", Seed::example_text());
        return ExitCode::SUCCESS;
    }
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("kinde-emulator: {}", explained(problem.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let seed = match &arguments.seed {
        Some(path) => Seed::from_path(path)?,
        None => Seed::example()?,
    };
    let builder = Environment::builder().with_port(arguments.port).with_seed(seed).with_control_api();
    let webhooks = arguments.webhook.iter().map(String::as_str);
    let kinde = webhooks.fold(builder, EnvironmentBuilder::with_webhook).try_start().await?;
    // Listened for before anything is printed: whoever reads the address may end the program at once.
    let ended = ended()?;
    let announcement = if arguments.json { as_json(&kinde).to_string() } else { as_text(&kinde) };
    writeln!(std::io::stdout(), "{announcement}")?;
    ended.await;
    kinde.stop().await;
    Ok(())
}

fn as_text(kinde: &Environment) -> String {
    let variables: Vec<_> = kinde.variables().iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!(
        "The Kinde emulator listens at {}\n\nPut this into your application's .env:\n\n{}\n\nCtrl-C ends it.",
        kinde.url(),
        variables.join("\n")
    )
}

fn as_json(kinde: &Environment) -> serde_json::Value {
    let variables: serde_json::Map<_, _> = kinde
        .variables()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), serde_json::Value::String(value)))
        .collect();
    serde_json::json!({ "issuer": kinde.issuer(), "variables": variables })
}

/// Says what is wrong and what to do about it.
fn explained(problem: &(dyn Error + 'static)) -> String {
    let cause = problem.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let advice = match problem.downcast_ref::<StartError>() {
        Some(StartError::Bind { .. }) => {
            "\nAnother program may be listening there. Try --port 0 for a free one."
        }
        _ => "",
    };
    format!("{problem}{cause}{advice}")
}

/// Listens for Ctrl-C and SIGTERM; the future is ready when one arrived.
#[cfg(unix)]
fn ended() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Listens for Ctrl-C; the future is ready when it arrived.
#[cfg(windows)]
fn ended() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(interrupt.recv().await) })
}
