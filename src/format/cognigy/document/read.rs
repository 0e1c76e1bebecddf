//! Reading a composed document: everything that is wrong with it by JSON pointer, or the flow.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::str::FromStr;

use super::config::{config_of, without_computed};
use super::{BASIC_EXTENSION, Branch, Chain, Config, FORMAT, Flow, Head, LocaleName, Mock, Node, NodeRef, is_marker};
use crate::flow::{Document, Kind, Node as Json, ParseError, nearest, push_index, push_key, quoted};
use crate::problem::Rule;

/// Members of a flow.
const FLOW: [&str; 10] = [
    "format",
    "id",
    "referenceId",
    "name",
    "description",
    "context",
    "attachedFlows",
    "attachedLexicons",
    "externalReferences",
    "chart",
];
/// Members of a node in a chain.
const NODE: [&str; 12] = [
    "type",
    "ref",
    "extension",
    "label",
    "comment",
    "commentColor",
    "analyticsLabel",
    "isEntryPoint",
    "isDisabled",
    "mock",
    "config",
    "branches",
];
/// What a branch has besides.
const BODY: &str = "body";

/// One thing that is wrong with a composed document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFault {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// The rule.
    pub rule: Rule,
    /// `expected X, found Y`.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// A text that is no composed document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// It cannot be parsed.
    #[error("expected a flow as JSON, found something else")]
    Parse(#[from] ParseError),
    /// It is no flow; never empty.
    #[error("expected a flow of the format `{FORMAT}`, found `{}`: {}", first(.0).0, first(.0).1)]
    Faults(Vec<DocumentFault>),
}

fn first(faults: &[DocumentFault]) -> (&str, &str) {
    faults.first().map_or(("", ""), |fault| (&fault.pointer, &fault.message))
}

impl Flow {
    /// Reads a composed document.
    ///
    /// # Errors
    ///
    /// It is no JSON, or not all of it is a flow.
    pub fn parse(text: &[u8]) -> Result<Self, FlowError> {
        Self::read(&Document::parse(text)?).map_err(FlowError::Faults)
    }

    /// Reads a composed document that is parsed already.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the text; at least one fault.
    pub fn read(document: &Document) -> Result<Self, Vec<DocumentFault>> {
        let mut reader = Reader { faults: Vec::new(), pointer: String::new(), known: HashMap::new() };
        let flow = reader.flow(document.root());
        match flow {
            Some(flow) if reader.faults.is_empty() => Ok(flow),
            _ => Err(reader.faults),
        }
    }
}

struct Reader {
    faults: Vec<DocumentFault>,
    /// Where it is.
    pointer: String,
    /// The nodes so far, and where they stand.
    known: HashMap<NodeRef, String>,
}

impl Reader {
    fn flow(&mut self, root: Json<'_>) -> Option<Flow> {
        self.object(root, &FLOW)?;
        self.format(root);
        let reference = self.required(root, "referenceId", Self::reference);
        let name = self.required(root, "name", Self::text);
        if name.as_deref() == Some("") {
            self.at("name", |it| it.fault(Rule::EmptyName, "expected a name, found an empty text", "name the flow"));
        }
        let description = self.optional(root, "description", Self::text);
        let context = self.optional(root, "context", Self::config);
        let attached_flows = self.optional(root, "attachedFlows", |it, list| it.list(list, Self::reference));
        let attached_lexicons = self.optional(root, "attachedLexicons", |it, list| it.list(list, Self::reference));
        let chart = self.required(root, "chart", Self::chart);
        Some(Flow {
            reference: reference?,
            name: name?,
            description,
            context,
            attached_flows,
            attached_lexicons,
            chart: chart?,
        })
    }

    fn format(&mut self, root: Json<'_>) {
        let Some(format) = self.required(root, "format", Self::text).filter(|format| format != FORMAT) else { return };
        let message = format!("expected the format `{FORMAT}`, found {}", quoted(&format));
        self.at("format", |it| it.fault(Rule::UnknownValue, message, "a newer flowsync may read it"));
    }

