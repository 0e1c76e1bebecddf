//! A project as the vendor's own command line clones it to disk: heads and charts as the wire has them, each node with its
//! configuration beside the rest.

use std::collections::HashMap;
use std::fmt::Display;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::chart::{self, Tree, UnreadableChart, WireChart};
use super::compose::chain_of;
use super::heads::LocaleHead;
use crate::format::cognigy::document::{Chain, Flow, FlowRef, LocaleName, Node};

/// A locale of the project that was cloned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClonedLocale {
    /// What people call it; also the folder of its charts.
    pub name: LocaleName,
    /// What configurations call it.
    ids: [String; 2],
}

/// The files of a flow.
#[derive(Debug, Clone, Copy)]
pub struct ClonedFlow<'a> {
    /// `config.json`.
    pub head: &'a [u8],
    /// `chart.json` of each locale that has one; that of the first says how nodes hang together.
    pub charts: &'a [(&'a ClonedLocale, &'a [u8])],
}

/// Why a clone cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneFault {
    /// Which of the charts; absent for the head, or where there is one file only.
    pub chart: Option<usize>,
    /// Line in that file, from 1.
    pub line: u32,
    /// What is wrong, in words.
    pub message: String,
    /// Whether the nodes hang together in no way that can be read.
    pub is_no_tree: bool,
}

/// `config.json`: the flow as a list has it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CloneHead {
    reference_id: String,
    name: String,
    description: Option<String>,
}

/// `locales.json`: the locales of the project, the primary one first.
///
/// # Errors
///
/// It is no list of locales, or an empty one.
pub fn cloned_locales(text: &[u8]) -> Result<Vec<ClonedLocale>, CloneFault> {
    let mut heads: Vec<LocaleHead> = parsed(text)?;
    heads.sort_by_key(|head| (!head.primary, head.name.clone()));
    if heads.is_empty() {
        return Err(CloneFault::at(1, "expected the locales of a project, found none"));
    }
    let locale = |LocaleHead { id, reference_id, name, primary: _ }: LocaleHead| match name.parse() {
        Ok(name) => Ok(ClonedLocale { name, ids: [id, reference_id] }),
        Err(error) => Err(CloneFault::at(line_of(text, &name), error)),
    };
    heads.into_iter().map(locale).collect()
}

/// The flow that the files say, without context and attachments: those are not in them. A configuration counts for a locale
/// where it is of that one and not of its fallback. In words, what differs between locales and should not.
///
/// # Errors
///
/// A file is none of a clone, or the charts do not go together.
pub fn cloned_flow(files: ClonedFlow<'_>) -> Result<(Flow, Vec<String>), CloneFault> {
    let CloneHead { reference_id, name, description } = parsed(files.head)?;
    let reference: FlowRef =
        reference_id.parse().map_err(|error| CloneFault::at(line_of(files.head, &reference_id), error))?;
    let mut notes = Vec::new();
    let mut first: Option<First<'_>> = None;
    for (index, (locale, text)) in files.charts.iter().enumerate() {
        let in_chart = |fault: CloneFault| CloneFault { chart: Some(index), ..fault };
        let (mut tree, chain, configs) = chart_of(text, &reference_id, locale, index == 0).map_err(in_chart)?;
        let Some(First { tree: whole, chain: wanted, locale: primary }) = &mut first else {
            put(&mut tree, locale, configs);
            first = Some(First { tree, chain, locale });
            continue;
        };
        let (primary, other) = (&primary.name, &locale.name);
        if let Some(node) = first_difference(wanted, &chain) {
            let message = format!("expected the nodes of `{primary}` in their order, found others from `{node}` on");
            return Err(in_chart(CloneFault::at(line_of(text, &node), message)));
        }
        let n_heads = heads_apart(whole, &tree);
        if n_heads > 0 {
            notes.push(format!(
                "{n_heads} node(s) have another label or comment in `{other}`: those of `{primary}` are taken, all locales share them"
            ));
        }
        put(whole, locale, configs);
    }
    let tree = first.map(|first| first.tree).unwrap_or_default();
    let chart = chain_of(&tree).map_err(|reason| CloneFault { chart: Some(0), ..at_start(reason) })?;
    let (context, attached_flows, attached_lexicons) = (Map::new(), Vec::new(), Vec::new());
    let description = description.unwrap_or_default();
    let flow = Flow { reference, name, description, context, attached_flows, attached_lexicons, chart };
    // Numbers are written as git's are, and whatever would not be read again is found here.
    let flow = Flow::parse(flow.to_text().as_bytes()).map_err(at_start)?;
    Ok((flow, notes))
}

