//! A to-do service over gRPC, with one method gated by a permission.
//!
//! ```text
//! cargo run -p example-tonic-api
//! ```

use kinde_tower::KindeLayer;
use tonic::transport::server::TcpIncoming;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (kinde, emulator) = example_environment::kinde().await?;
    let app = example_tonic_api::app(KindeLayer::new(kinde.verifier().build()?));

    let listener = example_environment::listen(3003).await?;
    let address = listener.local_addr()?;
    println!("{address} accepts tokens of {}", kinde.issuer());
    if let Some(emulator) = &emulator {
        let alice = emulator.person("alice").in_org("acme").with("create:todos").access_token();
        let call =
            r#"grpcurl -plaintext -proto examples/tonic-api/todos.proto -H "Authorization: Bearer $ALICE""#;
        println!("\nALICE={alice}\n");
        println!(r#"{call} -d '{{"title":"Buy milk"}}' {address} todos.v1.Todos/Create"#);
        println!("{call} {address} todos.v1.Todos/List");
    }
    app.serve_with_incoming_shutdown(TcpIncoming::from(listener), example_environment::ctrl_c()).await?;
    Ok(())
}