    fn chart(&mut self, list: Json<'_>) -> Option<Chain> {
        let chart = self.list(list, |reader, node| reader.node(node, &NODE))?;
        let starts = list.elements().enumerate().filter(|(_, node)| kind_of(*node).as_deref() == Some("start"));
        let at: Vec<usize> = starts.map(|(index, _)| index).collect();
        if at.first() != Some(&0) || at.len() > 1 {
            let help = "a conversation begins in one place";
            self.fault(Rule::StartNodeCount, "expected a chart that begins with its only node of type `start`", help);
        }
        Some(chart)
    }

    fn node(&mut self, json: Json<'_>, members: &[&str]) -> Option<Node> {
        self.object(json, members)?;
        let kind = self.required(json, "type", Self::text);
        let reference = self.node_reference(json);
        let head = self.head(json);
        let config = self.optional(json, "config", |it, config| it.configs(config, kind.as_deref()));
        let branches = self.optional(json, "branches", |it, list| it.list(list, Self::branch));
        let kind = kind?;
        if is_marker(&kind) && (head != Head::default() || !config.is_empty()) {
            let message = format!("expected only `type` and `ref` of a node of type {}, found more", quoted(&kind));
            self.fault(Rule::MarkerWithSettings, message, "remove the rest: it is neither written nor compared");
        }
        Some(Node { reference: reference?, kind, head, config, branches })
    }

    fn branch(&mut self, json: Json<'_>) -> Option<Branch> {
        let mut members = NODE.to_vec();
        members.push(BODY);
        let node = self.node(json, &members);
        let body = self.optional(json, BODY, |it, list| it.list(list, |reader, node| reader.node(node, &NODE)));
        Some(Branch { node: node?, body })
    }

    fn node_reference(&mut self, json: Json<'_>) -> Option<NodeRef> {
        if json.member("ref").is_none() {
            let help = "`flowsync fmt` gives new nodes an id of their own";
            self.fault(Rule::NodeWithoutRef, "expected a `ref`, the node's reference id, found none", help);
            return None;
        }
        let reference: NodeRef = self.required(json, "ref", Self::reference)?;
        let pointer = self.pointer.clone();
        if let Some(other) = self.known.insert(reference, pointer) {
            let message = format!("expected each node's `ref` once, found `{reference}` again");
            let help = format!("it is that of `{other}` too; remove the line of the copy and run `flowsync fmt`");
            self.at("ref", |it| it.fault(Rule::DuplicateNodeId, message, &help));
        }
        Some(reference)
    }

    fn head(&mut self, json: Json<'_>) -> Head {
        Head {
            extension: Some(self.optional(json, "extension", Self::text))
                .filter(|it| !it.is_empty() && it != BASIC_EXTENSION),
            label: self.optional(json, "label", Self::text),
            comment: self.optional(json, "comment", Self::text),
            comment_color: self.optional(json, "commentColor", Self::text),
            analytics_label: self.optional(json, "analyticsLabel", Self::text),
            is_entry_point: self.optional(json, "isEntryPoint", Self::flag),
            is_disabled: self.optional(json, "isDisabled", Self::flag),
            mock: self.optional(json, "mock", Self::mock),
        }
    }

    fn mock(&mut self, json: Json<'_>) -> Option<Option<Mock>> {
        self.object(json, &["isEnabled", "code"])?;
        let mock = Mock {
            is_enabled: self.optional(json, "isEnabled", Self::flag),
            code: self.optional(json, "code", Self::text),
        };
        Some(Some(mock).filter(|mock| *mock != Mock::default()))
    }

    fn configs(&mut self, json: Json<'_>, kind: Option<&str>) -> Option<BTreeMap<LocaleName, Config>> {
        self.expect(json, Kind::Object)?;
        let mut configs = BTreeMap::new();
        for (locale, config) in json.entries() {
            let read = self.at(&locale, |it| {
                let name: Option<LocaleName> = it.parsed(&locale, Rule::UnknownValue);
                let mut config = it.config(config)?;
                without_computed(kind.unwrap_or_default(), &mut config);
                Some((name?, config))
            });
            configs.extend(read);
        }
        Some(configs)
    }