impl CloneFault {
    fn at(line: u32, message: impl Display) -> Self {
        Self { chart: None, line, message: message.to_string(), is_no_tree: false }
    }
}

fn at_start(message: impl Display) -> CloneFault {
    CloneFault::at(1, message)
}

fn parsed<T: DeserializeOwned>(text: &[u8]) -> Result<T, CloneFault> {
    serde_json::from_slice(text).map_err(|error| CloneFault::at(u32::try_from(error.line()).unwrap_or(1).max(1), error))
}

/// The chart that says how nodes hang together.
struct First<'a> {
    tree: Tree,
    chain: Chain,
    locale: &'a ClonedLocale,
}

/// Settings by the reference ids of their nodes.
type Configs = HashMap<String, Value>;

/// A chart without its configurations, as a tree and as a document has it; and the configurations that are of the locale. One
/// that says of no locale is of the first.
fn chart_of(
    text: &[u8],
    flow: &str,
    locale: &ClonedLocale,
    is_first: bool,
) -> Result<(Tree, Chain, Configs), CloneFault> {
    let wire: WireChart = parsed(text)?;
    let tree = chart::read(&wire, flow, locale.name.as_str())
        .map_err(|error| CloneFault { is_no_tree: true, ..CloneFault::at(line_of_node(text, &error), error) })?;
    let chain = chain_of(&tree).map_err(at_start)?;
    let is_own = |reference: Option<&String>| reference.map_or(is_first, |reference| locale.ids.contains(reference));
    let mut configs = Configs::new();
    for node in wire.nodes.into_iter().filter(|node| is_own(node.locale_reference.as_ref())) {
        match node.config {
            None | Some(Value::Null) => {}
            Some(config @ Value::Object(_)) => _ = configs.insert(node.reference_id, config),
            Some(other) => {
                let message =
                    format!("expected the settings of node `{}` as an object, found `{other}`", node.reference_id);
                return Err(CloneFault::at(line_of(text, &node.id), message));
            }
        }
    }
    Ok((tree, chain, configs))
}

fn put(tree: &mut Tree, locale: &ClonedLocale, mut configs: Configs) {
    for node in &mut tree.nodes {
        if let Some(config) = configs.remove(&node.reference) {
            node.configs.insert(locale.name.to_string(), config);
        }
    }
}

/// The reference id of the first node that stands elsewhere, or is another.
fn first_difference(one: &[Node], other: &[Node]) -> Option<String> {
    for at in 0..one.len().max(other.len()) {
        let (Some(one), Some(other)) = (one.get(at), other.get(at)) else {
            return one.get(at).or(other.get(at)).map(|node| node.reference.to_string());
        };
        if (one.reference, &one.kind) != (other.reference, &other.kind) || one.branches.len() != other.branches.len() {
            return Some(other.reference.to_string());
        }
        for (one, other) in one.branches.iter().zip(&other.branches) {
            let nodes = first_difference(std::slice::from_ref(&one.node), std::slice::from_ref(&other.node));
            if let Some(node) = nodes.or_else(|| first_difference(&one.body, &other.body)) {
                return Some(node);
            }
        }
    }
    None
}

/// How many nodes say something else of themselves.
fn heads_apart(one: &Tree, other: &Tree) -> usize {
    let heads: HashMap<&str, &chart::Head> = one.nodes.iter().map(|node| (&*node.reference, &node.head)).collect();
    let is_apart = |node: &&chart::Node| {
        !node.kind.is_mere_place() && heads.get(&*node.reference).is_some_and(|head| **head != node.head)
    };
    other.nodes.iter().filter(is_apart).count()
}

/// The line of the first string that says this; 1 where there is none.
fn line_of(text: &[u8], said: &str) -> u32 {
    let wanted = Value::from(said).to_string();
    let found = text.windows(wanted.len()).position(|part| part == wanted.as_bytes()).filter(|_| !said.is_empty());
    let n_before = found.map_or(0, |at| text[..at].iter().filter(|byte| **byte == b'\n').count());
    u32::try_from(n_before + 1).unwrap_or(u32::MAX)
}

fn line_of_node(text: &[u8], error: &UnreadableChart) -> u32 {
    match error {
        UnreadableChart::Starts(_) => 1,
        UnreadableChart::NodeTwice(id)
        | UnreadableChart::ReferenceTwice(id)
        | UnreadableChart::NoRelation(id)
        | UnreadableChart::RelationTwice(id)
        | UnreadableChart::NoNode(id)
        | UnreadableChart::TwoPredecessors(id)
        | UnreadableChart::Loose(id) => line_of(text, id),
    }
}
