//! Prints requests to paste into a second terminal, each with the status to expect.

use std::io::IsTerminal;

use kinde_axum::Kinde;
use kinde_emulator::Environment;

/// Prints requests with tokens of two people, minted by the emulator.
pub fn print(url: &str, emulator: &Environment) {
    let acme = emulator.org("acme");
    let globex = emulator.org("globex");
    let alice = emulator.person("alice").in_org("acme").with("create:todos").with_flag("new_editor", true);
    let bob = emulator.person("bob").in_org("acme");
    let expired = bearer(&alice.clone().expired().access_token());
    let [alice, bob] = [alice, bob].map(|person| bearer(&person.access_token()));
    let [ours, theirs] = [acme, globex].map(|org| format!("/orgs/{}/reports", org.code()));

    println!("\nA Kinde emulator and an API run in this process:");
    println!("  issuer  {}\n  API     {url}", emulator.issuer());
    println!("\nAlice and Bob are members of acme. Paste these into a second terminal:");
    step(200, "the public route, without a token", &format!("{url}/"));
    step(401, "a protected route, without a token", &format!("{url}/me"));
    step(200, "a protected route, with Alice's token", &format!("{url}/me {alice}"));
    step(401, "a protected route, with a token that has expired", &format!("{url}/me {expired}"));
    step(403, "Bob lacks the permission create:todos", &format!("-X POST {url}/todos {bob}"));
    step(201, "Alice holds the permission create:todos", &format!("-X POST {url}/todos {alice}"));
    step(200, "the organization of Alice's token", &format!("{url}{ours} {alice}"));
    step(403, "another organization", &format!("{url}{theirs} {alice}"));
    step(200, "the feature flag new_editor is on for Alice", &format!("{url}/editor {alice}"));
    step(200, "Bob's token does not hold it, so its default counts", &format!("{url}/editor {bob}"));
    println!("\nWhy a request is refused is logged below. Ctrl-C stops.\n");
}

/// Prints requests to which a token of a real environment has to be added.
pub fn print_how_to_get_a_token(url: &str, kinde: &Kinde) {
    let settings = kinde.settings();
    let bound = match (settings.audiences(), settings.client_id()) {
        ([], Some(client_id)) => format!("issued to the application {client_id} (KINDE_CLIENT_ID)"),
        (audiences, _) => format!("for the audience {} (KINDE_AUDIENCE)", audiences.join(" or ")),
    };
    let token = r#"-H "Authorization: Bearer $TOKEN""#;

    println!("\nAn API runs in this process, protected by your Kinde environment:");
    println!("  issuer   {}\n  API      {url}\n  accepts  access tokens of people, {bound}", kinde.issuer());
    println!("\nTo get a token, sign in to your application and take its access token, not its ID token:");
    println!("  Next.js          accessTokenRaw at /api/auth/setup, or getAccessTokenRaw() on the server");
    println!("  any front end    the bearer token it sends, in the network tab of the developer tools");
    println!("Then paste these into a second terminal:\n\nTOKEN='…'");
    step(200, "the public route, without a token", &format!("{url}/"));
    step(401, "a protected route, without a token", &format!("{url}/me"));
    step(200, "a protected route, with your token", &format!("{url}/me {token}"));
    step(201, "or 403 without the permission create:todos", &format!("-X POST {url}/todos {token}"));
    step(200, "the feature flag new_editor, or its default", &format!("{url}/editor {token}"));
    println!("\nWhy a request is refused is logged below. Ctrl-C stops.\n");
}

/// Prints the status to expect, and below it a line that stands alone, ready to be copied.
fn step(status: u16, what: &str, request: &str) {
    if !std::io::stdout().is_terminal() {
        return println!("\n# {status}  {what}\ncurl -i {request}");
    }
    let colour = if status < 400 { GREEN } else { YELLOW };
    // A token is long, and nobody reads it.
    let request = request.replacen(" -H", &format!("{DIM} -H"), 1);
    println!("\n# {colour}{status}{PLAIN}  {what}\ncurl -i {request}{PLAIN}");
}

fn bearer(token: &str) -> String {
    format!("-H 'Authorization: Bearer {token}'")
}

const GREEN: &str = "\x1b[1;32m";
const YELLOW: &str = "\x1b[1;33m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";
