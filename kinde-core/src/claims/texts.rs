//! A list of strings in two pieces of memory, however many there are.

use std::borrow::Cow;

use serde::de::SeqAccess;

use crate::strict_json::{Shape, Shaped, Text};

/// The strings of one claim, one behind the other: a token has dozens, and each on its own would cost more to
/// allocate than to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Texts {
    joined: String,
    ends: Vec<usize>,
}

impl Texts {
    pub(super) const fn none() -> Self {
        Self { joined: String::new(), ends: Vec::new() }
    }

    fn with_room() -> Self {
        Self { joined: String::with_capacity(ROOM_BYTES), ends: Vec::with_capacity(ROOM) }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.joined.push_str(text);
        self.ends.push(self.joined.len());
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        let start_of = |index: usize| index.checked_sub(1).and_then(|before| self.ends.get(before));
        self.ends.iter().enumerate().map(move |(index, end)| {
            let start = start_of(index).copied().unwrap_or_default();
            self.joined.get(start..*end).unwrap_or_default()
        })
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        self.iter().any(|held| held == text)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Estimates the heap bytes held.
    pub(super) fn weight(&self) -> usize {
        self.joined.capacity().saturating_add(self.ends.capacity().saturating_mul(size_of::<usize>()))
    }
}

impl<'t> FromIterator<&'t str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'t str>>(texts: I) -> Self {
        let mut list = Self::default();
        texts.into_iter().for_each(|text| list.push(text));
        list
    }
}

/// A list of strings.
pub(super) struct Many;

impl<'de> Shape<'de> for Many {
    type Value = Texts;

    fn list<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Option<Texts>, A::Error> {
        let mut texts = Texts::default();
        let mut is_good = true;
        while let Some(element) = elements.next_element_seed(Shaped(Text))? {
            if texts.is_empty() {
                texts = Texts::with_room();
            }
            is_good &= element.value().map(|text| texts.push(&text)).is_some();
        }
        // A remembered token holds it for hours.
        texts.joined.shrink_to_fit();
        texts.ends.shrink_to_fit();
        Ok(is_good.then_some(texts))
    }
}

/// A string, or a list of strings.
pub(super) struct OneOrMany;

impl<'de> Shape<'de> for OneOrMany {
    type Value = Texts;

    fn text(self, text: Cow<'de, str>) -> Option<Texts> {
        Some(Texts::from_iter([text.as_ref()]))
    }

    fn list<A: SeqAccess<'de>>(self, elements: A) -> Result<Option<Texts>, A::Error> {
        Many.list(elements)
    }
}

/// Strings joined by spaces (RFC 6749 §3.3), or a list as some workflows write it.
pub(super) struct JoinedOrMany;

impl<'de> Shape<'de> for JoinedOrMany {
    type Value = Texts;

    fn text(self, text: Cow<'de, str>) -> Option<Texts> {
        Some(text.split(' ').filter(|scope| !scope.is_empty()).collect())
    }

    fn list<A: SeqAccess<'de>>(self, elements: A) -> Result<Option<Texts>, A::Error> {
        Many.list(elements)
    }
}

/// Room for a usual list of permissions.
const ROOM: usize = 16;
const ROOM_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_as_they_went_in() {
        let given = ["a", "", "zwölf", "a", ""];
        let texts = Texts::from_iter(given);
        assert_eq!(texts.iter().collect::<Vec<_>>(), given);
        assert_eq!(texts.iter().len(), 5);
        assert!(texts.contains("") && texts.contains("zwölf"));
        assert!(!texts.contains("azwölf") && !texts.contains("z"));
    }

    /// covers: C7
    #[test]
    fn empty_list_holds_nothing_and_not_the_empty_string() {
        let none = Texts::default();
        assert!(none.is_empty() && !none.contains(""));
        assert_ne!(none, Texts::from_iter([""]));
        assert_ne!(Texts::from_iter(["ab"]), Texts::from_iter(["a", "b"]));
    }
}
