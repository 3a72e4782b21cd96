//! The claims of a webhook: an event signed with the same keys, and nothing that a token has.

use std::time::Duration;

use serde_json::Value;

use crate::{calendar::date_time, claims::Claims};

/// How an event says when it happened; Kinde has written it in two ways.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use kinde_emulator::{Environment, WebhookStyle};
///
/// let kinde = Environment::builder().with_webhook_style(WebhookStyle::Docs2026).start().await;
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookStyle {
    /// `timestamp` with microseconds and Sydney's offset, as in live webhooks of 2024:
    /// `2024-05-01T17:41:45.592145+10:00`.
    #[default]
    Live2024,
    /// `timestamp` in UTC with milliseconds, and the same again in `event_timestamp`, as in the documentation of
    /// 2026: `2026-09-20T22:13:20.000Z`.
    Docs2026,
}

/// What stands around an event's data.
pub(crate) struct Envelope<'a> {
    pub(crate) event_type: &'a str,
    pub(crate) event_id: &'a str,
    pub(crate) source: &'a str,
    /// Since the Unix epoch.
    pub(crate) happened_at: Duration,
    pub(crate) ip_address: Option<&'a str>,
    pub(crate) style: WebhookStyle,
}

impl Envelope<'_> {
    /// Writes an event's claims set; no `iss`, `aud`, `sub`, `exp`, `iat`, `nbf` or `jti`, as at Kinde.
    pub(crate) fn claims(&self, data: Value) -> Claims {
        let mut claims = Claims::default();
        claims.set("data", data);
        claims.set("event_id", self.event_id);
        claims.set("source", self.source);
        claims.set("type", self.event_type);
        claims.set_some("ip_address", self.ip_address);
        let written = self.style.write(self.happened_at);
        if self.style == WebhookStyle::Docs2026 {
            claims.set("event_timestamp", written.as_str());
        }
        claims.set("timestamp", written);
        claims
    }
}

impl WebhookStyle {
    /// Returns the least by which two times differ when written.
    pub(crate) fn resolution(self) -> Duration {
        match self {
            Self::Live2024 => Duration::from_micros(1),
            Self::Docs2026 => Duration::from_millis(1),
        }
    }

    /// Writes a time as RFC 3339.
    pub(crate) fn write(self, since_epoch: Duration) -> String {
        match self {
            Self::Live2024 => {
                let local = date_time(since_epoch.as_secs().saturating_add(SYDNEY_SECONDS));
                format!("{local}.{:06}+10:00", since_epoch.subsec_micros())
            }
            Self::Docs2026 => {
                format!("{}.{:03}Z", date_time(since_epoch.as_secs()), since_epoch.subsec_millis())
            }
        }
    }
}

/// Ten hours; the live webhooks known fall outside daylight saving time, so the offset is the same all year here.
const SYDNEY_SECONDS: u64 = 36_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn envelope(style: WebhookStyle) -> Envelope<'static> {
        Envelope {
            event_type: "user.created",
            event_id: "event_1",
            source: "api",
            happened_at: Duration::from_micros(1_790_000_000_000_417),
            ip_address: None,
            style,
        }
    }

    #[test]
    fn event_has_an_envelope_and_no_registered_claim() {
        let live = envelope(WebhookStyle::Live2024).claims(json!({}));
        assert_eq!(live.names(), BTreeSet::from(["data", "event_id", "source", "timestamp", "type"]));
        assert_eq!(live.get("timestamp"), Some(&json!("2026-09-22T00:13:20.000417+10:00")));
    }

    #[test]
    fn documented_style_says_the_time_twice_in_utc() {
        let documented = envelope(WebhookStyle::Docs2026).claims(json!({}));
        assert_eq!(documented.get("timestamp"), Some(&json!("2026-09-21T14:13:20.000Z")));
        assert_eq!(documented.get("event_timestamp"), documented.get("timestamp"));
    }

    #[test]
    fn address_stands_beside_the_data() {
        let claims = Envelope { ip_address: Some("127.0.0.1"), ..envelope(WebhookStyle::Live2024) };
        assert_eq!(claims.claims(json!({})).get("ip_address"), Some(&json!("127.0.0.1")));
    }
}
