//! The `kinde-emulator` program: one environment on this computer until it is told to end.

mod program;

use std::{error::Error, process::ExitCode};

use clap::Parser as _;
use kinde_emulator::{Seed, StartError};

use program::{
    arguments::{Arguments, Command},
    dev, init, remote, serve,
};

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("kinde-emulator: {}", explained(problem.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    match arguments.command {
        None if arguments.serve.example => print!("{}", Seed::example_text()),
        None => program::block_on(serve::run(&arguments.serve))?,
        Some(Command::Dev(options)) => return program::block_on(dev::run(&options)),
        Some(Command::Init(options)) => program::block_on(init::run(&options))?,
        Some(Command::Trigger(options)) => remote::trigger(&options)?,
        Some(Command::RotateKeys(options)) => remote::rotate_keys(&options)?,
        Some(Command::Schema) => print!("{}", Seed::schema()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what is wrong and what to do about it.
fn explained(problem: &(dyn Error + 'static)) -> String {
    let cause = problem.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let advice = match problem.downcast_ref::<StartError>() {
        Some(StartError::Bind { .. }) => {
            "\nAnother program may be listening there. Try --port 0 for a free one."
        }
        Some(StartError::Exposed { .. }) => {
            "\nIf nobody else is on that network, as between the containers of a test: --insecure-listen ADDRESS."
        }
        _ => "",
    };
    format!("{problem}{cause}{advice}")
}
