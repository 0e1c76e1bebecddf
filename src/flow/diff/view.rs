//! A flow as people draw it, whatever its dialect: nodes, edges, references, and fields.

use super::value::{Members, Value};

/// What a diff sees of a flow. Each dialect makes its own (see [`View::of_document`] for that of `flows-v2`); every bit
/// of the flow that counts in a comparison stands in it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// How its nodes hang together.
    pub sequence: Sequence,
    /// The flow without its lists; an object, unless the flow is none.
    pub fields: Value,
    /// The nodes in their order; each after the one it belongs to.
    pub nodes: Listed<NodeView>,
    /// The edges in their order.
    pub edges: Listed<EdgeView>,
    /// What the flow refers to, in its order.
    pub references: Listed<ReferenceView>,
}

/// How one node follows on another, and with it what a node is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sequence {
    /// By edges. The settings of a node stand in its `configuration`.
    #[default]
    Edges,
    /// By their order, and in branches by their [`Home`]. The settings of a node stand in its `config`, by locale.
    Order,
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
            sequence: Sequence::Edges,
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
            Form::List => Some(Value::List(T::together(&self.items))),
        }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// The member that holds its id.
    pub key: &'static str,
    /// What people call it, where it has a name besides its id.
    pub label: Option<String>,
    /// All of it but the nodes that belong to it.
    pub value: Value,
    /// What it belongs to.
    pub home: Home,
}

/// What a node belongs to, by the place of that in the list of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Home {
    /// The flow itself.
    #[default]
    Flow,
    /// It is one of the `branches` of a node.
    BranchOf(usize),
    /// It stands in the `body` of a branch.
    BodyOf(usize),
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

    /// A list of them, as the flow has it.
    fn together(items: &[Self]) -> Vec<Value>
    where
        Self: Sized,
    {
        items.iter().map(|item| item.value().clone()).collect()
    }
}

impl Item for NodeView {
    fn value(&self) -> &Value {
        &self.value
    }

    /// Each within what it belongs to.
    fn together(items: &[Self]) -> Vec<Value> {
        // From the last on, whatever belongs to a node is whole before it is; collected backwards.
        let mut parts: Vec<[Vec<Value>; 2]> = items.iter().map(|_| Default::default()).collect();
        let mut top = Vec::new();
        for (at, node) in items.iter().enumerate().rev() {
            let [mut branches, mut body] = std::mem::take(&mut parts[at]);
            branches.reverse();
            body.reverse();
            let has_body = matches!(node.home, Home::BranchOf(_));
            let branches = (!branches.is_empty()).then_some(("branches".into(), Value::List(branches)));
            let body = has_body.then_some(("body".into(), Value::List(body)));
            let whole = match node.value.clone() {
                Value::Map(members) => Value::Map(members.into_iter().chain(branches).chain(body).collect()),
                other => other,
            };
            match node.home {
                Home::Flow => top.push(whole),
                Home::BranchOf(of) => parts[of][0].push(whole),
                Home::BodyOf(of) => parts[of][1].push(whole),
            }
        }
        top.reverse();
        top
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
        self.value.member(self.key)?.as_text()
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
