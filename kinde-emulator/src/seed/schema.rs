//! The JSON Schema of a seed, from the same table that the reader checks.

use serde_json::{Map, Value, json};

use super::shape::{Key, Shape};

/// Writes the schema (draft 2020-12).
pub(super) fn document(keys: &'static [Key]) -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("The seed of a kinde-emulator environment"));
    schema.extend(table(keys));
    Value::Object(schema)
}

fn of(shape: &'static Shape) -> Map<String, Value> {
    let simple = |name: &str| Map::from_iter([("type".to_owned(), json!(name))]);
    match shape {
        Shape::Text | Shape::Name(_) => simple("string"),
        Shape::Count => {
            let mut schema = simple("integer");
            schema.insert("minimum".to_owned(), json!(0));
            schema
        }
        Shape::Integer => simple("integer"),
        Shape::Boolean => simple("boolean"),
        Shape::Anything => Map::new(),
        Shape::OneOf(choices) => Map::from_iter([("enum".to_owned(), json!(choices))]),
        Shape::List(shape) => {
            let mut schema = simple("array");
            schema.insert("items".to_owned(), Value::Object(of(shape)));
            schema
        }
        Shape::Map(shape) => {
            let mut schema = simple("object");
            schema.insert("additionalProperties".to_owned(), Value::Object(of(shape)));
            schema
        }
        Shape::Table(keys) => table(keys),
    }
}

fn table(keys: &'static [Key]) -> Map<String, Value> {
    let property = |key: &'static Key| {
        let mut schema = of(&key.shape);
        schema.insert("description".to_owned(), json!(key.meaning));
        (key.name.to_owned(), Value::Object(schema))
    };
    let required: Vec<_> = keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    let mut schema = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("additionalProperties".to_owned(), json!(false)),
        ("properties".to_owned(), Value::Object(keys.iter().map(property).collect())),
    ]);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}
