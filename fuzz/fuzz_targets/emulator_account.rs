//! Anything that somebody who is signed in asks the Account API and the portal for: an answer, and never a panic.
#![no_main]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use kinde_fuzz::SIGNED_IN;
use libfuzzer_sys::fuzz_target;

/// Where something is read from what arrives: the first byte of the input chooses.
const TARGETS: [&str; 8] = [
    "permissions?",
    "permission/",
    "feature_flags?page_size=",
    "entitlements?starting_after=",
    "entitlement/",
    "entitlement?key=",
    "portal_link?subnav=profile&return_url=",
    "portal_link?sub_nav=",
];

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let target = TARGETS[usize::from(*first) % TARGETS.len()];
    let text: String =
        rest.iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect();
    let answer = asked(&format!("/account_api/v1/{target}{text}"));
    assert!(answer.starts_with("HTTP/1.1 "), "no answer to {target}: a task of the server panicked");
    assert!(!answer.starts_with("HTTP/1.1 500"), "{target} failed: {answer}");
    assert!(!answer.starts_with("HTTP/1.1 403"), "{target} took the token for another's: {answer}");
    // Whatever a link was made for is shown on its page, as text.
    if let Some((_, link)) = answer.split_once("/portal_redirect?key=") {
        let key: String = link.chars().take_while(char::is_ascii_hexdigit).collect();
        let page = asked(&format!("/portal_redirect?key={key}"));
        assert!(page.starts_with("HTTP/1.1 200"), "the link does not open: {page}");
        assert!(!page.contains("<script") && !page.contains("javascript:"), "markup from outside: {page}");
    }
});

fn asked(path: &str) -> String {
    let (address, token) = &*SIGNED_IN;
    let mut stream = TcpStream::connect(address).expect("the emulator listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
