//! A web application that people sign in to: pages, an organization switcher, a right, a feature flag, sign-out.
//!
//! ```text
//! cargo run -p example-web-login                        # with an emulator of Kinde in the same process
//! set -a; . ./.env; set +a; cargo run -p example-web-login   # with yours
//! ```
//!
//! `.env` names `KINDE_ISSUER_URL`, `KINDE_CLIENT_ID`, `KINDE_CLIENT_SECRET`, `KINDE_SITE_URL` (here
//! `http://localhost:3000`) and `SESSION_SECRET` (`openssl rand -base64 48`). The two URLs to register in Kinde are
//! logged at the start.

use example_web_login::{app, people};
use kinde_axum::kinde_login::Login;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let listener = example_environment::listen(3000).await?;
    let port = listener.local_addr()?.port();
    let (kinde, emulator) = example_environment::site(port, people()?).await?;
    let login = Login::new(&kinde)?;
    let site = kinde.settings().site_url().unwrap_or_default();
    println!("Open {site} and sign in.");
    if !site.ends_with(&format!(":{port}")) {
        eprintln!("This program listens on http://127.0.0.1:{port}: see that {site} leads there.");
    }
    axum::serve(listener, app(&kinde, &login)?).with_graceful_shutdown(example_environment::ctrl_c()).await?;
    drop(emulator);
    Ok(())
}
