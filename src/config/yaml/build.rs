//! Builds the tree, within a budget.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess};
use serde::de::{VariantAccess, Visitor};

use super::tree::{Node, Value};

/// A document may have this many nodes, aliases followed: far more than a configuration needs, and the end
/// of every alias bomb.
const NODES_MAX: usize = 20_000;

/// Builds a [`Node`].
pub(super) struct Build<'b> {
    address: Vec<usize>,
    pointer: String,
    budget: &'b Cell<usize>,
}

impl<'b> Build<'b> {
    /// How many nodes a document may have.
    pub(super) fn budget() -> Cell<usize> {
        Cell::new(NODES_MAX)
    }

    /// For the whole document.
    pub(super) fn root(budget: &'b Cell<usize>) -> Self {
        Build { address: Vec::new(), pointer: String::new(), budget }
    }

    /// The node, now that its value is known.
    pub(super) fn node(self, value: Value) -> Node {
        Node { address: self.address, pointer: self.pointer, value }
    }

    fn child(&self, step: usize, segment: Option<&str>) -> Self {
        let mut address = self.address.clone();
        address.push(step);
        let pointer = match segment {
            Some(segment) => format!("{}/{}", self.pointer, segment.replace('~', "~0").replace('/', "~1")),
            None => self.pointer.clone(),
        };
        Build { address, pointer, budget: self.budget }
    }
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        match self.budget.get().checked_sub(1) {
            Some(rest) => self.budget.set(rest),
            None => return Err(D::Error::custom("size limit exceeded")),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(self.node(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(self.node(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(self.node(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(self.node(Value::Int(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(self.node(Value::Int(value.into())))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Node, E> {
        Ok(self.node(Value::Int(value)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Node, E> {
        Ok(self.node(Value::Float(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(self.node(Value::Float(value.to_string())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(self.node(Value::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.child(list.len(), Some(&list.len().to_string())))? {
            list.push(item);
        }
        Ok(self.node(Value::List(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map: Vec<(Node, Node)> = Vec::new();
        while let Some(mut key) = entries.next_key_seed(self.child(2 * map.len(), None))? {
            let name = if let Value::Text(name) = &key.value { name.as_str() } else { "?" };
            let value = self.child(2 * map.len() + 1, Some(name));
            key.pointer.clone_from(&value.pointer);
            let value = entries.next_value_seed(value)?;
            map.push((key, value));
        }
        Ok(self.node(Value::Map(map)))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Node, A::Error> {
        let (tag, content) = tagged.variant::<String>()?;
        content.newtype_variant::<IgnoredAny>()?;
        Ok(self.node(Value::Tagged(tag)))
    }
}
