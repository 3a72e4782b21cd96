//! The application on a port, for an emulator with the people of its world, and what it was asked.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::Request,
    middleware::{self, Next},
};
use example_environment::emulated_site;
use example_web_login::{app, people};
use kinde_axum::kinde_login::{Login, LoginBuilder};
use kinde_emulator::Environment;
use tokio::net::TcpListener;

use crate::chromium::Chromium;

/// The running application.
pub struct Site {
    pub emulator: Environment,
    pub url: String,
    asked: Asked,
}

/// One request: address, whether the browser only looked ahead, and the status of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Asking {
    pub address: String,
    pub looks_ahead: bool,
    pub status: u16,
}

type Asked = Arc<Mutex<Vec<Asking>>>;

impl Site {
    pub async fn start() -> Self {
        Self::start_with(|_, builder| builder).await
    }

    /// Starts the application with a sign-in that is changed before it is built.
    pub async fn start_with(change: impl FnOnce(&Environment, LoginBuilder) -> LoginBuilder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (kinde, emulator) = emulated_site(port, people().unwrap()).await.unwrap();
        let login = change(&emulator, Login::builder(&kinde)).build().unwrap();
        let asked = Asked::default();
        let noting = asked.clone();
        let note = middleware::from_fn(move |request: Request, next: Next| {
            let noting = noting.clone();
            async move {
                let address = request.uri().to_string();
                let looks_ahead = request.headers().contains_key("sec-purpose");
                let response = next.run(request).await;
                let status = response.status().as_u16();
                noting.lock().unwrap_or_else(PoisonError::into_inner).push(Asking {
                    address,
                    looks_ahead,
                    status,
                });
                response
            }
        });
        let app = app(&kinde, &login).unwrap().layer(note);
        tokio::spawn(async move { axum::serve(listener, app).await });
        let url = kinde.settings().site_url().unwrap().to_owned();
        Self { emulator, url, asked }
    }

    /// Gives the address of a path.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Gives the requests whose address begins so, oldest first.
    pub fn asked(&self, start: &str) -> Vec<Asking> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|request| request.address.starts_with(start)).cloned().collect()
    }

    /// Names the tile of a person on Kinde's page.
    pub fn tile(&self, name: &str) -> String {
        format!("button[value=\"{}\"]", self.emulator.person(name).id())
    }

    /// Signs a person in by their tile, from the home page.
    pub async fn sign_in(&self, browser: &mut Chromium, name: &str) {
        browser.open(&self.url).await;
        browser.press_on("main a[href*='/login']").await;
        browser.press_on(&self.tile(name)).await;
        assert_eq!(browser.location().await, self.at("/dashboard"));
    }
}
