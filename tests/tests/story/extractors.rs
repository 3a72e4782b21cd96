//! Handler arguments: what each lets through and how it refuses.

use axum::{Router, extract::Path, routing::get};
use kinde_axum::{
    All, Any, AuthMachine, AuthRejection, AuthUser, Caller, Claims, FeatureFlag, FlagIsOn, KindeLayer, Not,
    OrgCode, RequirePermission, flags, permissions, roles, scopes,
};
use kinde_core::{Issuer, Jwks, Verifier};
use kinde_emulator::Environment;
use kinde_tests::{send, send_bearer, verifier_of};
use serde::Deserialize;
use serde_json::json;

permissions! {
    /// May read reports.
    pub ReadReports = "read:reports";
    /// May export reports.
    pub ExportReports = "export:reports";
}
roles! { /// Runs the organization.
pub Admin = "admin"; }
scopes! { /// May read invoices.
pub ReadInvoices = "read:invoices"; }
flags! {
    /// Shows the new editor.
    pub NewEditor: bool = "new_editor" or false;
    /// How many seats the plan has.
    pub Seats: i64 = "seat_cap" or 1;
}

type CanExport = Any<(All<(ReadReports, ExportReports)>, Admin)>;
type NoAdmin = Not<Admin>;

#[derive(Deserialize)]
struct Plan {
    plan: String,
}

async fn in_org(org: OrgCode, Path(code): Path<String>) -> Result<String, AuthRejection> {
    org.ensure(&code)?;
    Ok(org.to_string())
}

fn app(layer: KindeLayer) -> Router {
    Router::new()
        .route("/export", get(async |_: RequirePermission<CanExport>| "exported"))
        .route("/no-admin", get(async |_: RequirePermission<NoAdmin>| "fine"))
        .route("/beta", get(async |_: RequirePermission<FlagIsOn<NewEditor>>| "beta"))
        .route("/orgs/{code}", get(in_org))
        .route(
            "/editor",
            get(async |flag: FeatureFlag<NewEditor>| format!("{} {}", *flag, flag.is_default())),
        )
        .route("/seats", get(async |flag: FeatureFlag<Seats>| flag.into_value().to_string()))
        .route("/plan", get(async |Claims(plan): Claims<Plan>| plan.plan))
        .route("/user", get(async |user: AuthUser| user.id().to_owned()))
        .route("/user-if-any", get(async |user: Option<AuthUser>| user.is_some().to_string()))
        .route("/machine", get(async |machine: AuthMachine| machine.client_id().to_owned()))
        .route(
            "/caller",
            get(async |caller: Caller| match caller {
                Caller::User(user) => format!("user {}", user.id()),
                Caller::Machine(machine) => format!("machine {}", machine.client_id()),
            }),
        )
        .route("/invoices", get(async |_: RequirePermission<ReadInvoices>| "invoices"))
        .layer(layer)
}

async fn people() -> (Environment, Router) {
    let kinde = Environment::start().await;
    let app = app(KindeLayer::new(verifier_of(&kinde)).optional());
    (kinde, app)
}

/// covers: E5
#[tokio::test]
async fn named_policy_lets_through_whoever_meets_it() {
    let (kinde, app) = people().await;
    let alice = kinde.person("alice").in_org("acme");
    for (name, person, status) in [
        ("both permissions", alice.clone().with("read:reports").with("export:reports"), 200),
        ("one permission", alice.clone().with("read:reports"), 403),
        ("the role", alice.clone().with_role("admin"), 200),
        ("another case", alice.clone().with_role("Admin"), 403),
        ("a longer key", alice.clone().with("read:reports").with("export:reports2"), 403),
        ("malformed", alice.clone().with_claim("permissions", "read:reports export:reports"), 403),
        (
            "numbers",
            alice.clone().with_claim("permissions", json!([1, "read:reports", "export:reports"])),
            403,
        ),
    ] {
        let answer = send_bearer(&app, "/export", &person.access_token()).await;
        assert_eq!(answer.status, status, "{name}");
    }
    assert_eq!(send(&app, "/export", &[]).await.status, 401);
}

/// covers: C7
#[tokio::test]
async fn negated_policy_over_a_malformed_claim_denies() {
    let (kinde, app) = people().await;
    let alice = kinde.person("alice").in_org("acme");
    for (name, person, status) in [
        ("no roles", alice.clone(), 200),
        ("the role", alice.clone().with_role("admin"), 403),
        ("null", alice.clone().with_claim("roles", json!(null)), 200),
        ("malformed", alice.clone().with_claim("roles", "none"), 403),
        ("a role without a key", alice.clone().with_claim("roles", json!([{"name": "admin"}])), 403),
    ] {
        assert_eq!(send_bearer(&app, "/no-admin", &person.access_token()).await.status, status, "{name}");
    }
}

