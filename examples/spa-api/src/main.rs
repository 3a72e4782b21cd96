//! A page on one origin calls an API on another: where the CORS layer belongs.
//!
//! ```text
//! cargo run -p example-spa-api
//! ```
//!
//! Then open the page that it names.

use axum::http::HeaderValue;
use kinde_axum::KindeLayer;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (kinde, emulator) = example_environment::kinde().await?;
    let layer = KindeLayer::new(kinde.verifier().build()?);
    let tokens = emulator.as_ref().map(|emulator| {
        let alice = emulator.person("alice").with("create:todos");
        let bob = emulator.person("bob");
        json!({
            "alice": alice.access_token(),
            "bob": bob.access_token(),
            "expired": alice.expired().access_token(),
        })
    });

    let api = example_environment::listen(3005).await?;
    let page = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let [api_url, page_url] =
        [&api, &page].map(|listener| listener.local_addr().map(|address| format!("http://{address}")));
    let (api_url, page_url) = (api_url?, page_url?);
    println!("API   {api_url} accepts tokens of {}\npage  {page_url}", kinde.issuer());

    let app = example_spa_api::app(layer, HeaderValue::try_from(&page_url)?);
    tokio::spawn(async move { axum::serve(page, example_spa_api::page(&api_url, tokens)).await });
    axum::serve(api, app).with_graceful_shutdown(example_environment::ctrl_c()).await?;
    Ok(())
}
