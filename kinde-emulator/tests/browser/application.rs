//! An application that takes its answers at a callback of its own.

use axum::{Router, response::Html, routing::get};
use kinde_emulator::{Environment, EnvironmentBuilder};
use tokio::net::TcpListener;

use crate::http::CHALLENGE;

/// An environment, and the application that its people sign in to.
pub struct Stage {
    pub kinde: Environment,
    pub callback: String,
}

impl Stage {
    /// Starts both; the application is allowed to be answered.
    pub async fn start(builder: EnvironmentBuilder) -> Self {
        let kinde = builder.start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callback = format!("http://{}/callback", listener.local_addr().unwrap());
        kinde.allow_callback(&callback);
        kinde.allow_logout_url(&callback);
        let page = || async { Html("<!doctype html><html lang=en><title>application</title><h1>Back</h1>") };
        let application = Router::new().route("/callback", get(page).post(page));
        tokio::spawn(axum::serve(listener, application).into_future());
        Self { kinde, callback }
    }

    /// Writes an authorization request with PKCE and a state, plus these parameters.
    pub fn url(&self, parameters: &[(&str, &str)]) -> String {
        let mut url = reqwest::Url::parse(&format!("{}/oauth2/auth", self.kinde.url())).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", self.kinde.client_id())
            .append_pair("redirect_uri", &self.callback)
            .append_pair("response_type", "code")
            .append_pair("state", "4f0e7c19a2b8d563")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(parameters);
        url.into()
    }
}
