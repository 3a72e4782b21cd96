//! A web application that people sign in to: pages, an organization switcher, a right, a feature flag, sign-out.
//!
//! ```text
//! cargo run -p example-web-login
//! ```

use example_web_login::{app, emulated};
use kinde_axum::{Kinde, kinde_login::Login};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let listener = example_environment::listen(3000).await?;
    let port = listener.local_addr()?.port();
    // With KINDE_ISSUER_URL, KINDE_CLIENT_ID, KINDE_CLIENT_SECRET, KINDE_SITE_URL and SESSION_SECRET set, that Kinde
    // environment; without an issuer, an emulator in this process.
    let (kinde, emulator) = match Kinde::from_env() {
        Ok(kinde) => (kinde, None),
        Err(error) if error.problems().iter().all(|problem| problem.code() == "env_missing") => {
            let (kinde, emulator) = emulated(port).await?;
            (kinde, Some(emulator))
        }
        Err(error) => return Err(error.into()),
    };
    let login = Login::new(&kinde)?;
    println!("Open {} and sign in.", kinde.settings().site_url().unwrap_or_default());
    axum::serve(listener, app(&kinde, &login)?).with_graceful_shutdown(example_environment::ctrl_c()).await?;
    drop(emulator);
    Ok(())
}
