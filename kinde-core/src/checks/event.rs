//! Is this claims set an event of our environment, and recent enough? The webhook's part of [`checks`](super).

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{AuthReason, Issuer, TokenKind, UntrustedText};

/// What a verifier of webhooks demands.
#[derive(Clone, Debug)]
pub(crate) struct EventRules {
    pub(crate) issuer: Issuer,
    pub(crate) audience: Option<Box<str>>,
    pub(crate) max_age: Duration,
    pub(crate) max_ahead: Duration,
}

/// The claims that every event has, taken out of the set and found good.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) kind: String,
    pub(crate) event_id: String,
    /// Since 1970.
    pub(crate) timestamp: Duration,
    /// Since 1970; what `event_timestamp` says, where it is there and can be read.
    pub(crate) happened_at: Duration,
    pub(crate) data: Map<String, Value>,
}

impl EventRules {
    /// Judges a claims set whose signature is verified, and takes the envelope out of it.
    pub(crate) fn judge(
        &self,
        claims: &mut Map<String, Value>,
        now: Duration,
    ) -> Result<Envelope, AuthReason> {
        refuse_other_kinds(claims)?;
        let kind = non_empty(claims, "type")?;
        let event_id = non_empty(claims, "event_id")?;
        let data = match claims.remove("data") {
            Some(Value::Object(data)) => data,
            Some(_) => return Err(AuthReason::ClaimType { claim: "data", expected: "an object" }),
            None => return Err(AuthReason::ClaimMissing { claim: "data" }),
        };
        let timestamp = self.check_timestamp(&non_empty(claims, "timestamp")?, now)?;
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        self.check_dates(claims, now)?;
        let event_timestamp = claims.get("event_timestamp").and_then(Value::as_str);
        let happened_at = event_timestamp.and_then(read_timestamp).unwrap_or(timestamp);
        Ok(Envelope { kind, event_id, timestamp, happened_at, data })
    }

    fn check_timestamp(&self, text: &str, now: Duration) -> Result<Duration, AuthReason> {
        let timestamp = read_timestamp(text)
            .ok_or(AuthReason::ClaimType { claim: "timestamp", expected: "an RFC 3339 time since 1970" })?;
        if timestamp.saturating_add(self.max_age) <= now {
            return Err(AuthReason::TooOld { issued_at: timestamp, now, max_age: self.max_age });
        }
        self.check_not_ahead("timestamp", timestamp, now)?;
        Ok(timestamp)
    }

    // Kinde's webhooks have none of the following; one that is there is honoured (requirement H4).
    fn check_issuer(&self, claims: &Map<String, Value>) -> Result<(), AuthReason> {
        match claims.get("iss") {
            None => Ok(()),
            Some(Value::String(found)) if found == self.issuer.as_str() => Ok(()),
            Some(Value::String(found)) => Err(AuthReason::IssuerMismatch {
                expected: self.issuer.clone(),
                found: UntrustedText::new(found),
            }),
            Some(_) => Err(AuthReason::ClaimType { claim: "iss", expected: "a string" }),
        }
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), AuthReason> {
        let malformed = AuthReason::ClaimType { claim: "aud", expected: "a string or a list of strings" };
        let found: Vec<&str> = match claims.get("aud") {
            None => Vec::new(),
            Some(Value::String(audience)) => vec![audience],
            Some(Value::Array(audiences)) => {
                audiences.iter().map(Value::as_str).collect::<Option<_>>().ok_or(malformed)?
            }
            Some(_) => return Err(malformed),
        };
        match &self.audience {
            // RFC 7519 §4.1.3: who does not identify itself with a value in it must refuse the token.
            _ if found.is_empty() => Ok(()),
            Some(expected) if found.contains(&expected.as_ref()) => Ok(()),
            expected => Err(AuthReason::AudienceMismatch {
                expected: UntrustedText::new(expected.as_deref().unwrap_or_default()),
                found: UntrustedText::new(&found.join(" ")),
            }),
        }
    }

    fn check_dates(&self, claims: &Map<String, Value>, now: Duration) -> Result<(), AuthReason> {
        if let Some(expires_at) = numeric_date(claims, "exp")?
            && expires_at <= now
        {
            return Err(AuthReason::Expired { expires_at, now, leeway: Duration::ZERO });
        }
        match numeric_date(claims, "nbf")? {
            Some(not_before) => self.check_not_ahead("nbf", not_before, now),
            None => Ok(()),
        }
    }

    fn check_not_ahead(&self, claim: &'static str, at: Duration, now: Duration) -> Result<(), AuthReason> {
        if at > now.saturating_add(self.max_ahead) {
            return Err(AuthReason::NotYetValid { claim, at, now, leeway: self.max_ahead });
        }
        Ok(())
    }
}

/// Another token of the same environment has the same header and key: its claims give it away, even `null` ones.
fn refuse_other_kinds(claims: &Map<String, Value>) -> Result<(), AuthReason> {
    for (claim, found) in [
        ("events", TokenKind::SecurityEvent),
        ("gty", TokenKind::Machine),
        ("at_hash", TokenKind::Id),
        ("auth_time", TokenKind::Id),
        ("nonce", TokenKind::Id),
        ("sub", TokenKind::User),
        ("azp", TokenKind::User),
        ("scp", TokenKind::User),
        ("scope", TokenKind::User),
    ] {
        if claims.contains_key(claim) {
            return Err(AuthReason::WrongKind { expected: TokenKind::Webhook, found });
        }
    }
    Ok(())
}

