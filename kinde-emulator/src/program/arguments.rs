//! What can be asked of the program, and the help that teaches it.

use std::{ffi::OsString, net::IpAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

/// A Kinde environment on this computer: no account, no network.
///
/// Prints the variables that point an application at it, then serves until Ctrl-C. Open the application and sign in:
/// the page lists the people of the seed, one click each.
#[derive(Debug, Parser)]
#[command(
    name = "kinde-emulator",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        kinde-emulator                        the example world on port 4100\n  \
        kinde-emulator init                   write world.toml and .env to start from\n  \
        kinde-emulator --seed world.toml      your own world\n  \
        kinde-emulator dev -- npm run dev     run an application with its variables set\n  \
        kinde-emulator --port 0 --json        any free port, for a script to read\n  \
        kinde-emulator --webhook http://localhost:3000/hooks/kinde\n  \
        kinde-emulator trigger user.created --set data.user.email=ada@example.test\n  \
        kinde-emulator rotate-keys            what does the application do?\n\n\
        It listens on 127.0.0.1 only. Its signing keys are public, so nothing outside this computer may trust it."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// A command; without one the program serves.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start an environment, run a command with the variables set, and end with it.
    Dev(Dev),
    /// Write a world to start from and the .env that belongs to it.
    Init(Init),
    /// Have a running emulator send an event to its webhooks.
    Trigger(Trigger),
    /// Have a running emulator sign with a new key from now on.
    RotateKeys(RotateKeys),
    /// Print the JSON Schema of a seed, for an editor.
    Schema,
}

/// What serves.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) world: World,

    /// Print one line of JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,

    /// Print the example world as a seed file and end.
    #[arg(long)]
    pub(crate) example: bool,
}

/// What an environment is like.
#[derive(Debug, Args)]
pub(crate) struct World {
    /// The port; 0 takes any free one.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub(crate) port: u16,

    /// Applications, APIs, organizations, people and flags, in TOML or (*.json) JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,

    /// Send webhooks to this URL, plain http on this computer; repeatable.
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Vec<String>,

    /// Where the application under test lives; where its callbacks are unless the seed lists them.
    #[arg(long, value_name = "URL", default_value = "http://localhost:3000")]
    pub(crate) site_url: String,

    /// What tokens and discovery name as the issuer, instead of the address listened on.
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,

    /// Make codes, token ids and event ids follow from a number, the same in every run.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) deterministic: Option<u64>,

    /// Listen on another address of this computer, such as ::1.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "insecure_listen")]
    pub(crate) listen: Option<IpAddr>,

    /// Listen where other computers can reach it: whoever does signs in as anybody.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) insecure_listen: Option<IpAddr>,
}

/// What runs beside an environment.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        kinde-emulator dev -- cargo run\n  \
        kinde-emulator dev --seed world.toml -- npm run dev\n  \
        kinde-emulator dev --port 0 -- pytest\n\n\
        The command's exit code is the program's. Ctrl-C and SIGTERM reach the command; the environment ends when it has.")]
pub(crate) struct Dev {
    #[command(flatten)]
    pub(crate) world: World,

    /// The command and its arguments, after two dashes.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// What to start from.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        kinde-emulator init && kinde-emulator --seed world.toml\n  \
        kinde-emulator init --directory testing --port 4200\n\n\
        A file that is there is never overwritten unless --force says so.")]
pub(crate) struct Init {
    /// Where to write world.toml and .env.
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    pub(crate) directory: PathBuf,

    /// The port that .env names.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub(crate) port: u16,

    /// Where the application under test lives.
    #[arg(long, value_name = "URL", default_value = "http://localhost:3000")]
    pub(crate) site_url: String,

    /// Overwrite what is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Which event.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        kinde-emulator trigger user.created\n  \
        kinde-emulator trigger user.created --set data.user.email=ada@example.test\n  \
        kinde-emulator trigger customer.payment_failed --set data.amount=12.5 --url http://127.0.0.1:4200\n\n\
        The values are JSON, or text where they are no JSON.")]
pub(crate) struct Trigger {
    /// Its type, such as user.created.
    #[arg(value_name = "EVENT")]
    pub(crate) event_type: String,

    /// What to change in the event, by path; repeatable.
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, serde_json::Value)>,

    /// The emulator that runs.
    #[arg(long, value_name = "URL", default_value = RUNNING)]
    pub(crate) url: String,
}

/// How to rotate.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        kinde-emulator rotate-keys              the old key stays published, as in a planned rotation\n  \
        kinde-emulator rotate-keys --drop-old   tokens signed before are refused, as after a leak")]
pub(crate) struct RotateKeys {
    /// Take every older key out of the published set.
    #[arg(long)]
    pub(crate) drop_old: bool,

    /// The emulator that runs.
    #[arg(long, value_name = "URL", default_value = RUNNING)]
    pub(crate) url: String,
}

/// Reads `path=value`.
fn assignment(text: &str) -> Result<(String, serde_json::Value), String> {
    let (path, value) = text.split_once('=').ok_or("write PATH=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
    Ok((path.to_owned(), value))
}

const DEFAULT_PORT: u16 = 4100;

const RUNNING: &str = "http://127.0.0.1:4100";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn value_is_json_or_text() {
        for (text, path, value) in [
            ("a.b=1", "a.b", json!(1)),
            ("a=true", "a", json!(true)),
            ("a=x=y", "a", json!("x=y")),
            ("a=", "a", json!("")),
            ("a={\"b\":[null]}", "a", json!({ "b": [null] })),
        ] {
            assert_eq!(assignment(text), Ok((path.to_owned(), value)), "{text}");
        }
        assert!(assignment("no equals sign").is_err());
    }
}
