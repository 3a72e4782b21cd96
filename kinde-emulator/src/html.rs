//! Markup that keeps what strangers wrote as text.

use std::fmt;

/// A piece of HTML.
///
/// Markup can only be a literal of this crate; everything else goes in by [`text`](Self::text), which escapes it. So
/// no name, address or URL can become an element or leave its attribute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Html(String);

impl Html {
    /// Starts with a literal.
    pub(crate) fn of(literal: &'static str) -> Self {
        Self(literal.to_owned())
    }

    /// Adds a literal.
    pub(crate) fn and(mut self, literal: &'static str) -> Self {
        self.0.push_str(literal);
        self
    }

    /// Adds text, in an element or in an attribute between double quotes.
    pub(crate) fn text(mut self, text: &str) -> Self {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
        self
    }

    /// Adds another piece.
    pub(crate) fn part(mut self, part: &Self) -> Self {
        self.0.push_str(&part.0);
        self
    }

    /// Adds a piece for each item.
    pub(crate) fn each<T>(
        self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(T) -> Self,
    ) -> Self {
        items.into_iter().fold(self, |html, item| html.part(&write(item)))
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element_or_attribute() {
        let html = Html::of("<p title=\"").text(r#"<b a="x" c='y'>&"#).and("\">");
        assert_eq!(html.to_string(), r#"<p title="&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;">"#);
    }

    #[test]
    fn parts_are_added_in_order() {
        let list = Html::of("<ul>").each(["a", "<"], |item| Html::of("<li>").text(item)).and("</ul>");
        assert_eq!(list.to_string(), "<ul><li>a<li>&lt;</ul>");
    }
}
