//! What a session is made of, and how it is written into few bytes.

use std::{fmt, time::Duration};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kinde_core::Secret;
use serde::{Deserialize, Serialize};

use super::user::SessionUser;
use crate::random::Randomness;

/// The name of a session, or the name under which a store keeps it: 128 bits.
///
/// A session's own name is random, stands in the browser's cookie and is never shown. A store is given its digest, so that
/// nobody who reads the store can make the cookie of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId([u8; ID_LEN]);

impl SessionId {
    pub(crate) fn new(randomness: &dyn Randomness) -> Self {
        let mut id = [0; ID_LEN];
        randomness.fill(&mut id);
        Self(id)
    }

    /// Makes an id of bytes, to try a store of one's own.
    pub fn from_bytes(bytes: [u8; ID_LEN]) -> Self {
        Self(bytes)
    }

    /// Reads an id as it stands in a cookie.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// Gives the id under which a store keeps the session: the first half of the SHA-256 of its name.
    pub(crate) fn key(self) -> Self {
        let digest = digest::digest(&digest::SHA256, &self.0);
        let mut key = [0; ID_LEN];
        key.iter_mut().zip(digest.as_ref()).for_each(|(byte, digested)| *byte = *digested);
        Self(key)
    }

    /// Gives its bytes. A store uses those of the id that it is given as its key; they open nothing, but they are the same
    /// for one session from its beginning to its end.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Writes it as text of 22 letters, digits, `-` and `_`, for a store whose keys are text.
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionId([redacted])")
    }
}

/// A session: who, with which tokens, since when.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user: SessionUser,
    /// Verified when the session was made or refreshed, and again with every request by the layer for bearer tokens.
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) facts: Facts,
}

/// What has to be known about a session beside its tokens. Times are whole seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    #[serde(rename = "c")]
    pub(crate) created_at: u64,
    /// When the session was last written; what idle time is counted from.
    #[serde(rename = "s")]
    pub(crate) seen_at: u64,
    #[serde(rename = "x")]
    pub(crate) access_expires_at: u64,
    /// How often the session was refreshed: the greater of two is the newer.
    #[serde(rename = "r", default)]
    pub(crate) generation: u64,
    /// Whether the browser keeps it when it is closed (`ksp.persistent`).
    #[serde(rename = "p")]
    pub(crate) is_persistent: bool,
    /// The nonce of the sign-in, which a later ID token may repeat.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth_time: Option<u64>,
    /// The organization that the session was begun in.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) org_code: Option<String>,
    /// Who began to refresh it and when, so that others wait for the outcome: a refresh token is sent once.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<(u64, u64)>,
}

impl Session {
    /// Tells whether idle or absolute lifetime are over.
    pub(crate) fn is_over(&self, now: Duration, idle: Duration, absolute: Duration) -> bool {
        let now = now.as_secs();
        let is_idle = now >= self.facts.seen_at.saturating_add(idle.as_secs());
        is_idle || now >= self.ends_at(absolute)
    }

    /// Tells whether the access token is over at a time.
    pub(crate) fn is_expired(&self, now: Duration) -> bool {
        now.as_secs() >= self.facts.access_expires_at
    }

    /// Gives when it ends in any case.
    pub(crate) fn ends_at(&self, absolute: Duration) -> u64 {
        self.facts.created_at.saturating_add(absolute.as_secs())
    }

    /// Writes the session, without its id where the id stands elsewhere.
    pub(crate) fn write(&self) -> Vec<u8> {
        // Of text maps and numbers, so that writing cannot fail.
        let about = serde_json::to_vec(&(&self.facts, &self.user)).unwrap_or_default();
        let mut written = vec![FORMAT];
        written.extend_from_slice(self.id.as_bytes());
        push(&mut written, &about);
        push(&mut written, &packed(self.access_token.expose()));
        push(
            &mut written,
            self.refresh_token.as_ref().map_or(b"".as_slice(), |token| token.expose().as_bytes()),
        );
        written
    }

    /// Tells whether a later version wrote it, in a format that this one does not know.
    pub(crate) fn is_later(written: &[u8]) -> bool {
        written.first().is_some_and(|format| *format > FORMAT)
    }

    /// Reads what [`write`](Self::write) wrote, in this version or the one before.
    pub(crate) fn read(written: &[u8]) -> Option<Self> {
        let (&format, rest) = written.split_first()?;
        if !READ_FORMATS.contains(&format) {
            return None;
        }
        let (id, rest) = rest.split_at_checked(ID_LEN)?;
        let (about, rest) = take(rest)?;
        let (access_token, rest) = take(rest)?;
        let (refresh_token, rest) = take(rest)?;
        // What a later minor version adds comes after this.
        let _ = rest;
        let (facts, user) = serde_json::from_slice(about).ok()?;
        let refresh_token = std::str::from_utf8(refresh_token).ok()?;
        Some(Self {
            id: SessionId(id.try_into().ok()?),
            user,
            access_token: Secret::new(unpacked(access_token)?),
            refresh_token: (!refresh_token.is_empty()).then(|| Secret::new(refresh_token)),
            facts,
        })
    }

