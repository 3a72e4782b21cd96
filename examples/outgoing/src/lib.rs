//! A service that calls another API as itself: the client adds a machine token to each request.

use axum::{Router, routing::get};
use http::Request;
use kinde_axum::{
    AuthMachine, ConfigError, Kinde, KindeLayer, Settings,
    kinde_login::{
        MachineTokens, OAuthClient,
        kinde_core::{DefaultClient, Endpoints},
    },
};
use kinde_emulator::Environment;
use reqwest::{Body, Client, Response};
use tower::{BoxError, Layer, Service, service_fn};

/// Gives the source of tokens: of the application that `KINDE_CLIENT_ID` and `KINDE_CLIENT_SECRET` name, for the API
/// that `KINDE_AUDIENCE` names.
///
/// # Errors
///
/// When one of them is missing.
pub fn tokens(kinde: &Kinde) -> Result<MachineTokens, BoxError> {
    let settings = kinde.settings();
    let client_id = settings.client_id().ok_or("KINDE_CLIENT_ID is not set")?;
    let secret = settings.client_secret().ok_or("KINDE_CLIENT_SECRET is not set")?.clone();
    let [audience] = settings.audiences() else { return Err("KINDE_AUDIENCE has to name one API".into()) };
    let endpoints = Endpoints::new(settings.issuer());
    let client = OAuthClient::new(endpoints, client_id, Some(secret), DefaultClient::new()?);
    Ok(MachineTokens::new(client, audience))
}

/// Wraps an HTTP client: for calls of that one API and of no other, because whoever gets the token can use it.
pub fn client(
    tokens: &MachineTokens,
    client: Client,
) -> impl Service<Request<Body>, Response = Response, Error = BoxError, Future: Send> + Clone + Send {
    tokens.layer().layer(service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move { client.execute(request.try_into()?).await }
    }))
}

/// The other API: it knows its callers by their tokens.
///
/// # Errors
///
/// When the verifier cannot be built from the settings.
pub fn api(kinde: &Kinde) -> Result<Router, ConfigError> {
    let layer = KindeLayer::new(kinde.verifier().build()?).accept_machines();
    Ok(Router::new().route("/invoices", get(invoices)).layer(layer))
}

async fn invoices(machine: AuthMachine) -> String {
    format!("12 invoices for the application {}", machine.client_id())
}

/// Gives the environment that `KINDE_ISSUER_URL` names, or an emulator that has the other API and a machine application.
///
/// # Errors
///
/// When the variables name an environment but cannot be used.
pub async fn environment() -> Result<(Kinde, Option<Environment>), ConfigError> {
    match example_environment::kinde().await? {
        (_, Some(emulator)) => Ok((machine_of(&emulator)?, Some(emulator))),
        named => Ok(named),
    }
}

/// Registers the other API, and gives the handle of a machine application.
///
/// # Errors
///
/// When the settings cannot be used, which would be a mistake of this example.
pub fn machine_of(emulator: &Environment) -> Result<Kinde, ConfigError> {
    emulator.register_api(API, &["read:invoices"]);
    let machine = emulator.machine("billing");
    let variables = [
        ("KINDE_ISSUER_URL", emulator.issuer().to_owned()),
        ("KINDE_CLIENT_ID", machine.client_id().to_owned()),
        ("KINDE_CLIENT_SECRET", machine.client_secret()),
        ("KINDE_AUDIENCE", API.to_owned()),
    ];
    Kinde::from_settings(Settings::from_variables(variables)?)
}

const API: &str = "https://invoices.example.test";
