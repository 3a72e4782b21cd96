//! The applications that are compared: one route, one handler that answers with the caller's id.

pub mod bare;
pub mod hand_written;
pub mod jwt_authorizer;
pub mod oauth2_resource_server;
pub mod ours;

use std::collections::HashMap;

use serde::Deserialize;

/// A Kinde access token's claims, as every peer is asked to read them.
#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "an application reads them; the measurement only pays for them")]
pub struct Claims {
    aud: Vec<String>,
    azp: String,
    exp: u64,
    iat: u64,
    iss: String,
    jti: String,
    org_code: Option<String>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    feature_flags: HashMap<String, FlagClaim>,
    #[serde(default)]
    scp: Vec<String>,
    sub: String,
}

/// One feature flag.
#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "an application reads them; the measurement only pays for them")]
pub struct FlagClaim {
    t: String,
    v: serde_json::Value,
}