/// covers: E7
#[tokio::test]
async fn organization_of_the_path_must_be_the_one_of_the_token() {
    let (kinde, app) = people().await;
    let code = kinde.org("acme").code().to_owned();
    let alice = kinde.person("alice").in_org("acme").access_token();
    let nobody = kinde.person("bob").without_org().access_token();
    let answer = send_bearer(&app, &format!("/orgs/{code}"), &alice).await;
    assert_eq!((answer.status, answer.body), (200, code.clone()));
    for (path, token, expected) in [
        ("/orgs/org_other".to_owned(), &alice, "organization_mismatch"),
        (format!("/orgs/{}", code.to_uppercase()), &alice, "organization_mismatch"),
        (format!("/orgs/{code}"), &nobody, "organization_absent"),
    ] {
        let answer = send_bearer(&app, &path, token).await;
        assert_eq!((answer.status, answer.code), (403, Some(expected)), "{path}");
    }
    let malformed = kinde.person("carol").with_claim("org_code", json!([code])).access_token();
    assert_eq!(send_bearer(&app, &format!("/orgs/{code}"), &malformed).await.code, Some("claim_malformed"));
}

#[tokio::test]
async fn feature_flag_has_its_value_its_default_or_a_refusal() {
    let (kinde, app) = people().await;
    let alice = kinde.person("alice").in_org("acme");
    for (name, person, body) in [
        ("on", alice.clone().with_flag("new_editor", true), "true false"),
        ("off", alice.clone().with_flag("new_editor", false), "false false"),
        ("absent", alice.clone(), "false true"),
    ] {
        assert_eq!(send_bearer(&app, "/editor", &person.access_token()).await.body, body, "{name}");
    }
    let seats = alice.clone().with_flag("seat_cap", 25).access_token();
    assert_eq!(send_bearer(&app, "/seats", &seats).await.body, "25");
    let text = alice.with_flag("seat_cap", "many").access_token();
    let answer = send_bearer(&app, "/seats", &text).await;
    assert_eq!((answer.status, answer.code), (403, Some("claim_malformed")));
}

/// A flag that exists with the value false is not on (an official SDK says it is).
#[tokio::test]
async fn flag_that_is_false_or_absent_opens_nothing() {
    let (kinde, app) = people().await;
    let alice = kinde.person("alice").in_org("acme");
    for (person, status) in [
        (alice.clone().with_flag("new_editor", true), 200),
        (alice.clone().with_flag("new_editor", false), 403),
        (alice.clone().with_flag("new_editor", "true"), 403),
        (alice, 403),
    ] {
        assert_eq!(send_bearer(&app, "/beta", &person.access_token()).await.status, status);
    }
}

#[tokio::test]
async fn hasura_spelling_of_the_claims_grants_the_same() {
    let (kinde, app) = people().await;
    let alice = kinde.person("alice").in_org("acme").with("read:reports").with("export:reports").hasura();
    assert_eq!(send_bearer(&app, "/export", &alice.access_token()).await.status, 200);
    let code = kinde.org("acme").code().to_owned();
    assert_eq!(send_bearer(&app, &format!("/orgs/{code}"), &alice.access_token()).await.body, code);
}

#[tokio::test]
async fn custom_claims_are_read_into_a_type_or_refused() {
    let (kinde, app) = people().await;
    let alice = kinde.person("alice");
    let answer = send_bearer(&app, "/plan", &alice.clone().with_claim("plan", "pro").access_token()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "pro"));
    let answer = send_bearer(&app, "/plan", &alice.access_token()).await;
    assert_eq!((answer.status, answer.code), (403, Some("claim_malformed")));
}

/// covers: E1 E4
#[tokio::test]
async fn missing_layer_is_an_error_for_optional_callers_too() {
    let app = Router::new()
        .route("/user", get(async |_: AuthUser| ""))
        .route("/user-if-any", get(async |_: Option<AuthUser>| ""))
        .route("/caller", get(async |_: Option<Caller>| ""))
        .route("/org", get(async |_: OrgCode| ""));
    for path in ["/user", "/user-if-any", "/caller", "/org"] {
        let answer = send(&app, path, &[]).await;
        assert_eq!((answer.status, answer.code), (500, Some("layer_missing")), "{path}");
    }
}

