//! A client of the Management API small enough to read.

use kinde_emulator::Environment;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// A machine with every scope, as one that asks the token endpoint for none in particular.
pub struct Api {
    client: Client,
    url: String,
    token: String,
}

impl Api {
    pub async fn of(kinde: &Environment) -> Self {
        let machine = kinde.machine("manager");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", machine.client_id()),
            ("client_secret", &machine.client_secret()),
            ("audience", &format!("{}/api", kinde.issuer())),
        ];
        let answer = client().post(format!("{}/oauth2/token", kinde.url())).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.unwrap();
        Self::with_token(kinde, body["access_token"].as_str().unwrap())
    }

    pub fn with_token(kinde: &Environment, token: &str) -> Self {
        Self { client: client(), url: kinde.url().to_owned(), token: token.to_owned() }
    }

    /// Calls an operation: `GET users?page_size=1`.
    pub async fn response(&self, operation: &str, body: Option<&Value>) -> Response {
        let (method, path) = operation.split_once(' ').unwrap();
        let url = format!("{}/api/v1/{path}", self.url);
        let mut request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    /// Calls an operation that has to succeed, and returns its body.
    pub async fn done(&self, operation: &str, body: Value) -> Value {
        let answer = self.response(operation, (!body.is_null()).then_some(&body)).await;
        let status = answer.status();
        let body = answer.json().await.unwrap();
        assert!(status.is_success(), "{operation}: {status} {body}");
        body
    }

    pub async fn got(&self, path: &str) -> Value {
        self.done(&format!("GET {path}"), Value::Null).await
    }

    /// Calls an operation that has to fail; returns the status and the code of the error.
    pub async fn refused(&self, operation: &str, body: Value) -> (u16, String) {
        let answer = self.response(operation, (!body.is_null()).then_some(&body)).await;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(!status.is_success(), "{operation}: {status} {body}");
        let error = &body["errors"][0];
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        (status.as_u16(), error["code"].as_str().unwrap().to_owned())
    }

    /// Creates somebody with an e-mail address and returns their id.
    pub async fn user(&self, email: &str) -> String {
        let identity = json!({ "type": "email", "details": { "email": email } });
        let created = self.done("POST user", json!({ "identities": [identity] })).await;
        created["id"].as_str().unwrap().to_owned()
    }

    /// Creates an organization and returns its code.
    pub async fn organization(&self, name: &str) -> String {
        let created = self.done("POST organization", json!({ "name": name })).await;
        created["organization"]["code"].as_str().unwrap().to_owned()
    }
}

pub async fn world() -> (Environment, Api) {
    let kinde = Environment::start().await;
    let api = Api::of(&kinde).await;
    (kinde, api)
}

/// The values of a member of every object in a list.
pub fn each<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[name].as_str().unwrap()).collect()
}

pub fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}
