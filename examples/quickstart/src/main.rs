//! An API protected by Kinde, and requests to try it with: no account, no network.
//!
//! ```text
//! cargo run -p example-quickstart
//! ```
//!
//! `api.rs` is what one copies. `tour.rs` only prints the requests.

mod api;
mod tour;

use std::io::{self, IsTerminal};

use kinde_axum::KindeLayer;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The log tells the operator why a request was refused; the caller is told as little as possible.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "kinde_tower=debug".into());
    let is_terminal = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(is_terminal).init();

    // In a service of your own: `let kinde = Kinde::from_env()?;`
    let (kinde, emulator) = example_environment::kinde().await?;
    let app = api::router(KindeLayer::new(kinde.verifier().build()?));

    let listener = example_environment::listen(3000).await?;
    let url = format!("http://{}", listener.local_addr()?);
    match &emulator {
        Some(emulator) => tour::print(&url, emulator),
        None => tour::print_how_to_get_a_token(&url, &kinde),
    }
    axum::serve(listener, app).with_graceful_shutdown(example_environment::ctrl_c()).await?;
    Ok(())
}
