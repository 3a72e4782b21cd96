//! One HTTP/1.1 request to an endpoint on this computer.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time,
};

use crate::webhooks::endpoint::Target;

/// Posts a webhook and returns the status of the answer, if one arrives in time. Redirects are answers like any other.
///
/// A connection of its own for every request: nothing is known about Kinde's, and a receiver must not depend on it.
pub(crate) async fn post(
    target: &Target,
    webhook_id: &str,
    token: &str,
    timeout: Duration,
) -> Result<u16, NoAnswer> {
    let request = request(target, webhook_id, token);
    let asked = time::timeout(timeout, ask(target, &request)).await;
    let (mut answer, head) = asked.map_err(|_| NoAnswer::InTime)?.map_err(NoAnswer::Because)?;
    // The status counts, whatever becomes of the body; a body that never ends must not hold the delivery up.
    let _ = time::timeout(DRAIN_TIME, answer.drain(&head)).await;
    Ok(head.status)
}

/// Why there is no status.
pub(crate) enum NoAnswer {
    InTime,
    Because(io::Error),
}

async fn ask(target: &Target, request: &str) -> io::Result<(Answer, Head)> {
    let mut stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Answer { stream, received: Vec::new() };
    loop {
        let head = answer.head().await?;
        // RFC 9110 §15.2: an interim answer comes before the final one.
        if !(100..200).contains(&head.status) {
            return Ok((answer, head));
        }
    }
}

fn request(target: &Target, webhook_id: &str, token: &str) -> String {
    format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/jwt\r\nwebhook-id: {webhook_id}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{token}",
        target.path_and_query,
        target.authority,
        token.len(),
    )
}

struct Answer {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Answer {
    /// Takes the next head out of what arrives.
    async fn head(&mut self) -> io::Result<Head> {
        loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.received.drain(..end.saturating_add(4)).collect();
                return Head::read(&head).ok_or_else(|| io::ErrorKind::InvalidData.into());
            }
            if self.received.len() > HEAD_LIMIT_BYTES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.more().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads the body and forgets it, so that the receiver can send its whole answer.
    async fn drain(&mut self, head: &Head) {
        let mut left = head.content_length.unwrap_or(BODY_LIMIT_BYTES).min(BODY_LIMIT_BYTES);
        loop {
            left = left.saturating_sub(self.received.len());
            self.received.clear();
            if left == 0 || !matches!(self.more().await, Ok(1..)) {
                return;
            }
        }
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.received).await
    }
}

struct Head {
    status: u16,
    content_length: Option<usize>,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        // RFC 9112 §4: version, space, three digits.
        let status_line = lines.next()?.strip_prefix("HTTP/1.")?;
        let status: u16 = status_line.split(' ').nth(1)?.parse().ok()?;
        let length = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
        });
        let has_body = !matches!(status, 204 | 304);
        Some(Self { status, content_length: if has_body { length } else { Some(0) } })
    }
}

/// How much of an answer's head is read.
const HEAD_LIMIT_BYTES: usize = 64 * 1_024;

/// How long a body is waited for.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// How much of an answer's body is read.
const BODY_LIMIT_BYTES: usize = 64 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_has_the_headers_of_a_webhook_and_the_bare_token() {
        let target = Target::read("http://127.0.0.1:3000/hooks/kinde").unwrap();
        let written = request(&target, "0001", "a.b.c");
        let expected = "POST /hooks/kinde HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nContent-Type: application/jwt\r\n\
                        webhook-id: 0001\r\nContent-Length: 5\r\nConnection: close\r\n\r\na.b.c";
        assert_eq!(written, expected);
    }

    #[test]
    fn head_is_read_whatever_its_phrase_and_the_case_of_its_names() {
        let head = Head::read(b"HTTP/1.1 200 OK\r\nCONTENT-length: 12\r\n\r\n").unwrap();
        assert_eq!((head.status, head.content_length), (200, Some(12)));
        let head = Head::read(b"HTTP/1.0 503 \r\n\r\n").unwrap();
        assert_eq!((head.status, head.content_length), (503, None));
        assert_eq!(Head::read(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().content_length, Some(0));
        for bytes in [&b"\r\n\r\n"[..], b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"SSH-2.0-x\r\n\r\n"] {
            assert!(Head::read(bytes).is_none());
        }
    }
}
