//! Starts an environment as the arguments describe it.

use std::{error::Error, io::Write as _};

use kinde_emulator::{Environment, EnvironmentBuilder, Seed};

use super::{
    announcement,
    arguments::{Serve, World},
    signals::Signals,
};

/// Serves until a signal.
pub(crate) async fn run(options: &Serve) -> Result<(), Box<dyn Error>> {
    let kinde = start(&options.world).await?;
    // Listened for before anything is printed: whoever reads the address may end the program at once.
    let mut signals = Signals::listen()?;
    let announcement = if options.json {
        announcement::as_json(&kinde).to_string()
    } else {
        format!("{}\nCtrl-C ends it.", announcement::as_text(&kinde))
    };
    writeln!(std::io::stdout(), "{announcement}")?;
    signals.next().await;
    kinde.stop().await;
    Ok(())
}

/// Starts the environment; warns of one that other computers can reach.
pub(crate) async fn start(world: &World) -> Result<Environment, Box<dyn Error>> {
    let seed = match &world.seed {
        Some(path) => Seed::from_path(path)?,
        None => Seed::example()?,
    };
    let mut builder = Environment::builder()
        .with_port(world.port)
        .with_seed(seed)
        .with_site_url(&world.site_url)
        .with_control_api();
    if let Some(address) = world.listen {
        builder = builder.with_listen_address(address);
    }
    if let Some(address) = world.insecure_listen {
        eprintln!("{}", announcement::warning(address));
        builder = builder.with_insecure_listen_address(address);
    }
    if let Some(issuer) = &world.issuer {
        builder = builder.with_issuer(issuer);
    }
    if let Some(number) = world.deterministic {
        builder = builder.with_deterministic_ids(number);
    }
    let webhooks = world.webhook.iter().map(String::as_str);
    Ok(webhooks.fold(builder, EnvironmentBuilder::with_webhook).try_start().await?)
}
