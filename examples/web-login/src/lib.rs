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
    SignedInUser, flags,
    kinde_login::{Links, Login},
    permissions,
};
use kinde_emulator::{Seed, SeedError};
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
        .nest_service(kinde.settings().auth_api_path(), login.routes()))
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

/// The people of this example, where no variable names an environment.
///
/// # Errors
///
/// When `world.toml` is no seed.
pub fn people() -> Result<Seed, SeedError> {
    Seed::from_toml(include_str!("world.toml"))
}
