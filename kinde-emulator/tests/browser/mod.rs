//! A browser small enough to read: keeps cookies, follows no redirect by itself, fills in forms.

use std::sync::Mutex;

use kinde_emulator::Environment;
use reqwest::{
    Client, Response, StatusCode,
    header::{COOKIE, LOCATION, SET_COOKIE},
    redirect::Policy,
};
use serde_json::Value;

/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge of [`VERIFIER`].
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Where the application of these tests takes its answers.
pub const CALLBACK: &str = "http://localhost:3000/callback";

/// A client with its cookies.
pub struct Browser {
    client: Client,
    cookies: Mutex<Vec<String>>,
}

impl Browser {
    pub fn new() -> Self {
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { client, cookies: Mutex::new(Vec::new()) }
    }

    pub async fn get(&self, url: &str) -> Response {
        let cookies = self.cookies.lock().unwrap().join("; ");
        self.keep(self.client.get(url).header(COOKIE, cookies).send().await.unwrap())
    }

    pub async fn post(&self, url: &str, form: &[(&str, &str)]) -> Response {
        let cookies = self.cookies.lock().unwrap().join("; ");
        self.keep(self.client.post(url).header(COOKIE, cookies).form(form).send().await.unwrap())
    }

    /// Opens an authorization URL, fills in the page's form, and returns where that leads.
    pub async fn sign_in(&self, kinde: &Environment, url: &str, form: &[(&str, &str)]) -> String {
        let page = self.get(url).await;
        assert_eq!(page.status(), StatusCode::OK);
        let interaction = interaction(&page.text().await.unwrap());
        let mut fields = vec![("interaction", interaction.as_str())];
        fields.extend(form);
        location(&self.post(&format!("{}/oauth2/auth/sign_in", kinde.url()), &fields).await)
    }

    /// Asks the token endpoint as the main application.
    pub async fn token(&self, kinde: &Environment, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let client_secret = kinde.client_secret();
        let mut fields = vec![("client_id", kinde.client_id()), ("client_secret", client_secret.as_str())];
        fields.extend(form);
        let answer = self.post(&format!("{}/oauth2/token", kinde.url()), &fields).await;
        (answer.status(), answer.json().await.unwrap())
    }

    /// Signs alice in with these scopes and returns the token response.
    pub async fn tokens(&self, kinde: &Environment, scope: &str) -> Value {
        let url = authorization_url(kinde, &[("scope", scope), ("nonce", "n-1")]);
        let person = kinde.person("alice");
        let callback = self.sign_in(kinde, &url, &[("person", person.id())]).await;
        let (status, body) = self.exchange(kinde, &parameter(&callback, "code").unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    /// Exchanges a code with everything right.
    pub async fn exchange(&self, kinde: &Environment, code: &str) -> (StatusCode, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.token(kinde, &form).await
    }

    fn keep(&self, response: Response) -> Response {
        let mut cookies = self.cookies.lock().unwrap();
        for header in response.headers().get_all(SET_COOKIE) {
            let pair = header.to_str().unwrap().split(';').next().unwrap().to_owned();
            let name = format!("{}=", pair.split('=').next().unwrap());
            cookies.retain(|known| !known.starts_with(&name));
            cookies.push(pair);
        }
        drop(cookies);
        response
    }
}

/// Writes an authorization request with PKCE and a state, plus these parameters.
pub fn authorization_url(kinde: &Environment, parameters: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse(&format!("{}/oauth2/auth", kinde.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", kinde.client_id())
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("response_type", "code")
        .append_pair("state", "st/at+e \"1\"")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(parameters);
    url.into()
}

/// Reads a parameter of a URL's query.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Reads the `Location` of a redirect.
pub fn location(response: &Response) -> String {
    assert_eq!(response.status(), StatusCode::FOUND);
    response.headers()[LOCATION].to_str().unwrap().to_owned()
}

/// Reads a token's claims without verifying anything.
pub fn claims(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn interaction(page: &str) -> String {
    let start = page.split("name=\"interaction\" value=\"").nth(1).unwrap();
    start.split('"').next().unwrap().to_owned()
}
