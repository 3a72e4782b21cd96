//! A to-do service on hyper: the same layer as for axum, around one function.
//!
//! ```text
//! cargo run -p example-hyper-api
//! ```

use kinde_tower::KindeLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (kinde, emulator) = example_environment::kinde().await?;
    let layer = KindeLayer::new(kinde.verifier().build()?);

    let listener = example_environment::listen(3002).await?;
    let url = format!("http://{}/todos", listener.local_addr()?);
    println!("{url} accepts tokens of {}", kinde.issuer());
    if let Some(emulator) = &emulator {
        let alice = emulator.person("alice").in_org("acme").with("create:todos").access_token();
        println!("\nALICE={alice}\n");
        println!(r#"curl -i {url} -H "Authorization: Bearer $ALICE" --json '{{"title":"Buy milk"}}'"#);
        println!(r#"curl -i {url} -H "Authorization: Bearer $ALICE""#);
    }
    tokio::select! {
        served = example_hyper_api::serve(listener, layer) => served?,
        () = example_environment::ctrl_c() => {}
    }
    Ok(())
}
