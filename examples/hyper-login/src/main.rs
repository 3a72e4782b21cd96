//! Sign-in on hyper: the same routes and the same layers as for axum.
//!
//! ```text
//! cargo run -p example-hyper-login
//! ```

use kinde_emulator::Seed;
use kinde_login::Login;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = example_environment::listen(3000).await?;
    let port = listener.local_addr()?.port();
    let (kinde, emulator) = example_environment::site(port, Seed::example()?).await?;
    let login = Login::new(&kinde)?;
    println!("Open {} and sign in.", kinde.settings().site_url().unwrap_or_default());
    tokio::select! {
        served = example_hyper_login::serve(listener, &kinde, &login) => served?,
        () = example_environment::ctrl_c() => {}
    }
    drop(emulator);
    Ok(())
}