    fn reference<T: FromStr<Err: Display>>(&mut self, json: Json<'_>) -> Option<T> {
        let text = self.text(json)?;
        self.parsed(&text, Rule::WrongRef)
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, text: &str, rule: Rule) -> Option<T> {
        text.parse().map_err(|error: T::Err| self.fault(rule, error.to_string(), "")).ok()
    }

    fn text(&mut self, json: Json<'_>) -> Option<String> {
        self.expect(json, Kind::String)?;
        json.as_str().map(std::borrow::Cow::into_owned)
    }

    fn flag(&mut self, json: Json<'_>) -> Option<bool> {
        self.expect(json, Kind::Bool)?;
        json.as_bool()
    }

    fn config(&mut self, json: Json<'_>) -> Option<Config> {
        self.expect(json, Kind::Object)?;
        config_of(json)
    }

    /// Every element that can be read; the list counts as read all the same, its faults are known.
    fn list<T>(&mut self, json: Json<'_>, mut read: impl FnMut(&mut Self, Json<'_>) -> Option<T>) -> Option<Vec<T>> {
        self.expect(json, Kind::Array)?;
        let mut items = Vec::new();
        for (index, element) in json.elements().enumerate() {
            let before = self.pointer.len();
            push_index(&mut self.pointer, index);
            items.extend(read(self, element));
            self.pointer.truncate(before);
        }
        Some(items)
    }

    /// An object that has no other members than these.
    fn object(&mut self, json: Json<'_>, members: &[&str]) -> Option<()> {
        self.expect(json, Kind::Object)?;
        for (key, _) in json.entries().filter(|(key, _)| !members.contains(&&**key)) {
            let help = match nearest(&key, members.iter().copied()) {
                Some(near) => format!("is {} meant?", quoted(near)),
                None => format!("known are `{}`", members.join("`, `")),
            };
            self.at(&key, |it| {
                it.fault(Rule::UnknownMember, format!("expected a known member, found {}", quoted(&key)), &help);
            });
        }
        Some(())
    }

    fn expect(&mut self, json: Json<'_>, kind: Kind) -> Option<()> {
        if json.kind() == kind {
            return Some(());
        }
        let message = format!("expected {}, found {}", word(kind), word(json.kind()));
        self.fault(Rule::WrongType, message, "");
        None
    }

    fn required<T>(
        &mut self,
        json: Json<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, Json<'_>) -> Option<T>,
    ) -> Option<T> {
        let Some(member) = json.member(key) else {
            self.fault(Rule::MissingMember, format!("expected a member `{key}`, found none"), &format!("add `{key}`"));
            return None;
        };
        self.at(key, |it| read(it, member))
    }

    /// The default where it is absent, and where it is wrong, which is a fault.
    fn optional<T: Default>(
        &mut self,
        json: Json<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, Json<'_>) -> Option<T>,
    ) -> T {
        let read = json.member(key).and_then(|member| self.at(key, |it| read(it, member)));
        read.unwrap_or_default()
    }

    fn at<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.pointer.len();
        push_key(&mut self.pointer, key);
        let read = read(self);
        self.pointer.truncate(before);
        read
    }

    fn fault(&mut self, rule: Rule, message: impl Into<String>, help: &str) {
        let (pointer, message, help) = (self.pointer.clone(), message.into(), help.to_owned());
        self.faults.push(DocumentFault { pointer, rule, message, help });
    }
}

fn kind_of(node: Json<'_>) -> Option<String> {
    node.member("type")?.as_str().map(std::borrow::Cow::into_owned)
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "`true` or `false`",
        Kind::Integer | Kind::Float => "a number",
        Kind::String => "a text",
        Kind::Array => "a list",
        Kind::Object => "an object",
    }
}
