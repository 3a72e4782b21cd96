//! Every page in a real Chromium, used by keyboard alone and without a script.
//!
//! `KINDE_TEST_CHROMIUM` names the program; without it, `chromium` on `PATH` is used. Where there is none, these tests
//! print that they did not run. Pictures of the pages are kept in `tmp/emulator-pages` of the build folder.
#![expect(unreachable_pub, reason = "the small browser is shared by several test binaries")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

mod accessibility;
mod application;
mod chromium;
#[path = "mod.rs"]
#[expect(dead_code, reason = "these tests have a real browser and need only part of the small one")]
mod http;

use accessibility::inspect;
use application::Stage;
use chromium::Chromium;
use http::{claims, parameter};
use kinde_emulator::{Environment, Seed};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

const WORLD: &str = r#"
    [[applications]]
    name = "<b>Web</b> & Co"

    [[applications]]
    name = "television"
    client_id = "5e1c0b7a9d4f4c26b8f3a1720e6d9c45"
    kind = "public"
    default_device_application = true

    [[organizations]]
    handle = "acme"
    name = "Acme <script>alert(1)</script>"

    [[organizations]]
    handle = "globex"

    [[people]]
    name = "alice"
    memberships = [{ org = "acme" }, { org = "globex" }]

    [[people]]
    name = "bob"
    password = "correct horse"
    memberships = [{ org = "globex" }]

    [[people]]
    name = "mallory"
    given_name = "\"><script>document.title='broken out'</script>"
    family_name = "O'Hara & <Söhne>"
    email = "mallory+'\"><i>@example.test"
"#;

const TELEVISION: &str = "5e1c0b7a9d4f4c26b8f3a1720e6d9c45";

/// Where pictures are kept, in `tmp` of the build folder.
const PICTURES: &str = "emulator-pages";

async fn stage(changes: &[(&str, &str)]) -> Stage {
    let mut world = WORLD.to_owned();
    for (old, new) in changes {
        world = world.replace(old, new);
    }
    Stage::start(Environment::builder().with_seed(Seed::from_toml(&world).unwrap())).await
}

/// Exchanges the code that the browser came back with and returns the claims of the access token.
async fn access_token(stage: &Stage, browser: &mut Chromium) -> Value {
    let callback = browser.location().await;
    assert!(callback.starts_with(&stage.callback), "{callback}");
    assert_eq!(parameter(&callback, "state").as_deref(), Some("4f0e7c19a2b8d563"));
    let secret = stage.kinde.client_secret();
    let code = parameter(&callback, "code").expect("a code");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", stage.kinde.client_id()),
        ("client_secret", secret.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", stage.callback.as_str()),
        ("code_verifier", http::VERIFIER),
    ];
    let tokens: Value = post(stage, "/oauth2/token", &form).await.1;
    claims(tokens["access_token"].as_str().unwrap())
}

async fn post(stage: &Stage, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let client = Client::builder().no_proxy().build().unwrap();
    let answer = client.post(format!("{}{path}", stage.kinde.url())).form(form).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn person_signs_in_by_their_tile() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    browser.open(&stage.url(&[("login_hint", "alice@example.test")])).await;
    assert_eq!(browser.heading().await, "Sign in");
    inspect(&mut browser, "sign-in").await;
    let alice = stage.kinde.person("alice");
    browser.press_on(&format!("button[value=\"{}\"]", alice.id())).await;
    assert_eq!(access_token(&stage, &mut browser).await["sub"], alice.id());
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    browser
        .open(&stage.url(&[("login_hint", "\"><img src=x onerror=alert(1)>"), ("connection_id", "<s>")]))
        .await;
    inspect(&mut browser, "hostile-names").await;
    let text = browser.evaluate("document.body.innerText").await;
    for name in
        ["<b>Web</b> & Co", "<script>document.title", "Acme <script>alert(1)</script>", "<Söhne>", "<s>"]
    {
        assert!(text.as_str().unwrap().contains(name), "{name}");
    }
    let hint = browser.evaluate("document.querySelector('#p_email').value").await;
    assert_eq!(hint, "\"><img src=x onerror=alert(1)>");
}

#[tokio::test]
async fn person_with_a_password_signs_in_by_the_form_in_two_steps() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    browser.open(&stage.url(&[])).await;
    browser.tab_to("#p_email").await;
    browser.type_text("bob@example.test").await;
    browser.press_on("[data-kinde-button-variant=primary]").await;
    assert_eq!(browser.heading().await, "Enter your password");
    inspect(&mut browser, "password").await;

    browser.tab_to("#p_password").await;
    browser.type_text("wrong").await;
    browser.press_on("[data-kinde-button-variant=primary]").await;
    let alert = browser.evaluate("document.querySelector('[role=alert]').innerText").await;
    assert_eq!(alert, "This address and this password do not belong together.");
    inspect(&mut browser, "password-wrong").await;

    browser.tab_to("#p_password").await;
    browser.type_text("correct horse").await;
    browser.press_on("[data-kinde-button-variant=primary]").await;
    assert_eq!(access_token(&stage, &mut browser).await["sub"], stage.kinde.person("bob").id());
}