    /// Says what takes how many bytes, for somebody whose session does not fit.
    pub(crate) fn sizes(&self) -> String {
        let organizations = self.user.organizations.len();
        format!(
            "access token {} bytes, refresh token {} bytes, profile with {organizations} organizations {} bytes",
            self.access_token.expose().len(),
            self.refresh_token.as_ref().map_or(0, |token| token.expose().len()),
            serde_json::to_vec(&self.user).map_or(0, |user| user.len()),
        )
    }
}

/// Writes a JWT's three segments as the bytes they stand for: sealing writes base64 once, and once is enough.
fn packed(token: &str) -> Vec<u8> {
    let decoded: Option<Vec<_>> =
        token.split('.').map(|segment| URL_SAFE_NO_PAD.decode(segment).ok()).collect();
    if let Some(segments) = decoded.filter(|segments| segments.len() == 3) {
        let mut packed = vec![PACKED];
        segments.iter().for_each(|segment| push(&mut packed, segment));
        // Only what comes back byte for byte: the signature is over the text.
        if unpacked(&packed).as_deref() == Some(token) {
            return packed;
        }
    }
    let mut plain = vec![PLAIN];
    plain.extend_from_slice(token.as_bytes());
    plain
}

fn unpacked(packed: &[u8]) -> Option<String> {
    match packed.split_first()? {
        (&PLAIN, text) => String::from_utf8(text.to_vec()).ok(),
        (&PACKED, rest) => {
            let (header, rest) = take(rest)?;
            let (payload, rest) = take(rest)?;
            let (signature, _) = take(rest)?;
            let [header, payload, signature] =
                [header, payload, signature].map(|part| URL_SAFE_NO_PAD.encode(part));
            Some(format!("{header}.{payload}.{signature}"))
        }
        _ => None,
    }
}

fn push(written: &mut Vec<u8>, part: &[u8]) {
    // No part comes near: tokens are bounded at 16 KiB when they are read.
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    written.extend_from_slice(&length.to_be_bytes());
    written.extend_from_slice(part);
}

fn take(written: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = written.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

const ID_LEN: usize = 16;
/// The format that is written.
const FORMAT: u8 = 1;
/// The formats that are read: this one, and the one before so that a deployment can roll.
const READ_FORMATS: [u8; 1] = [FORMAT];
const PLAIN: u8 = 0;
const PACKED: u8 = 1;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{random::SystemRandomness, session::user::UserOrganization};

    pub(crate) fn session(access_token: &str) -> Session {
        Session {
            id: SessionId::new(&SystemRandomness),
            user: SessionUser {
                id: "kp_1".to_owned(),
                email: Some("mira+a@example.test".to_owned()),
                given_name: Some("Mira \"M\"".to_owned()),
                family_name: None,
                picture: None,
                phone_number: None,
                organizations: vec![UserOrganization {
                    code: "org_1".to_owned(),
                    name: Some("Vo\u{df}".to_owned()),
                }],
            },
            access_token: Secret::new(access_token),
            refresh_token: Some(Secret::new("refresh")),
            facts: Facts {
                created_at: 1_000,
                seen_at: 2_000,
                access_expires_at: 3_000,
                generation: 7,
                is_persistent: true,
                nonce: Some("n".to_owned()),
                auth_time: None,
                org_code: Some("org_1".to_owned()),
                claim: None,
            },
        }
    }

    #[test]
    fn session_is_read_as_it_was_written() {
        for token in ["eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA", "not.a.jwt!", "eyJh.b", "a.b.c.d", ""] {
            let before = session(token);
            let after = Session::read(&before.write()).unwrap();
            assert_eq!(after.access_token.expose(), token);
            assert_eq!(after.refresh_token.unwrap().expose(), "refresh");
            assert_eq!((after.id, after.user, after.facts), (before.id, before.user, before.facts));
        }
    }

    #[test]
    fn cut_or_unknown_text_is_no_session() {
        let written = session("a.b.c").write();
        for length in 0..written.len() {
            assert!(Session::read(&written[..length]).is_none(), "{length}");
        }
        let mut later = written;
        later[0] = FORMAT + 1;
        assert!(Session::read(&later).is_none() && Session::is_later(&later));
    }

    /// covers: G8
    #[test]
    fn session_is_over_when_idle_or_absolute_lifetime_is() {
        let session = session("");
        let (idle, absolute) = (Duration::from_secs(100), Duration::from_secs(1_050));
        let is_over = |seconds| session.is_over(Duration::from_secs(seconds), idle, absolute);
        assert!(!is_over(2_049));
        assert!(is_over(2_050), "1,050 s after it was made");
        let patient =
            |seconds| session.is_over(Duration::from_secs(seconds), idle, Duration::from_secs(9_000));
        assert!(!patient(2_099));
        assert!(patient(2_100), "100 s after it was seen");
    }

    /// covers: I1
    #[test]
    fn debug_of_a_session_shows_no_token() {
        let shown = format!("{:?}", session("very-secret"));
        assert!(!shown.contains("very-secret") && !shown.contains("refresh\""), "{shown}");
    }
}
