//! Development and production in one process, and neither accepts the other's tokens.
//!
//! ```text
//! cargo run -p example-two-environments
//! ```
//!
//! `DEV_KINDE_ISSUER_URL`, `PROD_KINDE_ISSUER_URL` and the like name environments of your own.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (dev, dev_emulator) = example_environment::kinde_with_prefix("DEV_").await?;
    let (prod, prod_emulator) = example_environment::kinde_with_prefix("PROD_").await?;
    let app = example_two_environments::app(&dev, &prod)?;

    let listener = example_environment::listen(3004).await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("{url}/dev accepts tokens of {}", dev.issuer());
    println!("{url}/prod accepts tokens of {}", prod.issuer());
    for (name, emulator) in [("DEV", &dev_emulator), ("PROD", &prod_emulator)] {
        let Some(emulator) = emulator else { continue };
        println!("\n{name}={}\n", emulator.person("alice").access_token());
        println!(r#"curl -i {url}/dev/me -H "Authorization: Bearer ${name}""#);
        println!(r#"curl -i {url}/prod/me -H "Authorization: Bearer ${name}""#);
    }
    axum::serve(listener, app).with_graceful_shutdown(example_environment::ctrl_c()).await?;
    Ok(())
}