#[tokio::test]
async fn newcomer_registers_and_signs_in_again_with_the_password() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    browser.open(&stage.url(&[("prompt", "create")])).await;
    assert_eq!(browser.heading().await, "Create an account");
    inspect(&mut browser, "register").await;
    for (field, text) in
        [("p_first_name", "Grace"), ("p_email", "grace@example.test"), ("p_first_password", "a")]
    {
        browser.tab_to(&format!("#{field}")).await;
        browser.type_text(text).await;
    }
    browser.press_on("[data-kinde-button-variant=primary]").await;
    inspect(&mut browser, "register-wrong").await;
    assert_eq!(browser.evaluate("document.querySelector('#p_first_name').value").await, "Grace");
    for field in ["p_first_password", "p_second_password"] {
        browser.tab_to(&format!("#{field}")).await;
        browser.type_text("swordfish").await;
    }
    browser.press_on("[data-kinde-button-variant=primary]").await;
    let registered = access_token(&stage, &mut browser).await;

    browser.open(&stage.url(&[("prompt", "login"), ("login_hint", "grace@example.test")])).await;
    browser.press_on("[data-kinde-button-variant=primary]").await;
    browser.tab_to("#p_password").await;
    browser.type_text("swordfish").await;
    browser.press_on("[data-kinde-button-variant=primary]").await;
    assert_eq!(access_token(&stage, &mut browser).await["sub"], registered["sub"]);
}

#[tokio::test]
async fn member_of_two_organizations_picks_one_where_the_application_asks() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[("name = \"<b>Web</b> & Co\"", "name = \"web\"\norganization_picker = true")]).await;
    let (alice, globex) = (stage.kinde.person("alice"), stage.kinde.org("globex"));
    browser.open(&stage.url(&[])).await;
    browser.press_on(&format!("button[value=\"{}\"]", alice.id())).await;
    assert_eq!(browser.heading().await, "Choose an organization");
    inspect(&mut browser, "organizations").await;
    browser.press_on(&format!("button[value=\"{}\"]", globex.code())).await;
    assert_eq!(access_token(&stage, &mut browser).await["org_code"], globex.code());
    // The session remembers it.
    browser.open(&stage.url(&[])).await;
    assert_eq!(access_token(&stage, &mut browser).await["org_code"], globex.code());
}

#[tokio::test]
async fn new_organization_without_a_name_is_given_one() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    browser.open(&stage.url(&[("is_create_org", "true")])).await;
    browser.press_on(&format!("button[value=\"{}\"]", stage.kinde.person("alice").id())).await;
    assert_eq!(browser.heading().await, "Create an organization");
    inspect(&mut browser, "new-organization").await;
    browser.tab_to("#org_name").await;
    browser.type_text("Voss Freight").await;
    browser.press_on("[data-kinde-button-variant=primary]").await;
    let created = stage.kinde.org("voss-freight");
    assert_eq!(created.name(), "Voss Freight");
    assert_eq!(access_token(&stage, &mut browser).await["org_code"], created.code());
}

#[tokio::test]
async fn access_is_allowed_or_denied_where_the_application_asks() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[("name = \"<b>Web</b> & Co\"", "name = \"web\"\nasks_consent = true")]).await;
    let url = stage.url(&[("scope", "openid profile email offline")]);
    browser.open(&url).await;
    browser.press_on(&format!("button[value=\"{}\"]", stage.kinde.person("alice").id())).await;
    assert_eq!(browser.heading().await, "Allow access");
    inspect(&mut browser, "consent").await;
    browser.press_on("button[value=deny]").await;
    let denied = browser.location().await;
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"));

    browser.open(&url).await;
    browser.press_on("button[value=allow]").await;
    assert!(parameter(&browser.location().await, "code").is_some());
    // What was allowed once is not asked again.
    browser.open(&url).await;
    assert!(parameter(&browser.location().await, "code").is_some());
}

#[tokio::test]
async fn person_who_cancels_goes_back_without_a_code() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    browser.open(&stage.url(&[])).await;
    browser.press_on("button[value=deny]").await;
    let callback = browser.location().await;
    assert_eq!(parameter(&callback, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&callback, "code"), None);
}

