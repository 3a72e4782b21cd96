//! What a call of the Management API is answered with.

use serde_json::{Map, Value, json};

use super::failure::Failure;

/// A body, or a refusal. The status of success stands in the table of operations.
pub(super) type Answer = Result<Value, Failure>;

/// Answers with `code` and `message` beside the members of `payload`.
pub(super) fn success(payload: Value) -> Answer {
    said("OK", "Success", payload)
}

/// Answers that it was done.
pub(super) fn done() -> Answer {
    success(json!({}))
}

/// Answers with a code of its own.
pub(super) fn said(code: &str, message: &str, payload: Value) -> Answer {
    let mut body = match payload {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    body.insert("code".to_owned(), code.into());
    body.insert("message".to_owned(), message.into());
    Ok(Value::Object(body))
}

/// What is empty is null, as in webhooks.
pub(super) fn or_null(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
