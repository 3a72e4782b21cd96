//! A to-do service on axum, whose queries are scoped by the token's `sub`.
//!
//! ```text
//! cargo run -p example-axum-api
//! ```

use kinde_axum::KindeLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (kinde, emulator) = example_environment::kinde().await?;
    let app = example_axum_api::app(KindeLayer::new(kinde.verifier().build()?));

    let listener = example_environment::listen(3001).await?;
    let url = format!("http://{}/todos", listener.local_addr()?);
    println!("{url} accepts tokens of {}", kinde.issuer());
    if let Some(emulator) = &emulator {
        let alice = emulator.person("alice").in_org("acme").with("create:todos").access_token();
        println!("\nALICE={alice}\n");
        println!(r#"curl -i {url} -H "Authorization: Bearer $ALICE" --json '{{"title":"Buy milk"}}'"#);
        println!(r#"curl -i {url} -H "Authorization: Bearer $ALICE""#);
    }
    axum::serve(listener, app).with_graceful_shutdown(example_environment::ctrl_c()).await?;
    Ok(())
}
