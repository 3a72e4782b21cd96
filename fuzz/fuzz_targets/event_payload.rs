//! The data of an event, of any shape: never a panic, and what is read is written back as it came.
#![no_main]

use kinde_webhook::payload::{EVENT_TYPES, Payload};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Ok(Value::Object(data)) = serde_json::from_str(text) else { return };
    for event_type in EVENT_TYPES.iter().chain(&["moon.landed"]) {
        if let Ok(payload) = Payload::read(event_type, &data) {
            assert_eq!(payload.event_type(), *event_type);
            let written = serde_json::to_value(&payload).expect("a payload is JSON");
            assert_eq!(written, Value::Object(data.clone()), "{event_type}");
            let _ = format!("{payload:?}");
        }
    }
});
