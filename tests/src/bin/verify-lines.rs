//! Judges tokens line by line, so that any program can test the public verifier.
//!
//! Each line of standard input is a JSON object: `id`, `op` (`bearer`, `idtoken`, `jws` or `webhook`), `token`, `jwks`, and
//! as the operation needs them `algs`, `now`, `issuer`, `audience`, `client_id`, `nonce`, `leeway`, `access_token`.
//! Each line of standard output is the verdict on one of them: `id`, `ok`, `error`. The program ends with 0 at the
//! end of its input.

use std::{
    io::{self, BufRead, Write},
    time::Duration,
};

use kinde_core::{
    ConfigError, EventVerifier, ExpectedIdToken, IdTokenVerifier, Issuer, Jwks, ManualClock, Verifier,
    insecure_verify_signature_only,
};
use kinde_webhook::WebhookVerifier;
use serde::Deserialize;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let verdict = match serde_json::from_str::<Question>(&line) {
            Ok(question) => question.answer().await,
            Err(error) => {
                json!({"id": id_of(&line), "ok": false, "error": format!("line_malformed: {error}")})
            }
        };
        writeln!(output, "{verdict}")?;
        output.flush()?;
    }
    Ok(())
}

/// Finds the id of a line that is no question, so that its verdict can still be matched.
fn id_of(line: &str) -> Value {
    let value: Option<Value> = serde_json::from_str(line).ok();
    value.and_then(|value| value.get("id").cloned()).unwrap_or(Value::Null)
}

#[derive(Deserialize)]
struct Question {
    id: Value,
    op: Operation,
    token: String,
    #[serde(default)]
    jwks: Value,
    algs: Option<Vec<Value>>,
    now: Option<f64>,
    issuer: Option<String>,
    audience: Option<OneOrMany>,
    client_id: Option<String>,
    nonce: Option<String>,
    leeway: Option<f64>,
    access_token: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Bearer,
    IdToken,
    Jws,
    Webhook,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Question {
    async fn answer(&self) -> Value {
        match self.judge().await {
            Ok(()) => json!({"id": self.id, "ok": true, "error": null}),
            Err(error) => json!({"id": self.id, "ok": false, "error": error}),
        }
    }

    async fn judge(&self) -> Result<(), String> {
        // The library knows one algorithm; a caller that allows others allows nothing here.
        if self.algs.as_ref().is_some_and(|algs| !algs.contains(&json!("RS256"))) {
            return Err("algorithm_not_allowed: RS256 is not among algs".to_owned());
        }
        match self.op {
            Operation::Bearer => self.judge_bearer().await,
            Operation::IdToken => self.judge_id_token().await,
            Operation::Webhook => self.judge_webhook().await,
            Operation::Jws => {
                let jwks = self.keys(self.issuer.as_deref().unwrap_or("https://issuer.invalid"))?;
                insecure_verify_signature_only(&jwks, &self.token)
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string())
            }
        }
    }

    async fn judge_bearer(&self) -> Result<(), String> {
        let jwks = self.keys(self.issuer.as_deref().ok_or("issuer is missing")?)?;
        let mut verifier = Verifier::builder(jwks).with_clock(self.clock()?);
        if let Some(leeway) = self.leeway()? {
            verifier = verifier.with_leeway(leeway);
        }
        verifier = match (&self.audience, &self.client_id) {
            (Some(OneOrMany::One(audience)), _) => verifier.with_audience(audience),
            (Some(OneOrMany::Many(audiences)), _) => verifier.with_any_audience(audiences),
            (None, Some(client_id)) => verifier.with_application(client_id),
            (None, None) => verifier,
        };
        let verifier = verifier.build().map_err(configuration)?;
        verifier.verify_user(&self.token).await.map(drop).map_err(|error| error.to_string())
    }

    async fn judge_id_token(&self) -> Result<(), String> {
        let jwks = self.keys(self.issuer.as_deref().ok_or("issuer is missing")?)?;
        let client_id = self.client_id.as_deref().ok_or("client_id is missing")?;
        let verifier = IdTokenVerifier::new(jwks, client_id).map_err(configuration)?;
        let mut verifier = verifier.with_clock(self.clock()?);
        if let Some(leeway) = self.leeway()? {
            verifier = verifier.with_leeway(leeway).map_err(configuration)?;
        }
        let mut expected = match &self.nonce {
            Some(nonce) => ExpectedIdToken::of_sign_in(nonce),
            None => ExpectedIdToken::of_refresh(None),
        };
        if let Some(access_token) = &self.access_token {
            expected = expected.with_access_token(access_token);
        }
        verifier.verify(&self.token, expected).await.map(drop).map_err(|error| error.to_string())
    }

    async fn judge_webhook(&self) -> Result<(), String> {
        let jwks = self.keys(self.issuer.as_deref().unwrap_or("https://issuer.invalid"))?;
        let mut environment = EventVerifier::new(jwks).with_clock(self.clock()?);
        if let Some(OneOrMany::One(audience)) = &self.audience {
            environment = environment.with_audience(audience.as_str());
        }
        let verifier = WebhookVerifier::from(environment);
        verifier.verify(&self.token).await.map(drop).map_err(|error| error.to_string())
    }

    fn keys(&self, issuer: &str) -> Result<Jwks, String> {
        let issuer = Issuer::new(issuer).map_err(|error| error.to_string())?;
        let json = match &self.jwks {
            Value::String(text) => text.clone(),
            object => object.to_string(),
        };
        Jwks::from_static_json(issuer, &json).map_err(configuration)
    }

    fn clock(&self) -> Result<ManualClock, String> {
        let now = self.now.ok_or("now is missing")?;
        let clock = ManualClock::at_unix_seconds(0);
        clock.set_wall(Duration::try_from_secs_f64(now).map_err(|error| format!("now: {error}"))?);
        Ok(clock)
    }

    fn leeway(&self) -> Result<Option<Duration>, String> {
        self.leeway
            .map(|leeway| Duration::try_from_secs_f64(leeway).map_err(|error| format!("leeway: {error}")))
            .transpose()
    }
}

fn configuration(error: ConfigError) -> String {
    error.problems().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
