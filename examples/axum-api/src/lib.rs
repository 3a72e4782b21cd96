//! A to-do service on axum: everyone lists their own items, and creating one needs a permission.

mod store;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use kinde_axum::{AuthUser, KindeLayer, RequirePermission, permissions};
use serde::Deserialize;

pub use store::{Store, Todo};

permissions! {
    /// May create to-do items.
    pub CreateTodos = "create:todos";
}

/// What the client may say about a new item: whose it is, the token says.
#[derive(Debug, Deserialize)]
pub struct NewTodo {
    title: String,
}

/// Builds the service.
pub fn app(layer: KindeLayer) -> Router {
    Router::new().route("/todos", get(list).post(create)).layer(layer).with_state(Store::default())
}

async fn list(user: AuthUser, State(store): State<Store>) -> Json<Vec<Todo>> {
    Json(store.list(&user))
}

async fn create(
    user: AuthUser,
    _: RequirePermission<CreateTodos>,
    State(store): State<Store>,
    Json(new): Json<NewTodo>,
) -> (StatusCode, Json<Todo>) {
    (StatusCode::CREATED, Json(store.create(&user, new.title)))
}
