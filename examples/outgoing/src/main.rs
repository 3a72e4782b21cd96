//! A machine token on outgoing calls: fetched once, replaced before it ends.
//!
//! ```text
//! cargo run -p example-outgoing
//! ```
//!
//! With a machine-to-machine application of yours: `KINDE_ISSUER_URL`, `KINDE_CLIENT_ID`, `KINDE_CLIENT_SECRET` and
//! `KINDE_AUDIENCE`, an API that the application is authorized for.

use example_outgoing::{api, client, environment, tokens};
use http::Request;
use reqwest::Body;
use tower::{Service as _, ServiceExt as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (kinde, emulator) = environment().await?;
    let listener = example_environment::listen(3005).await?;
    let url = format!("http://{}/invoices", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, api(&kinde)?).into_future());

    let tokens = tokens(&kinde)?;
    let mut client = client(&tokens, reqwest::Client::builder().no_proxy().build()?);
    for _ in 0..3 {
        let answer = client.ready().await?.call(Request::get(&url).body(Body::default())?).await?;
        println!("{} {}", answer.status(), answer.text().await?);
    }
    if let Some(emulator) = emulator {
        println!("tokens that were fetched: {}", emulator.requests("/oauth2/token"));
    }
    Ok(())
}
