//! Identifiers in Kinde's shapes: the same name always gives the same one, or each call gives a fresh one.

use std::time::Duration;

use aws_lc_rs::digest;

use crate::random;

/// Returns a person's id (`kp_` and 32 hexadecimal digits) for a name.
pub(crate) fn person_id(name: &str) -> String {
    format!("kp_{}", stable_hex("person", name, 32))
}

/// Returns an org code (`org_` and 11 hexadecimal digits) for a handle.
pub(crate) fn org_code(handle: &str) -> String {
    format!("org_{}", stable_hex("organization", handle, 11))
}

/// Returns a client id (32 hexadecimal digits) for an application's name.
pub(crate) fn client_id(application: &str) -> String {
    stable_hex("application", application, 32)
}

/// Returns a client secret (52 letters and digits) for an application's name.
///
/// The TypeScript SDK refuses any secret that does not match `^[a-zA-Z0-9]{40,60}$` before it sends a request.
pub(crate) fn client_secret(application: &str) -> String {
    stable_hex("client secret", application, 52)
}

/// Returns a role's id, shaped as a UUID, for its key.
pub(crate) fn role_id(key: &str) -> String {
    uuid_shaped(&stable_hex("role", key, 32))
}

/// Returns a permission's id, shaped as a UUID, for its key.
pub(crate) fn permission_id(key: &str) -> String {
    uuid_shaped(&stable_hex("permission", key, 32))
}

/// Returns a feature flag's id (`flag_` and 32 hexadecimal digits) for its key.
pub(crate) fn flag_id(key: &str) -> String {
    format!("flag_{}", stable_hex("feature flag", key, 32))
}

/// Returns a property's id (`prop_` and 32 hexadecimal digits) for its key.
pub(crate) fn property_id(key: &str) -> String {
    format!("prop_{}", stable_hex("property", key, 32))
}

/// Returns the id of a plan's entitlement to a feature (`entitlement_` and 32 hexadecimal digits).
pub(crate) fn entitlement_id(plan: &str, feature: &str) -> String {
    format!("entitlement_{}", stable_hex("entitlement", &format!("{plan} {feature}"), 32))
}

/// Writes an id shaped as a UUID as Kinde's APIs do, where tokens and webhooks have the UUID itself: `role_` and its
/// 32 hexadecimal digits.
pub(crate) fn prefixed(prefix: &str, id: &str) -> String {
    format!("{prefix}_{}", id.replace('-', ""))
}

/// Returns an API's id (32 hexadecimal digits) for its audience.
pub(crate) fn api_id(audience: &str) -> String {
    stable_hex("api", audience, 32)
}

/// Returns the id of a scope of an API (`api_scope_` and 32 hexadecimal digits).
pub(crate) fn api_scope_id(audience: &str, key: &str) -> String {
    format!("api_scope_{}", stable_hex("api scope", &format!("{audience} {key}"), 32))
}

/// Returns the id of a person's identity (`identity_` and 32 hexadecimal digits).
pub(crate) fn identity_id(person_id: &str, kind: &str, value: &str) -> String {
    format!("identity_{}", stable_hex("identity", &format!("{person_id} {kind} {value}"), 32))
}

/// Returns a session's id (`session_` and 32 hexadecimal digits), which does not give its cookie away.
pub(crate) fn session_id(cookie: &str) -> String {
    format!("session_{}", stable_hex("session", cookie, 32))
}

/// Returns an event type's id (`event_type_` and 32 hexadecimal digits).
pub(crate) fn event_type_id(event_type: &str) -> String {
    format!("event_type_{}", stable_hex("event type", event_type, 32))
}

/// Returns the id that a billing customer has (`customer_` and 32 hexadecimal digits) for a person or an organization.
pub(crate) fn customer_id(owner: &str) -> String {
    format!("customer_{}", stable_hex("customer", owner, 32))
}

/// Returns a subscriber's id (`subscriber_` and 32 hexadecimal digits) for an e-mail address.
pub(crate) fn subscriber_id(email: &str) -> String {
    format!("subscriber_{}", stable_hex("subscriber", email, 32))
}

/// Returns the id of a category of properties (`category_` and 32 hexadecimal digits).
pub(crate) fn category_id(context: &str, name: &str) -> String {
    format!("category_{}", stable_hex("category", &format!("{context} {name}"), 32))
}

/// Returns the id of the API key that was made in this place (`api_key_` and 32 hexadecimal digits).
pub(crate) fn api_key_id(place: usize) -> String {
    format!("api_key_{}", stable_hex("api key", &place.to_string(), 32))
}

