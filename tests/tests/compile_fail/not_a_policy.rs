//! A type that is no policy, where one is demanded.

use axum::{Router, routing::get};
use kinde_axum::RequirePermission;

struct CreateTodos;

fn main() {
    let _: Router = Router::new().route("/", get(handler));
}

async fn handler(_: RequirePermission<CreateTodos>) {}

fn demands_a_policy() {
    let _ = kinde_axum::require::<CreateTodos>();
}