#[tokio::test]
async fn device_is_connected_by_the_code_it_shows() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    let (_, waiting) = post(&stage, "/oauth2/device/auth", &[("scope", "openid email")]).await;
    browser.open(waiting["verification_uri"].as_str().unwrap()).await;
    inspect(&mut browser, "device-code").await;
    browser.tab_to("#user_code").await;
    browser.type_text("WRONG").await;
    browser.press_on("[data-kinde-button-variant=primary]").await;
    inspect(&mut browser, "device-code-wrong").await;
    browser.tab_to("#user_code").await;
    browser.evaluate("document.querySelector('#user_code').value = ''").await;
    browser.type_text(&waiting["user_code"].as_str().unwrap().to_lowercase()).await;
    browser.press_on("[data-kinde-button-variant=primary]").await;
    let alice = stage.kinde.person("alice");
    browser.press_on(&format!("button[value=\"{}\"]", alice.id())).await;
    inspect(&mut browser, "device-approval").await;
    browser.press_on("button[value=allow]").await;
    assert_eq!(browser.heading().await, "Device connected");
    inspect(&mut browser, "device-connected").await;

    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", TELEVISION),
        ("device_code", waiting["device_code"].as_str().unwrap()),
    ];
    let (status, tokens) = post(&stage, "/oauth2/token", &form).await;
    assert_eq!((status, &tokens["token_type"]), (StatusCode::OK, &json!("bearer")), "{tokens}");
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["sub"], alice.id());
}

#[tokio::test]
async fn device_that_is_denied_gets_nothing() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    let (_, waiting) = post(&stage, "/oauth2/device/auth", &[]).await;
    browser.open(waiting["verification_uri_complete"].as_str().unwrap()).await;
    browser.press_on(&format!("button[value=\"{}\"]", stage.kinde.person("alice").id())).await;
    browser.press_on("button[value=deny]").await;
    assert_eq!(browser.heading().await, "Device not connected");
    inspect(&mut browser, "device-denied").await;
}

#[tokio::test]
async fn pages_without_a_question_can_be_read_too() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    let wrong = stage.url(&[]).replace(stage.kinde.client_id(), "<script>alert(1)</script>");
    browser.open(&wrong).await;
    assert!(browser.evaluate("document.body.innerText").await.as_str().unwrap().contains("1656"));
    inspect(&mut browser, "error").await;
    browser.open(&format!("{}/logout", stage.kinde.url())).await;
    assert_eq!(browser.heading().await, "Signed out");
    inspect(&mut browser, "signed-out").await;
    stage.kinde.show_error_at_next_sign_in(4032);
    browser.open(&stage.url(&[])).await;
    inspect(&mut browser, "error-provider").await;
    browser.open(&stage.url(&[]).replace("127.0.0.1", "localhost")).await;
    assert_eq!(browser.heading().await, "Another address");
    inspect(&mut browser, "another-address").await;

    browser.open(&stage.url(&[])).await;
    stage.kinde.advance(std::time::Duration::from_secs(3_600));
    browser.press_on("button[value=deny]").await;
    assert_eq!(browser.heading().await, "Link expired");
    inspect(&mut browser, "link-expired").await;
}

#[tokio::test]
async fn success_page_and_form_lead_back_to_the_application() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    browser.open(&stage.url(&[("response_mode", "form_post"), ("prompt", "login")])).await;
    browser.press_on(&format!("button[value=\"{}\"]", stage.kinde.person("alice").id())).await;
    inspect(&mut browser, "form-post").await;
    browser.press_on("[data-kinde-button-variant=primary]").await;
    assert_eq!(browser.location().await, stage.callback);

    browser.open(&stage.url(&[("has_success_page", "true")])).await;
    assert_eq!(browser.heading().await, "You are signed in");
    browser.evaluate("window.isOld = true").await;
    browser.arrived().await;
    assert!(parameter(&browser.location().await, "code").is_some());
}

#[tokio::test]
async fn portal_opens_once_and_leads_back_to_the_application() {
    let Some(mut browser) = Chromium::start().await else { return };
    let stage = stage(&[]).await;
    stage.kinde.org("acme").subscribe("fleet");
    let token = stage.kinde.person("alice").in_org("acme").access_token();
    let client = Client::builder().no_proxy().build().unwrap();
    let mut url = reqwest::Url::parse(&format!("{}/account_api/v1/portal_link", stage.kinde.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("subnav", "organization_plan_details")
        .append_pair("return_url", &stage.callback);
    let answer: Value = client.get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    let link = answer["url"].as_str().unwrap();

    browser.open(link).await;
    assert_eq!(browser.heading().await, "Organization plan");
    let text = browser.evaluate("document.querySelector('main').innerText").await;
    for fact in ["Alice Example", "Acme <script>alert(1)</script>", "Fleet"] {
        assert!(text.as_str().unwrap().contains(fact), "{fact}: {text}");
    }
    inspect(&mut browser, "portal").await;
    browser.press_on("main a").await;
    assert_eq!(browser.location().await, stage.callback);

    browser.open(link).await;
    assert_eq!(browser.heading().await, "The portal does not open");
    inspect(&mut browser, "portal-again").await;
}
