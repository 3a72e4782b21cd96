//! A seed as it was written: values that know their lines, whatever the language.

use serde_json::{Map, Number, Value};

/// A value and the line it begins on, counted from one.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) content: Content,
}

/// What TOML and JSON have in common; dates of TOML are texts.
#[derive(Debug)]
pub(super) enum Content {
    Null,
    Boolean(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// In the order of the text; a name may stand there twice, which is for the reader to refuse.
    Table(Vec<Entry>),
}

/// A name and its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The line of the name.
    pub(super) line: usize,
    pub(super) value: Node,
}

impl Node {
    /// Returns the entry of a table; `None` for any other value.
    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.name == name)
    }

    /// Returns the entries of a table, none of any other value.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list, none of any other value.
    pub(super) fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the text of a text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value without its lines.
    pub(super) fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Boolean(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => items.iter().map(Self::to_value).collect(),
            Content::Table(entries) => {
                let members = entries.iter().map(|entry| (entry.name.clone(), entry.value.to_value()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}
