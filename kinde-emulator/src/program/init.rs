//! Writes a world to start from and the `.env` that belongs to it.

use std::{
    error::Error,
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use kinde_emulator::{Environment, Seed};

use super::{announcement, arguments::Init};

/// Writes both files, or none when one is there.
pub(crate) async fn run(options: &Init) -> Result<(), Box<dyn Error>> {
    // Started for what it says about itself; another port than the one it will have, since that may be taken now.
    let kinde = Environment::builder()
        .with_issuer(format!("http://127.0.0.1:{}", options.port))
        .with_seed(Seed::example()?)
        .with_site_url(&options.site_url)
        .try_start()
        .await?;
    let variables = announcement::env_file(&kinde);
    kinde.stop().await;
    fs::create_dir_all(&options.directory)?;
    let (world, env) = (options.directory.join("world.toml"), options.directory.join(".env"));
    if !options.force {
        if env.exists() {
            let told = format!("{} is there. Paste these lines into it, or use --force:", env.display());
            return Err(format!("{told}\n\n{variables}").into());
        }
        if world.exists() {
            return Err(format!("{} is there; --force overwrites it", world.display()).into());
        }
    }
    write(&world, Seed::example_text(), options.force)?;
    write(&env, &variables, options.force)?;
    let port = if options.port == 4100 { String::new() } else { format!(" --port {}", options.port) };
    println!(
        "Wrote {} and {}.\nStart with: kinde-emulator --seed {}{port}",
        world.display(),
        env.display(),
        world.display()
    );
    Ok(())
}

fn write(path: &Path, text: &str, is_forced: bool) -> Result<(), Box<dyn Error>> {
    let file = if is_forced { File::create(path) } else { File::create_new(path) };
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    Ok(written.map_err(|error| format!("{} cannot be written: {error}", path.display()))?)
}
