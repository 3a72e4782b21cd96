//! Anything that a stranger sends to a running emulator over HTTP: an answer, never a panic, never a token.
#![no_main]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use kinde_fuzz::EMULATOR;
use libfuzzer_sys::fuzz_target;

/// Where something is read from what arrives: the first byte of the input chooses.
const TARGETS: [&str; 14] = [
    "GET /oauth2/auth?",
    "GET /oauth2/auth?client_id=web&redirect_uri=http%3A%2F%2Flocalhost%2Fcb&response_type=code&",
    "POST /oauth2/token",
    "POST /oauth2/auth/sign_in",
    "POST /oauth2/revoke",
    "POST /oauth2/introspect",
    "POST /oauth2/device/auth",
    "POST /device",
    "GET /logout?",
    "GET /account_api/v1/permissions?",
    "POST /api/v1/user",
    "POST /_emulator/trigger",
    "POST /_emulator/sign_in",
    "GET /",
];

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let target = TARGETS[usize::from(*first) % TARGETS.len()];
    let request = if let Some(query) = target.strip_prefix("GET ") {
        let text: String =
            rest.iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect();
        format!("GET {query}{text} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").into_bytes()
    } else {
        let media = if target.contains("/_emulator/") || target.contains("/api/") {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        let mut request = format!(
            "{target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n",
            rest.len()
        )
        .into_bytes();
        request.extend_from_slice(rest);
        request
    };
    let answer = exchange(&request);
    assert!(answer.starts_with("HTTP/1.1 "), "no answer to {target}: a task of the server panicked");
    assert!(!answer.starts_with("HTTP/1.1 500"), "{target} failed: {answer}");
    assert!(!answer.contains("\"access_token\""), "a stranger got a token from {target}");
});

fn exchange(request: &[u8]) -> String {
    let mut stream = TcpStream::connect(EMULATOR.as_str()).expect("the emulator listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
