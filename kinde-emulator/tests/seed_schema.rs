//! The published JSON Schema of a seed: current, and true of the example world.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kinde_emulator::Seed;
use serde_json::{Value, json};

const PUBLISHED: &str = include_str!("../schema/seed.json");

#[test]
fn published_schema_is_the_one_that_the_program_prints() {
    let advice = "run: cargo run -p kinde-emulator -- schema > kinde-emulator/schema/seed.json";
    assert!(PUBLISHED == Seed::schema(), "the schema has changed; {advice}");
}

#[test]
fn example_world_follows_the_schema() {
    let example: Value = toml::from_str(Seed::example_text()).unwrap();
    let schema: Value = serde_json::from_str(PUBLISHED).unwrap();
    assert_eq!(objection(&schema, &example), None);
}

#[test]
fn schema_and_reader_refuse_the_same_worlds() {
    let schema: Value = serde_json::from_str(PUBLISHED).unwrap();
    for (world, is_good) in [
        (json!({}), true),
        (json!({ "people": [{ "name": "alice", "flags": { "a": [1, null] } }] }), true),
        (json!({ "people": [{ "naem": "alice" }] }), false),
        (json!({ "people": [{ "name": "alice", "colour": "blue" }] }), false),
        (json!({ "people": { "name": "alice" } }), false),
        (json!({ "applications": [{ "name": "web", "kind": "mobile" }] }), false),
        (json!({ "tokens": { "access_token_seconds": -1 } }), false),
        (json!({ "tokens": { "access_token_seconds": 60 } }), true),
    ] {
        assert_eq!(objection(&schema, &world).is_none(), is_good, "schema: {world}");
        assert_eq!(Seed::from_json(&world.to_string()).is_ok(), is_good, "reader: {world}");
    }
}

/// Says where a value does not follow a schema, of which it knows the words that the published one uses.
fn objection(schema: &Value, value: &Value) -> Option<String> {
    let refused = |why: &str| Some(format!("{why}: {value}"));
    // Without a schema anything goes.
    for word in schema.as_object().into_iter().flat_map(|schema| schema.keys()) {
        let known =
            "$schema title description type enum minimum items properties additionalProperties required";
        assert!(known.split(' ').any(|known| known == word), "{word}");
    }
    let has_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        other => other.is_none(),
    };
    if !has_type {
        return refused("type");
    }
    if schema["enum"].as_array().is_some_and(|choices| !choices.contains(value)) {
        return refused("enum");
    }
    if schema["minimum"].as_i64().is_some_and(|minimum| value.as_i64().unwrap() < minimum) {
        return refused("minimum");
    }
    let missing = |name: &&Value| value.get(name.as_str().unwrap()).is_none();
    if schema["required"].as_array().is_some_and(|required| required.iter().any(|name| missing(&name))) {
        return refused("required");
    }
    let items = value.as_array().into_iter().flatten();
    if let Some(found) = items.filter_map(|item| objection(&schema["items"], item)).next() {
        return Some(found);
    }
    value.as_object().into_iter().flatten().find_map(|(name, member)| {
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (None, Value::Bool(false)) => refused("additionalProperties"),
            (None, Value::Null) => None,
            (None, below) | (Some(below), _) => objection(below, member),
        }
    })
}
