//! The application in a real Chromium, used by keyboard and without a script.
//!
//! `KINDE_TEST_CHROMIUM` names the program; without it, `chromium` on `PATH` is used. Where there is none, these tests
//! print that they did not run. Pictures of the pages are kept in `tmp/web-login-pages` of the build folder.

#[path = "../../../../kinde-emulator/tests/browser/accessibility.rs"]
#[expect(dead_code, reason = "shared with the emulator's tests, whose pages have a structure of their own")]
mod accessibility;
#[path = "../../../../kinde-emulator/tests/browser/chromium.rs"]
mod chromium;
mod site;
mod tabs;

use std::path::Path;

use accessibility::look;
use chromium::Chromium;
use site::Site;

/// Where pictures are kept, in `tmp` of the build folder.
const PICTURES: &str = "web-login-pages";

async fn text(browser: &mut Chromium, selector: &str) -> String {
    let script = format!("document.querySelector({selector:?})?.innerText ?? ''");
    browser.evaluate(&script).await.as_str().unwrap().to_owned()
}

/// The picture in the README is of this page as it is now, or of one of its size: `./check web-login-picture` takes it.
/// Letters are drawn differently from machine to machine, so that the bytes are not compared.
fn readme_shows(name: &str) {
    // PNG (ISO/IEC 15948) §11.2.2: width and height stand first in the first chunk.
    let size = |path: &Path| {
        let picture = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(picture.starts_with(b"\x89PNG"), "{}", path.display());
        picture[16..24].to_vec()
    };
    let taken = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PICTURES).join(format!("{name}.png"));
    let shown = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images/web-login.png");
    assert_eq!(size(&shown), size(&taken), "the page has another size: run ./check web-login-picture");
}

async fn size(browser: &mut Chromium, width: u32, height: u32) {
    let size =
        serde_json::json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", size).await;
}

#[tokio::test]
async fn person_signs_in_by_tile_sees_what_is_theirs_and_is_asked_again_after_signing_out() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    size(&mut browser, 1040, 640).await;
    browser.open(&site.url).await;
    look(&mut browser, "home").await;
    site.sign_in(&mut browser, "alice").await;
    look(&mut browser, "dashboard").await;
    readme_shows("dashboard-light");
    let page = text(&mut browser, "main").await;
    for fact in ["Alice Example", "alice@example.test", "This week at a glance"] {
        assert!(page.contains(fact), "{fact}: {page}");
    }
    size(&mut browser, 360, 640).await;
    look(&mut browser, "dashboard-narrow").await;
    let width = browser.evaluate("document.documentElement.scrollWidth").await;
    assert_eq!(width, 360, "a narrow window needs no scrolling to the side");

    browser.press_on("nav button").await;
    assert_eq!(browser.heading().await, "Plan the week together");
    assert_eq!(site.emulator.requests("/oauth2/revoke"), 1);
    browser.press_on("main a[href*='/login']").await;
    assert_eq!(browser.heading().await, "Sign in", "Kinde asks who it is");
}

#[tokio::test]
async fn newcomer_registers_and_has_no_organization_yet() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    browser.open(&site.url).await;
    browser.press_on("main a[href*='/register']").await;
    assert_eq!(browser.heading().await, "Create an account");
    for (field, text) in [("p_first_name", "Grace"), ("p_email", "grace@example.test")] {
        browser.tab_to(&format!("#{field}")).await;
        browser.type_text(text).await;
    }
    for field in ["p_first_password", "p_second_password"] {
        browser.tab_to(&format!("#{field}")).await;
        browser.type_text("swordfish").await;
    }
    browser.press_on("[data-kinde-button-variant=primary]").await;
    assert_eq!(browser.location().await, site.at("/dashboard"));
    let page = text(&mut browser, "main").await;
    assert!(page.contains("grace@example.test"), "{page}");
    assert!(!page.contains("This week at a glance"), "the flag is off for her: {page}");
    look(&mut browser, "dashboard-newcomer").await;
}

#[tokio::test]
async fn member_switches_organization_and_creates_one() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    site.sign_in(&mut browser, "alice").await;
    assert_eq!(text(&mut browser, ".organizations li:has(.badge) span").await, "Acme");
    browser.open(&site.at("/todos")).await;
    assert_eq!(browser.heading().await, "To-dos");
    look(&mut browser, "todos").await;

    browser.open(&site.at("/dashboard")).await;
    browser.press_on(".organizations a[href*='/switch_org']").await;
    assert_eq!(browser.location().await, site.at("/dashboard"), "without a page of Kinde's");
    assert_eq!(text(&mut browser, ".organizations li:has(.badge) span").await, "Globex");
    browser.open(&site.at("/todos")).await;
    assert_eq!(browser.heading().await, "Not for you yet", "the right belongs to the other organization");

    browser.open(&site.at("/dashboard")).await;
    browser.tab_to("#org_name").await;
    browser.type_text("Voss Freight & Söhne").await;
    browser.press_on("main form button").await;
    if browser.location().await.starts_with(site.emulator.url()) {
        browser.press_on(&site.tile("alice")).await;
    }
    assert_eq!(browser.location().await, site.at("/dashboard"));
    assert_eq!(text(&mut browser, ".organizations li:has(.badge) span").await, "Voss Freight & Söhne");
}

#[tokio::test]
async fn person_without_the_right_is_told_so_and_not_sent_to_sign_in() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    site.sign_in(&mut browser, "bob").await;
    let starts = site.asked("/api/auth/login").len();
    browser.open(&site.at("/todos")).await;
    assert_eq!(browser.location().await, site.at("/todos"));
    assert_eq!(site.asked("/todos")[0].status, 403);
    assert_eq!(site.asked("/api/auth/login").len(), starts, "a missing right is no reason to sign in");
    assert!(text(&mut browser, "[role=alert]").await.contains("create:todos"));
    look(&mut browser, "not-allowed").await;
}

#[tokio::test]
async fn link_to_a_page_leads_there_after_signing_in() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    browser.open(&site.at("/todos?view=week")).await;
    assert_eq!(browser.heading().await, "Sign in");
    browser.press_on(&site.tile("alice")).await;
    assert_eq!(browser.location().await, site.at("/todos?view=week"));
}

#[tokio::test]
async fn person_who_cancels_is_told_and_can_start_again() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start().await;
    browser.open(&site.at("/dashboard")).await;
    browser.press_on("button[value=deny]").await;
    assert_eq!(browser.heading().await, "You were not signed in");
    assert_eq!(site.asked("/api/auth/kinde_callback")[0].status, 403);
    look(&mut browser, "cancelled").await;
    browser.press_on("a.primary").await;
    browser.press_on(&site.tile("alice")).await;
    assert_eq!(text(&mut browser, ".who").await, "Alice Example");
}
