//! Finds the line and column of a node by failing on it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Line and column, from 1, of the node at `address`; the file's beginning if there is none.
pub(in crate::config) fn locate(text: &str, address: &[usize]) -> (u32, u32) {
    let first = serde_yaml::Deserializer::from_str(text).next();
    position(first.and_then(|document| Probe(address).deserialize(document).err()).as_ref())
}

/// Line and column, from 1, that the library stamped on an error.
pub(super) fn position(error: Option<&serde_yaml::Error>) -> (u32, u32) {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).max(1);
    let mark = error.and_then(serde_yaml::Error::location);
    mark.map_or((1, 1), |mark| (number(mark.line()), number(mark.column())))
}

/// The text of the error that [`Probe`] fails with.
pub(super) const HERE: &str = "the node that was asked for";

/// Walks to an address and fails there, so that the library stamps its position on the error.
#[derive(Clone, Copy)]
pub(super) struct Probe<'a>(pub(super) &'a [usize]);

impl Probe<'_> {
    /// Goes on into a child, if it is the one on the way.
    fn enter<'de, D: Deserializer<'de>>(self, step: usize, deserializer: D) -> Result<(), D::Error> {
        match self.0.split_first() {
            Some((&next, rest)) if next == step => deserializer.deserialize_any(Probe(rest)),
            _ => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// One child of a [`Probe`]'s node.
struct ChildProbe<'a>(Probe<'a>, usize);

impl<'de> DeserializeSeed<'de> for ChildProbe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.enter(self.1, deserializer)
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    /// Scalars end here by the visitor's own type error, which carries the same position.
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HERE)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut n_items = 0;
        while !self.0.is_empty() && items.next_element_seed(ChildProbe(self, n_items))?.is_some() {
            n_items += 1;
        }
        Err(A::Error::custom(HERE))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut n_entries = 0;
        while !self.0.is_empty() && entries.next_key_seed(ChildProbe(self, 2 * n_entries))?.is_some() {
            entries.next_value_seed(ChildProbe(self, 2 * n_entries + 1))?;
            n_entries += 1;
        }
        Err(A::Error::custom(HERE))
    }
}
