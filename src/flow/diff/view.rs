//! A flow as people draw it, whatever its dialect: nodes, edges, references, and fields.

use super::value::{Members, Value};

/// What a diff sees of a flow. A dialect makes it (see [`View::of_document`]); every bit of the flow that
/// counts in a comparison stands in it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The flow without its lists; an object, unless the flow is none.
    pub fields: Value,
    /// The nodes in their order.
    pub nodes: Listed<NodeView>,
    /// The edges in their order.
    pub edges: Listed<EdgeView>,
    /// What the flow refers to, in its order.
    pub references: Listed<ReferenceView>,
}

/// One list of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The member of the flow it stands in.
    pub name: &'static str,
    /// How that member looks.
    pub form: Form,
    /// What stands in it; empty unless it is a list.
    pub items: Vec<T>,
}

/// How a list is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// As a list.
    List,
    /// Not at all.
    Absent,
    /// As something else.
    Other(Value),
}

impl View {
    /// A text from which no flow can be read, as the one thing there is to see.
    #[must_use]
    pub fn of_text(text: &[u8]) -> Self {
        fn none<T>(name: &'static str) -> Listed<T> {
            Listed { name, form: Form::Absent, items: Vec::new() }
        }
        let text = String::from_utf8_lossy(text).into_owned();
        Self {
            fields: Value::Text(text.into_boxed_str()),
            nodes: none("nodes"),
            edges: none("edges"),
            references: none("references"),
        }
    }

    /// The flow as one value.
    #[must_use]
    pub fn whole(&self) -> Value {
        let Value::Map(fields) = &self.fields else { return self.fields.clone() };
        let lists = [
            (self.nodes.name, self.nodes.written()),
            (self.edges.name, self.edges.written()),
            (self.references.name, self.references.written()),
        ];
        let lists = lists.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
        Value::Map(fields.clone().into_iter().chain(lists).collect::<Members>())
    }
}

impl<T: Item> Listed<T> {
    /// The member that holds the list, as it is written.
    #[must_use]
    pub fn written(&self) -> Option<Value> {
        match &self.form {
            Form::Absent => None,
            Form::Other(value) => Some(value.clone()),
            Form::List => Some(Value::List(self.items.iter().map(|item| item.value().clone()).collect())),
        }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// What people call it, where it has a name besides its id.
    pub label: Option<String>,
    /// All of it.
    pub value: Value,
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeView {
    /// All of it.
    pub value: Value,
}

/// Something a flow refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceView {
    /// All of it.
    pub value: Value,
}

/// What stands in a list.
pub trait Item {
    /// All of it.
    fn value(&self) -> &Value;
}

impl Item for NodeView {
    fn value(&self) -> &Value {
        &self.value
    }
}

impl Item for EdgeView {
    fn value(&self) -> &Value {
        &self.value
    }
}

impl Item for ReferenceView {
    fn value(&self) -> &Value {
        &self.value
    }
}

impl NodeView {
    /// Its id, where that is a string.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.value.member("id")?.as_text()
    }

    /// Its type, where that is a string.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.value.member("type")?.as_text()
    }
}

impl EdgeView {
    /// A member that is a string.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.value.member(key)?.as_text()
    }
}
