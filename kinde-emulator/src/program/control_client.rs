//! One request to the control API of a running emulator.

use std::{
    error::Error,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// Has a running emulator do something, and returns what it answers.
pub(crate) fn post(url: &str, operation: &str, details: &Value) -> Result<Value, Box<dyn Error>> {
    let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let Some(authority) = authority.filter(|rest| !rest.contains('/')) else {
        return Err(format!("{url} is not like http://127.0.0.1:4100, where an emulator listens").into());
    };
    let body = details.to_string();
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    let request = format!(
        "POST /_emulator/{operation} HTTP/1.0\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len(),
    );
    let answer = ask(authority, &request).map_err(|error| {
        format!("no emulator answers at {url}: {error}\nStart one, or name it with --url.")
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    let answer: Value = serde_json::from_str(body)
        .map_err(|_| format!("{url} answers {status} and nothing that an emulator's control API says"))?;
    match answer.get("error").and_then(Value::as_str) {
        Some(reason) => Err(format!("the emulator refuses: {reason}").into()),
        None => Ok(answer),
    }
}

fn ask(authority: &str, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_LIMIT_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Generating a key takes a fifth of a second; this is far more.
const TIMEOUT: Duration = Duration::from_secs(10);

const ANSWER_LIMIT_BYTES: u64 = 1_024 * 1_024;
