//! What a running emulator is asked to do.

use std::error::Error;

use kinde_emulator::EVENT_TYPES;
use serde_json::{Map, Value, json};

use super::{
    arguments::{RotateKeys, Trigger},
    control_client,
};

/// Has an event sent; prints its id.
pub(crate) fn trigger(options: &Trigger) -> Result<(), Box<dyn Error>> {
    if !EVENT_TYPES.contains(&options.event_type.as_str()) {
        // Kinde may have a new one, so it is sent all the same.
        eprintln!(
            "{} is none of the event types that Kinde documents: {}",
            options.event_type,
            EVENT_TYPES.join(", ")
        );
    }
    let set: Map<_, _> = options.set.iter().cloned().collect();
    let details = json!({ "event_type": options.event_type, "set": set });
    let answer = control_client::post(&options.url, "trigger", &details)?;
    println!("{}", text(&answer, "event_id"));
    Ok(())
}

/// Has the keys rotated; prints the ID of the new one.
pub(crate) fn rotate_keys(options: &RotateKeys) -> Result<(), Box<dyn Error>> {
    let operation = if options.drop_old { "replace_keys" } else { "rotate_keys" };
    let answer = control_client::post(&options.url, operation, &json!({}))?;
    println!("{}", text(&answer, "kid"));
    Ok(())
}

fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer.get(member).and_then(Value::as_str).unwrap_or_default()
}
