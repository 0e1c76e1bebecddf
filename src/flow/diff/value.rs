//! A JSON value as comparison sees it: no key order, no spacing, no escapes, each number in one spelling.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::flow::comparison::Comparison;
use crate::flow::document::{Document, Kind, Node};

/// A JSON value; two are equal exactly where their canonical JSON is, so that `1` and `1.0` differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number of any size, in its canonical spelling.
    Number(Box<str>),
    /// A string, escapes read.
    Text(Box<str>),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Map(Members),
}

/// The members of an object, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Members(Vec<(Box<str>, Value)>);

impl Members {
    /// A member's value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let at = self.0.binary_search_by(|(other, _)| (**other).cmp(key)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// The members in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Members {
    type Item = (Box<str>, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Of two members with one key, the first stays.
impl FromIterator<(Box<str>, Value)> for Members {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Value)>>(members: I) -> Self {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        members.dedup_by(|a, b| a.0 == b.0);
        members.shrink_to_fit();
        Self(members)
    }
}

impl Value {
    /// A whole document without what `comparison` leaves out.
    #[must_use]
    pub fn of_document(document: &Document, comparison: &Comparison) -> Self {
        Self::read(document, document.root(), &comparison.removed_from(document))
    }

    /// The value of a node, without the cells in `removed` (sorted).
    pub(in crate::flow) fn read(document: &Document, node: Node<'_>, removed: &[u32]) -> Self {
        let stays = |node: &Node<'_>| removed.is_empty() || removed.binary_search(&node.index()).is_err();
        match node.kind() {
            Kind::Null => Self::Null,
            Kind::Bool => Self::Bool(node.as_bool().unwrap_or_default()),
            Kind::Integer | Kind::Float => Self::Number(document.canonical_text(node).into_boxed_str()),
            Kind::String => Self::Text(node.as_str().unwrap_or_default().into_owned().into_boxed_str()),
            Kind::Array => {
                let elements = node.elements().filter(stays);
                Self::List(elements.map(|element| Self::read(document, element, removed)).collect())
            }
            Kind::Object => {
                let members = node.entries().filter(|(_, value)| stays(value));
                let read = |(key, value): (std::borrow::Cow<'_, str>, Node<'_>)| {
                    (key.into_owned().into_boxed_str(), Self::read(document, value, removed))
                };
                Self::Map(members.map(read).collect())
            }
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A member of an object.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(members) => members.get(key),
            _ => None,
        }
    }

    /// Appends the value as JSON on one line.
    fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Map(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    write_text(key, out);
                    out.push_str(": ");
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// The value as JSON on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text);
        text
    }

    /// How many arrays and objects stand inside each other; 0 for a scalar.
    #[must_use]
    pub fn depth(&self) -> usize {
        let of = |inner: Option<usize>| 1 + inner.unwrap_or(0);
        match self {
            Self::List(items) => of(items.iter().map(Self::depth).max()),
            Self::Map(members) => of(members.iter().map(|(_, value)| value.depth()).max()),
            _ => 0,
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// As JSON on one line, with numbers of any size; for `serde_json` only.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(_) | Self::List(_) | Self::Map(_) => {
                RawValue::from_string(self.to_json()).map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::any::any_json;
    use super::*;

    fn read(text: &str) -> Value {
        let document = Document::parse(text.as_bytes()).unwrap();
        Value::read(&document, document.root(), &[])
    }

    #[test]
    fn spelling_is_no_difference_and_a_fraction_is_one() {
        for (one, other) in [
            (r#"{"b":1,"a":[2]}"#, r#"{ "a" : [ 2 ], "b" : 1 }"#),
            (r#""\u00e4\/\ud83d\ude00""#, r#""ä/😀""#),
            ("1e2", "100.0"),
            ("-0", "0"),
            ("12345678901234567890123", " 12345678901234567890123 "),
        ] {
            assert_eq!(read(one), read(other));
        }
        for (one, other) in [("1", "1.0"), ("0", "-0.0"), ("12345678901234567890", "12345678901234567891")] {
            assert_ne!(read(one), read(other));
        }
    }

    #[test]
    fn numbers_of_any_size_reach_the_output() {
        let value = read(r#"{"n":[123456789012345678901234567890, 1e300, 0.1], "t":"a\"\n"}"#);
        let text = r#"{"n": [123456789012345678901234567890, 1e+300, 0.1], "t": "a\"\n"}"#;
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
    }

    proptest! {
        #[test]
        fn equal_values_are_equal_canonical_texts(one in any_json(), other in any_json()) {
            let parse = |text: &str| Document::parse(text.as_bytes()).unwrap();
            let same = parse(&one).canonical() == parse(&other).canonical();
            prop_assert_eq!(read(&one) == read(&other), same);
            prop_assert_eq!(read(&read(&one).to_json()), read(&one));
        }
    }
}
