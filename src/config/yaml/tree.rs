//! The tree: what stands where, without a word on what it means.

/// One key or value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Node {
    /// Steps from the root: in a sequence the index, in a mapping twice the entry's index for its key and one
    /// more for its value.
    pub(in crate::config) address: Vec<usize>,
    /// JSON pointer; a key has the pointer of its value.
    pub(in crate::config) pointer: String,
    /// What stands there.
    pub(in crate::config) value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) enum Value {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number, as text.
    Float(String),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, entries as written, duplicates and all.
    Map(Vec<(Node, Node)>),
    /// Something with a tag of its own (`!name`).
    Tagged(String),
}

impl Value {
    /// What it is, for `expected …, found …`; scalars are shown, so never for a secret.
    pub(in crate::config) fn describe(&self) -> String {
        match self {
            Self::Bool(value) => format!("`{value}`"),
            Self::Int(value) => format!("the number `{value}`"),
            Self::Float(value) => format!("the number `{value}`"),
            Self::Text(value) if looks_unquoted(value) => format!("the text `{value}`"),
            Self::Text(value) => format!("`{}`", shorten(value)),
            Self::Tagged(tag) => format!("a value with the tag `{}`", shorten(tag)),
            other => other.kind().to_owned(),
        }
    }

    /// What kind of thing it is, without showing it.
    pub(in crate::config) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
            Self::Tagged(_) => "a tagged value",
        }
    }
}

/// Whether text would be a number, or true or false, without its quotes.
fn looks_unquoted(text: &str) -> bool {
    text.parse::<i128>().is_ok() || matches!(text, "true" | "false")
}

/// Escaped and cut to a length that fits on a line.
pub(in crate::config) fn shorten(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