fn non_empty(claims: &mut Map<String, Value>, claim: &'static str) -> Result<String, AuthReason> {
    match claims.remove(claim) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(AuthReason::ClaimType { claim, expected: "a non-empty string" }),
        None => Err(AuthReason::ClaimMissing { claim }),
    }
}

fn numeric_date(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<Duration>, AuthReason> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.map(Some).ok_or(AuthReason::ClaimType { claim, expected: "a non-negative number of seconds" })
}

/// Reads an RFC 3339 time with any offset and precision; `None` for anything else and for a time before 1970.
fn read_timestamp(text: &str) -> Option<Duration> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    Duration::try_from(timestamp.as_duration()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_790_000_000;
    const DAY: u64 = 24 * 60 * 60;

    fn rules() -> EventRules {
        EventRules {
            issuer: Issuer::new("https://acme.kinde.com").unwrap(),
            audience: None,
            max_age: Duration::from_secs(2 * DAY),
            max_ahead: Duration::from_secs(300),
        }
    }

    fn event() -> Value {
        json!({"type": "user.created", "event_id": "event_1", "timestamp": "2026-09-21T14:13:20Z", "data": {}})
    }

    fn judged(changed: &[(&str, Value)]) -> Result<Duration, &'static str> {
        let Value::Object(mut claims) = event() else { panic!("an object") };
        for (name, value) in changed {
            claims.insert((*name).to_owned(), value.clone());
        }
        let judged = rules().judge(&mut claims, Duration::from_secs(NOW));
        judged.map(|envelope| envelope.timestamp).map_err(|reason| AuthReason::code(&reason))
    }

    /// covers: H4
    #[test]
    fn envelope_is_complete_or_refused() {
        assert_eq!(judged(&[]), Ok(Duration::from_secs(NOW)));
        for name in ["type", "event_id", "timestamp", "data"] {
            let Value::Object(mut claims) = event() else { panic!("an object") };
            claims.remove(name);
            let refused = rules().judge(&mut claims, Duration::from_secs(NOW)).unwrap_err();
            assert_eq!(refused, AuthReason::ClaimMissing { claim: name });
            for value in [json!(null), json!(1), json!(["a"]), json!("")] {
                assert_eq!(judged(&[(name, value.clone())]), Err("claim_type"), "{name} {value}");
            }
        }
    }

    /// covers: H4
    #[test]
    fn timestamp_is_read_with_any_offset_and_precision() {
        for text in [
            "2026-09-21T14:13:20Z",
            "2026-09-22T00:13:20+10:00",
            "2026-09-21T05:43:20-08:30",
            "2026-09-21T14:13:20.000000000Z",
            "2026-09-21t14:13:20z",
        ] {
            assert_eq!(judged(&[("timestamp", json!(text))]), Ok(Duration::from_secs(NOW)), "{text}");
        }
        let precise = judged(&[("timestamp", json!("2026-09-22T00:13:20.592145+10:00"))]);
        assert_eq!(precise, Ok(Duration::from_micros(NOW * 1_000_000 + 592_145)));
        for text in ["yesterday", "2026-09-21", "2026-09-21T14:13:20", "1790000000", "1969-12-31T23:59:59Z"] {
            assert_eq!(judged(&[("timestamp", json!(text))]), Err("claim_type"), "{text}");
        }
    }

    /// covers: H6
    #[test]
    fn event_is_accepted_inside_the_window_only() {
        for (text, expected) in [
            ("2026-09-19T14:13:20Z", Err("token_too_old")),
            ("2026-09-19T14:13:20.000001Z", Ok(())),
            ("2026-09-21T14:18:20Z", Ok(())),
            ("2026-09-21T14:18:20.000001Z", Err("token_not_yet_valid")),
        ] {
            assert_eq!(judged(&[("timestamp", json!(text))]).map(drop), expected, "{text}");
        }
    }

    /// covers: H5
    #[test]
    fn claim_of_another_kind_of_token_refuses_the_event() {
        for name in ["sub", "azp", "scp", "scope", "gty", "nonce", "at_hash", "auth_time", "events"] {
            for value in [json!(null), json!(""), json!([]), json!("x")] {
                assert_eq!(judged(&[(name, value.clone())]), Err("wrong_token_kind"), "{name} {value}");
            }
        }
    }

    /// covers: H4
    #[test]
    fn protocol_claims_are_honoured_where_they_are_present() {
        for (name, value, expected) in [
            ("iss", json!("https://acme.kinde.com"), Ok(())),
            ("iss", json!("https://acme.kinde.com/"), Err("issuer_mismatch")),
            ("iss", json!(null), Err("claim_type")),
            ("aud", json!([]), Ok(())),
            ("aud", json!("https://other.example"), Err("audience_mismatch")),
            ("aud", json!([1]), Err("claim_type")),
            ("exp", json!(NOW + 1), Ok(())),
            ("exp", json!(NOW), Err("token_expired")),
            ("exp", json!("soon"), Err("claim_type")),
            ("nbf", json!(NOW + 300), Ok(())),
            ("nbf", json!(NOW + 301), Err("token_not_yet_valid")),
            ("nbf", json!(-1), Err("claim_type")),
        ] {
            assert_eq!(judged(&[(name, value.clone())]).map(drop), expected, "{name} {value}");
        }
    }
}
