//! Reads TOML into a document.

use serde_json::Number;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::document::{Content, Entry, Node};

/// Reads a whole text; the error says where it is no TOML.
pub(super) fn read(text: &str) -> Result<Node, String> {
    let table = DeTable::parse(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let lines = Lines::new(text);
    Ok(Node { line: 1, content: lines.table(table.get_ref())? })
}

/// Where each line ends, in bytes.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place).collect())
    }

    /// Returns the line of a byte, counted from one.
    fn of(&self, byte: usize) -> usize {
        self.0.partition_point(|end| *end < byte).saturating_add(1)
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Content, String> {
        let mut entries = Vec::new();
        for (name, value) in table {
            let line = self.of(name.span().start);
            entries.push(Entry { name: name.get_ref().to_string(), line, value: self.node(value)? });
        }
        // A table keeps no order of its own; problems are told from the top of the file.
        entries.sort_by_key(|entry| entry.line);
        Ok(Content::Table(entries))
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Result<Node, String> {
        let line = self.of(value.span().start);
        let content = match value.get_ref() {
            DeValue::String(text) => Content::Text(text.to_string()),
            DeValue::Boolean(value) => Content::Boolean(*value),
            DeValue::Datetime(moment) => Content::Text(moment.to_string()),
            DeValue::Integer(integer) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix()).map(Number::from);
                Content::Number(number.map_err(|_| format!("line {line}: {integer} is too large a number"))?)
            }
            DeValue::Float(float) => {
                let number = float.as_str().parse().ok().and_then(Number::from_f64);
                Content::Number(number.ok_or_else(|| format!("line {line}: {float} is not a finite number"))?)
            }
            DeValue::Array(items) => {
                Content::List(items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => self.table(table)?,
        };
        Ok(Node { line, content })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_keeps_its_line() {
        let text =
            "a = 1\nb = [\n  true,\n  \"x\",\n]\n\n[c]\nd = 1.5\ne = 1979-05-27\nf = 0x1f\n\n[[g]]\nh = {}\n";
        let node = read(text).unwrap();
        let value = json!({
            "a": 1, "b": [true, "x"], "c": { "d": 1.5, "e": "1979-05-27", "f": 31 }, "g": [{ "h": {} }],
        });
        assert_eq!(node.to_value(), value);
        assert_eq!(node.get("b").unwrap().value.items()[1].line, 4);
        let c = &node.get("c").unwrap().value;
        assert_eq!(c.get("e").unwrap().line, 9);
        assert_eq!(node.get("g").unwrap().value.items()[0].get("h").unwrap().line, 13);
    }

    #[test]
    fn number_that_json_does_not_have_is_named_by_its_line() {
        assert_eq!(read("a = 1\nb = nan\n").unwrap_err(), "line 2: nan is not a finite number");
        assert!(read("b = 99999999999999999999\n").unwrap_err().contains("99999999999999999999"));
        assert!(read("a = \n").unwrap_err().contains("line 1"));
    }
}