/// covers: C5
#[tokio::test]
async fn machine_gets_403_where_a_person_is_asked_for() {
    let kinde = Environment::builder().with_audience("https://api.example").start().await;
    let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).build().unwrap();
    let verifier = Verifier::builder(jwks).with_audience("https://api.example").build().unwrap();
    let app = app(KindeLayer::new(verifier).optional().accept_machines());
    let billing = kinde.machine("billing").with_audience("https://api.example").with_scope("read:invoices");
    let token = billing.access_token();
    for path in ["/user", "/user-if-any"] {
        let answer = send_bearer(&app, path, &token).await;
        assert_eq!((answer.status, answer.code), (403, Some("caller_kind")), "{path}");
    }
    assert_eq!(send_bearer(&app, "/machine", &token).await.body, billing.client_id());
    assert_eq!(send_bearer(&app, "/caller", &token).await.body, format!("machine {}", billing.client_id()));
    assert_eq!(send_bearer(&app, "/invoices", &token).await.status, 200);
    let person = kinde.person("alice").with_audience("https://api.example").access_token();
    assert_eq!(send_bearer(&app, "/machine", &person).await.code, Some("caller_kind"));
    assert_eq!(send_bearer(&app, "/user-if-any", &person).await.body, "true");
}

/// covers: E3
#[tokio::test]
async fn identity_is_never_read_from_other_headers_or_the_query() {
    let (kinde, app) = people().await;
    let token = kinde.person("alice").access_token();
    let answer = send(&app, &format!("/user?access_token={token}"), &[]).await;
    assert_eq!((answer.status, answer.code), (401, Some("credential_missing")));
    let request = http::Request::get("/user")
        .header("x-user-id", "kp_1")
        .header("cookie", format!("access_token={token}"));
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(app, request).await.unwrap();
    assert_eq!(response.status(), 401);
}

/// covers: C7
#[tokio::test]
async fn flag_or_scope_of_another_shape_grants_neither_itself_nor_its_opposite() {
    use kinde_core::{Requirement, Verdict};
    let kinde = Environment::start().await;
    let verifier = verifier_of(&kinde);
    let (flag, scope) = (Requirement::flag_is_on("suspended"), Requirement::scope("suspended"));
    for (name, claims, requirement, plain) in [
        ("on", json!({"suspended": {"t": "b", "v": true}}), &flag, Verdict::Granted),
        ("off", json!({"suspended": {"t": "b", "v": false}}), &flag, Verdict::Denied),
        ("absent", json!({}), &flag, Verdict::Denied),
        ("a string", json!({"suspended": {"t": "s", "v": "true"}}), &flag, Verdict::Unknown),
        ("an unknown kind", json!({"suspended": {"t": "q", "v": true}}), &flag, Verdict::Unknown),
        ("bare", json!({"suspended": true}), &flag, Verdict::Unknown),
        ("scope as a number", json!(42), &scope, Verdict::Unknown),
        ("scope as an object", json!({"suspended": 1}), &scope, Verdict::Unknown),
        ("scope", json!("suspended"), &scope, Verdict::Granted),
        ("another scope", json!("x"), &scope, Verdict::Denied),
    ] {
        let claim = if std::ptr::eq(requirement, &flag) { "feature_flags" } else { "scope" };
        let token = kinde.person("alice").with_claim(claim, claims).access_token();
        let identity = verifier.verify(&token).await.unwrap();
        assert_eq!(requirement.verdict(&identity), plain, "{name}");
        let negated = requirement.clone().negated().verdict(&identity);
        assert_eq!(negated == Verdict::Granted, plain == Verdict::Denied, "not {name}");
    }
}

#[tokio::test]
async fn handler_checks_a_requirement_of_run_time_with_a_question_mark() {
    use kinde_axum::Requirement;
    async fn handler(user: AuthUser) -> Result<String, AuthRejection> {
        Requirement::permission(String::from("read:reports")).check(&user.identity())?;
        Ok(user.permissions()?.iter().collect())
    }
    let kinde = Environment::start().await;
    let app = Router::new().route("/", get(handler)).layer(KindeLayer::new(verifier_of(&kinde)));
    let alice = kinde.person("alice").in_org("acme");
    assert_eq!(send_bearer(&app, "/", &alice.access_token()).await.code, Some("requirement_denied"));
    assert_eq!(send_bearer(&app, "/", &alice.with("read:reports").access_token()).await.body, "read:reports");
}
