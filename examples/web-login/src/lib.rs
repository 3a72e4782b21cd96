//! The application: which page needs what.

mod pages;

use axum::{
    Router,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::get,
};
use kinde_axum::{
    AuthRejection, AuthUser, ConfigError, FeatureFlag, Kinde, KindeLayer, OrgCode, RequirePermission,
    Settings, SignedInUser, flags,
    kinde_login::{Links, Login},
    permissions,
};
use kinde_emulator::{Environment, Seed};
use maud::Markup;

permissions! {
    /// May create to-do items.
    pub CreateTodos = "create:todos";
}

flags! {
    /// Shows what is not for everybody yet.
    pub Beta: bool = "beta" or false;
}

/// Builds the application: three layers of order matter, and the sign-in routes are outside of all of them.
///
/// # Errors
///
/// When the verifier cannot be built from the settings.
pub fn app(kinde: &Kinde, login: &Login) -> Result<Router, ConfigError> {
    let links = login.links();
    let signed_in = Router::new()
        .route("/dashboard", get(dashboard))
        .route("/todos", get(todos))
        .layer(login.login_required());
    Ok(Router::new()
        .route("/", get(home))
        .merge(signed_in)
        .route("/style.css", get(async || ([(CONTENT_TYPE, "text/css")], include_str!("style.css"))))
        .with_state(links)
        .layer(KindeLayer::new(kinde.verifier().build()?).optional())
        .layer(login.session_layer())
        .nest_service("/api/auth", login.routes()))
}

type State = axum::extract::State<Links>;

async fn home(links: State, user: Option<SignedInUser>) -> Markup {
    pages::home(&links, user.as_ref())
}

async fn dashboard(
    links: State,
    user: SignedInUser,
    org: Option<AuthUser>,
    beta: FeatureFlag<Beta>,
) -> Markup {
    let org_code = org.and_then(|user| user.org_code().ok().flatten().map(str::to_owned));
    pages::dashboard(&links, &user, org_code.as_deref(), *beta)
}

/// The page says in its own words who lacks a right; the status stays 403.
async fn todos(
    links: State,
    user: SignedInUser,
    allowed: Result<RequirePermission<CreateTodos>, AuthRejection>,
    org: Result<OrgCode, AuthRejection>,
) -> Response {
    match (allowed, org) {
        (Ok(_), Ok(org)) => pages::todos(&links, &user, org.as_str()).into_response(),
        (Err(refused), _) | (_, Err(refused)) => {
            let status = refused.into_response().status();
            (status, pages::not_allowed(&links, &user)).into_response()
        }
    }
}

/// Starts an emulator of Kinde with the people of `world.toml`, for a site on this port.
///
/// # Errors
///
/// When the world or the settings cannot be used, which would be a mistake of this example.
pub async fn emulated(port: u16) -> Result<(Kinde, Environment), Box<dyn std::error::Error>> {
    let site = format!("http://localhost:{port}");
    let emulator = Environment::builder()
        .with_seed(Seed::from_toml(include_str!("world.toml"))?)
        .with_site_url(&site)
        .with_callback(format!("{site}/api/auth/kinde_callback"))
        .with_logout_url(&site)
        .start()
        .await;
    let mut variables = emulator.variables();
    // Good for an emulator on this computer; a real one is random and kept as safe as a password.
    variables.push(("SESSION_SECRET", "for the emulator on this computer only".to_owned()));
    Ok((Kinde::from_settings(Settings::from_variables(variables)?)?, emulator))
}
