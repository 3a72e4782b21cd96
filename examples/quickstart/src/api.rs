//! The API: one layer protects it, and each handler's signature says what it needs to know.

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use kinde_axum::{
    AuthRejection, AuthUser, FeatureFlag, KindeLayer, OrgCode, RequirePermission, flags, permissions,
};

permissions! {
    /// May create to-do items.
    pub CreateTodos = "create:todos";
}

flags! {
    /// Shows the new editor.
    pub NewEditor: bool = "new_editor" or false;
}

pub fn router(layer: KindeLayer) -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/todos", post(create_todo))
        .route("/orgs/{org_code}/reports", get(reports))
        .route("/editor", get(editor))
        .layer(layer) // whatever is above needs a token
        .route("/", get(home)) // whatever is below is public
}

async fn home() -> &'static str {
    "Hello, whoever you are.\n"
}

async fn me(user: AuthUser) -> String {
    format!("You are {}.\n", user.id())
}

async fn create_todo(_: RequirePermission<CreateTodos>) -> (StatusCode, &'static str) {
    (StatusCode::CREATED, "Created.\n")
}

/// The path says what is asked for, the token what is granted.
async fn reports(org: OrgCode, Path(asked): Path<String>) -> Result<String, AuthRejection> {
    org.ensure(&asked)?;
    Ok(format!("The reports of {org}.\n"))
}

async fn editor(new_editor: FeatureFlag<NewEditor>) -> &'static str {
    if *new_editor { "The new editor.\n" } else { "The editor you know.\n" }
}
