//! An identity and an organization that no verifier made.

use kinde_axum::{AuthUser, OrgCode, TokenClaims};

fn main() {}

fn forge_a_user(token: std::sync::Arc<kinde_axum::AccessToken>) -> AuthUser {
    AuthUser(token)
}

fn forge_an_organization() -> OrgCode {
    OrgCode { code: "org_1".into() }
}

fn forge_claims() -> TokenClaims {
    TokenClaims::default()
}
