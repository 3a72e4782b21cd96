//! Reads JSON into a document.

use std::{
    cell::Cell,
    fmt,
    io::{self, Read},
    rc::Rc,
};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::document::{Content, Entry, Node};

/// Reads a whole text; the error says where it is no JSON.
pub(super) fn read(text: &str) -> Result<Node, String> {
    let line = Rc::new(Cell::new(1));
    let counted = Counted { rest: text.as_bytes(), line: Rc::clone(&line) };
    // From a reader, the parser takes one byte at a time and looks no further than the next, so the count is right
    // whenever a name ends or a value begins.
    let mut deserializer = serde_json::Deserializer::from_reader(counted);
    let node = Reader { line: &line }.deserialize(&mut deserializer);
    let node = node.and_then(|node| deserializer.end().map(|()| node));
    node.map_err(|error| error.to_string())
}

/// Counts the lines of what was read.
struct Counted<'a> {
    rest: &'a [u8],
    line: Rc<Cell<usize>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.rest.read(buffer)?;
        let newlines = buffer.iter().take(count).filter(|byte| **byte == b'\n').count();
        self.line.set(self.line.get().saturating_add(newlines));
        Ok(count)
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    line: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        // In a list the first byte of the item was looked at; after a name, at most the colon.
        let line = self.line.get();
        let content = deserializer.deserialize_any(self)?;
        Ok(Node { line, content })
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Content;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Boolean(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Content, E> {
        Number::from_f64(value).map(Content::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Content, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            let line = self.line.get();
            if entries.iter().any(|entry| entry.name == name) {
                return Err(A::Error::custom(format_args!("the key `{name}` is there twice")));
            }
            entries.push(Entry { name, line, value: members.next_value_seed(self)? });
        }
        Ok(Content::Table(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_keeps_its_line() {
        let text = "{\n \"a\": 1,\n \"b\": [\n  true,\n  \"x\", null\n ],\n \"c\":\n {\n  \"d\": -1.5 }\n}\n";
        let node = read(text).unwrap();
        assert_eq!(node.to_value(), json!({ "a": 1, "b": [true, "x", null], "c": { "d": -1.5 } }));
        let b = &node.get("b").unwrap().value;
        assert_eq!((node.get("b").unwrap().line, b.items()[0].line, b.items()[2].line), (3, 4, 5));
        let c = node.get("c").unwrap();
        assert_eq!((c.line, c.value.get("d").unwrap().line), (7, 9));
    }

    #[test]
    fn text_that_is_no_json_is_named_by_its_line() {
        assert!(read("{\n \"a\": }").unwrap_err().contains("line 2"));
        assert!(read("{} x").unwrap_err().contains("trailing"));
        assert!(read("{ \"a\": 1,\n \"a\": 2 }").unwrap_err().contains("`a` is there twice at line 2"));
        let deep = "[".repeat(100_000);
        assert!(read(&deep).unwrap_err().contains("recursion"));
    }
}