/// Returns a fresh identifier shaped as a UUID, for `jti`.
pub(crate) fn token_id() -> String {
    uuid_shaped(&random_hex(16))
}

/// Returns a fresh webhook event id: `event_` and 32 hexadecimal digits, the first 12 of which are milliseconds since
/// the Unix epoch, 45 to 130 after the event as in the live ones known.
pub(crate) fn event_id(happened_at: Duration) -> String {
    let late = random_bytes(1).first().copied().unwrap_or_default() % 86;
    let milliseconds = happened_at.as_millis().saturating_add(45).saturating_add(late.into());
    format!("event_{milliseconds:012x}{}", random_hex(10))
}

/// Returns the id of the webhook endpoint that was added in this place (`webhook_` and 32 hexadecimal digits).
pub(crate) fn webhook_id(endpoint: &str, place: usize) -> String {
    format!("webhook_{}", stable_hex("webhook", &format!("{place} {endpoint}"), 32))
}

/// Returns the header `webhook-id`: one for each pair of endpoint and event. Its form at Kinde is not known.
pub(crate) fn delivery_id(endpoint_id: &str, event_id: &str) -> String {
    uuid_shaped(&stable_hex("delivery", &format!("{endpoint_id} {event_id}"), 32))
}

/// Returns a fresh unguessable value of `bytes` random bytes in hexadecimal: codes, refresh tokens, sessions.
pub(crate) fn random_hex(bytes: usize) -> String {
    hex(&random_bytes(bytes))
}

/// Returns a fresh code that somebody types from one screen to another: eight capital letters.
pub(crate) fn user_code() -> String {
    // RFC 8628 §6.1: consonants alone spell no words, and few of them look alike.
    let letters = random_bytes(8).into_iter().map(|byte| usize::from(byte) % USER_CODE_LETTERS.len());
    letters.filter_map(|letter| USER_CODE_LETTERS.get(letter)).map(|letter| char::from(*letter)).collect()
}

/// Returns a fresh invitation code.
pub(crate) fn invitation_code() -> String {
    format!("inv_{}", random_hex(16))
}

/// Returns a fresh key ID: 16 random bytes as lower-case hexadecimal pairs between colons.
pub(crate) fn key_id() -> String {
    random_bytes(16).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// Writes a handle as a display name: `voss-freight` becomes `Voss Freight`.
pub(crate) fn display_name(handle: &str) -> String {
    handle
        .split(['-', '_', '.', ' '])
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect::<Vec<_>>()
        .join(" ")
}

const USER_CODE_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

fn stable_hex(kind: &str, name: &str, digits: usize) -> String {
    let digest = digest::digest(&digest::SHA256, format!("kinde-emulator {kind} {name}").as_bytes());
    hex(digest.as_ref()).chars().take(digits).collect()
}

fn random_bytes(count: usize) -> Vec<u8> {
    random::bytes(count)
}

fn uuid_shaped(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-9{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_name_gives_the_same_identifier() {
        assert_eq!(person_id("alice"), person_id("alice"));
        assert_ne!(person_id("alice"), person_id("bob"));
        assert_eq!(person_id("alice").len(), 35);
        assert_eq!(client_id("web").len(), 32);
        assert_eq!(org_code("acme").len(), 15);
    }

    #[test]
    fn client_secret_passes_the_typescript_sdk_pattern() {
        let secret = client_secret("web");
        assert!((40..=60).contains(&secret.len()));
        assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn token_id_has_the_shape_of_a_uuid() {
        let id = token_id();
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_ne!(id, token_id());
    }

    #[test]
    fn event_id_begins_with_its_time() {
        let id = event_id(Duration::from_millis(1_790_000_000_000));
        let milliseconds = u64::from_str_radix(id.get(6..18).unwrap(), 16).unwrap();
        assert!((1_790_000_000_045..=1_790_000_000_130).contains(&milliseconds), "{id}");
        assert_eq!(id.len(), "event_".len() + 32);
    }

    #[test]
    fn delivery_has_one_id_for_each_endpoint_and_event() {
        assert_eq!(delivery_id("webhook_1", "event_1"), delivery_id("webhook_1", "event_1"));
        assert_ne!(delivery_id("webhook_1", "event_1"), delivery_id("webhook_2", "event_1"));
        assert_ne!(delivery_id("webhook_1", "event_1"), delivery_id("webhook_1", "event_2"));
        assert_ne!(webhook_id("http://localhost", 0), webhook_id("http://localhost", 1));
    }

    #[test]
    fn handle_is_written_as_a_name() {
        assert_eq!(display_name("voss-freight"), "Voss Freight");
        assert_eq!(display_name("élan"), "Élan");
        assert_eq!(display_name(""), "");
    }
}
