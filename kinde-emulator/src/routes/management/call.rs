//! One call of an operation: what it says in its path, its query and its body.

use std::sync::Arc;

use http::{HeaderMap, Uri};
use serde_json::{Map, Value};

use crate::{
    directory::Directory,
    fields::Fields,
    provider::{API, Provider},
};

use super::{failure::Failure, operations::Operation};

/// A call whose credentials are good.
pub(super) struct Call<'a> {
    pub(super) provider: &'a Arc<Provider>,
    pub(super) operation: &'static Operation,
    /// The application that calls, where that is known.
    pub(super) caller: Option<String>,
    parameters: Vec<(&'static str, String)>,
    query: Fields,
    body: Map<String, Value>,
}

impl<'a> Call<'a> {
    /// Reads a call. A body is a JSON object or empty, whatever its content type: some clients send none.
    pub(super) fn read(
        provider: &'a Arc<Provider>,
        operation: &'static Operation,
        parameters: Vec<(&'static str, String)>,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, Failure> {
        let body = if body.trim_ascii().is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(body).map_err(|error| {
                Failure::invalid("INVALID_JSON", format!("The body is not a JSON object: {error}"))
            })?
        };
        let caller = super::guard::caller(provider, headers);
        Ok(Self { provider, operation, caller, parameters, query: Fields::of_uri(uri), body })
    }

    /// Returns a parameter of the path; the operation's template has it.
    pub(super) fn path(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// Returns a parameter of the query; an empty one counts as absent.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// Tells whether the query says something under a name, or under its members: `properties[city]`.
    pub(super) fn has_query(&self, name: &str) -> bool {
        let is_it = |known: &str| {
            known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        self.query.0.iter().any(|(known, value)| is_it(known) && !value.is_empty())
    }

    /// Returns the items of a list in the query, with commas between.
    pub(super) fn query_list(&self, name: &str) -> Vec<&str> {
        self.query(name).map(|list| list.split(',').map(str::trim).collect()).unwrap_or_default()
    }

    /// Changes the world as the API does, and tells webhooks.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Directory) -> R) -> R {
        self.provider.change(API, change)
    }

    pub(super) fn now(&self) -> u64 {
        self.provider.clock.now()
    }

    /// Refuses the call because something it names is not there.
    pub(super) fn unknown(&self, code: &str, message: impl Into<String>) -> Failure {
        Failure::unknown(self.operation, code, message)
    }
}

/// The body, in which null counts as absent.
impl Call<'_> {
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    /// Tells whether the body says something about a field, be it null.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.body.contains_key(name)
    }

    /// Returns a text from the body, or else from the query: for some operations the specification has the values of
    /// a write there.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.value(name) {
            None => Ok(self.query(name)),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(name, "a string")),
        }
    }

    /// Returns a text that has to be there and not be empty.
    pub(super) fn required(&self, name: &str) -> Result<&str, Failure> {
        let text = self.text(name)?.filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| {
            Failure::invalid(format!("{}_REQUIRED", name.to_ascii_uppercase()), format!("{name} is required"))
        })
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.value(name) {
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(wrong_type(name, "true or false")),
            None => match self.query(name) {
                None => Ok(None),
                Some("true") => Ok(Some(true)),
                Some("false") => Ok(Some(false)),
                Some(_) => Err(wrong_type(name, "true or false")),
            },
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        self.value(name).map(|value| value.as_u64().ok_or_else(|| wrong_type(name, "a number"))).transpose()
    }

    /// Returns a list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        self.value(name).map(|value| texts(value, name)).transpose()
    }

    /// Returns a list of objects that has to be there; Kinde takes 100 at a time.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<&Map<String, Value>>, Failure> {
        let items = match self.value(name) {
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong_type(name, "a list")),
            None => {
                let code = format!("{}_REQUIRED", name.to_ascii_uppercase());
                return Err(Failure::invalid(code, format!("{name} is required")));
            }
        };
        if items.len() > MOST_ITEMS {
            let message =
                format!("{name} has {} items, at most {MOST_ITEMS} are taken at a time", items.len());
            return Err(Failure::invalid("TOO_MANY_PARAMETERS", message));
        }
        items
            .iter()
            .map(|item| item.as_object().ok_or_else(|| wrong_type(name, "a list of objects")))
            .collect()
    }
}

/// Returns a text of an object in a body.
pub(super) fn text_of<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Failure> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(name, "a string")),
    }
}

/// Returns a list of texts of an object in a body.
pub(super) fn texts_of(object: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, Failure> {
    object.get(name).filter(|value| !value.is_null()).map(|value| texts(value, name)).transpose()
}

fn texts(value: &Value, name: &str) -> Result<Vec<String>, Failure> {
    let items = value.as_array().ok_or_else(|| wrong_type(name, "a list of strings"))?;
    let text = |item: &Value| item.as_str().map(str::to_owned);
    items.iter().map(|item| text(item).ok_or_else(|| wrong_type(name, "a list of strings"))).collect()
}

fn wrong_type(name: &str, expected: &str) -> Failure {
    let code = format!("{}_INVALID", name.to_ascii_uppercase());
    Failure::invalid(code, format!("{name} has to be {expected}"))
}

/// How many items a bulk write has at most.
const MOST_ITEMS: usize = 100;
