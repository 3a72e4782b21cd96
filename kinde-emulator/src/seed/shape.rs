//! How a seed's values may look: what the reader checks and the JSON Schema says.

/// What may stand in one place.
#[derive(Debug)]
pub(super) enum Shape {
    Text,
    /// A whole number, zero or more.
    Count,
    /// A whole number.
    Integer,
    Boolean,
    /// Any value, as of a flag or a claim.
    Anything,
    OneOf(&'static [&'static str]),
    /// A text that names something the seed defines.
    Name(Referent),
    List(&'static Shape),
    /// Names that the author chooses, each with a value of this shape.
    Map(&'static Shape),
    Table(&'static [Key]),
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) is_required: bool,
    /// One sentence for the JSON Schema.
    pub(super) meaning: &'static str,
}

/// What a name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Referent {
    Organization,
    Role,
    Permission,
    Plan,
}

impl Shape {
    /// Says what has to stand there, as part of a sentence.
    pub(super) fn described(&self) -> String {
        match self {
            Self::Text | Self::Name(_) => "a text".to_owned(),
            Self::Count => "a whole number, zero or more".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Anything => "a value".to_owned(),
            Self::OneOf(choices) => {
                let quoted: Vec<_> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) | Self::Table(_) => "a table".to_owned(),
        }
    }
}

impl Key {
    /// A key that may be left out.
    pub(super) const fn optional(name: &'static str, shape: Shape, meaning: &'static str) -> Self {
        Self { name, shape, is_required: false, meaning }
    }

    /// A key without which a thing has no name.
    pub(super) const fn required(name: &'static str, shape: Shape, meaning: &'static str) -> Self {
        Self { name, shape, is_required: true, meaning }
    }
}
